/**
 * The text editor, loaded when somebody edits. It lives in a shadow root: there its styles are adopted sheets, which a
 * strict policy for content allows, while style elements are refused.
 */
import { autocompletion, completionKeymap, type CompletionResult } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { toml } from '@codemirror/legacy-modes/mode/toml';
import { EditorState, StateEffect, StateField, type Range } from '@codemirror/state';
import {
  Decoration,
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
  type DecorationSet,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { DefinitionProblem } from '../../../core/ports/definition.js';
import { proposalsAt, type Schema } from '../../model/completion.js';
import { theme } from './theme.js';

export interface CodeEditor {
  setText(text: string): void;
  /** Marks the lines of what is wrong. */
  setProblems(problems: readonly DefinitionProblem[]): void;
  /** Puts the cursor there; lines and columns count from 1. */
  goTo(line: number, column: number): void;
  close(): void;
}

export interface CodeEditorOptions {
  readonly text: string;
  readonly onChange: (text: string) => void;
  /** Ctrl-S, or Cmd-S. */
  readonly onSave: () => void;
  /** null while it is not known. */
  readonly schema: () => Schema | null;
}

/** What kinds of proposals are called there. */
const types = { key: 'property', value: 'enum', table: 'namespace' } as const;

const setMarks = StateEffect.define<readonly DefinitionProblem[]>();

const marks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (old, transaction) => {
    for (const effect of transaction.effects) {
      if (effect.is(setMarks)) return marksOf(transaction.state, effect.value);
    }
    return old.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

function marksOf(state: EditorState, problems: readonly DefinitionProblem[]): DecorationSet {
  const ranges = problems.flatMap(({ line, column, message }): readonly Range<Decoration>[] => {
    const at = state.doc.line(Math.min(Math.max(1, line), state.doc.lines));
    const from = Math.min(at.to, at.from + Math.max(0, column - 1));
    const whole = Decoration.line({ class: 'cm-wrong-line', attributes: { title: message } }).range(at.from);
    return from < at.to ? [whole, Decoration.mark({ class: 'cm-wrong' }).range(from, at.to)] : [whole];
  });
  return Decoration.set(ranges, true);
}

const colours = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--soft)', fontStyle: 'italic' },
  { tag: tags.string, color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.atom], color: 'var(--busy)' },
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--ink)' },
  { tag: [tags.bracket, tags.heading], color: 'var(--unknown)' },
]);

export function createCodeEditor(host: HTMLElement, options: CodeEditorOptions): CodeEditor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  const view = new EditorView({
    parent: root,
    root,
    state: EditorState.create({ doc: options.text, extensions: extensionsOf(options) }),
  });
  return {
    setText: (text) => {
      if (text === view.state.doc.toString()) return;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    setProblems: (problems) => {
      view.dispatch({ effects: setMarks.of(problems) });
    },
    goTo: (line, column) => {
      const at = view.state.doc.line(Math.min(Math.max(1, line), view.state.doc.lines));
      const anchor = Math.min(at.to, at.from + Math.max(0, column - 1));
      view.dispatch({ selection: { anchor }, scrollIntoView: true });
      view.focus();
    },
    close: () => {
      view.destroy();
    },
  };
}

function extensionsOf({ onChange, onSave, schema }: CodeEditorOptions) {
  const save = (): boolean => {
    onSave();
    return true;
  };
  return [
    lineNumbers(),
    history(),
    drawSelection(),
    highlightActiveLine(),
    StreamLanguage.define(toml),
    syntaxHighlighting(colours),
    autocompletion({
      icons: false,
      override: [(context) => complete(context.state.sliceDoc(0, context.pos), schema())],
      // After a key come its values.
      activateOnCompletion: ({ type }) => type === types.key,
    }),
    marks,
    theme,
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': 'Definition', spellcheck: 'false', autocapitalize: 'off' }),
    // The Tab key leaves the field, as everywhere: nobody is caught in here.
    keymap.of([{ key: 'Mod-s', run: save }, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange(update.state.doc.toString());
    }),
  ];
}

function complete(before: string, schema: Schema | null): CompletionResult | null {
  const proposals = schema === null ? null : proposalsAt(before, schema);
  if (proposals === null) return null;
  return {
    from: proposals.from,
    options: proposals.items.map(({ label, insert, detail, kind }) => ({
      label,
      apply: insert,
      type: types[kind],
      ...(detail === '' ? {} : { info: detail }),
    })),
  };
}
