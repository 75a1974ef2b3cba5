/** The editor as a part of a page; until it is loaded, and where it cannot be, a plain field takes its place. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { DefinitionProblem } from '../../../core/ports/definition.js';
import type { Schema } from '../../model/completion.js';
import type { CodeEditor } from './code.js';

/** A text that was put in from outside: another `round` replaces what is in the field. */
export interface Given {
  readonly text: string;
  readonly round: number;
}

export interface Place {
  readonly line: number;
  readonly column: number;
}

interface Props {
  readonly given: Given;
  readonly problems: readonly DefinitionProblem[];
  readonly schema: Schema | null;
  /** Where to put the cursor; another object moves it again. */
  readonly place: Place | null;
  readonly onChange: (text: string) => void;
  readonly onSave: () => void;
}

export function CodeField({ given, problems, schema, place, onChange, onSave }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const [editor, setEditor] = useState<CodeEditor | null>(null);
  const [isPlain, setPlain] = useState(false);
  const latest = useRef({ given, schema, onChange, onSave });
  latest.current = { given, schema, onChange, onSave };
  useEffect(() => {
    let made: CodeEditor | null = null;
    let isOver = false;
    import('./code.js').then(
      ({ createCodeEditor }) => {
        if (isOver || host.current === null) return;
        made = createCodeEditor(host.current, {
          text: latest.current.given.text,
          onChange: (text) => {
            latest.current.onChange(text);
          },
          onSave: () => {
            latest.current.onSave();
          },
          schema: () => latest.current.schema,
        });
        setEditor(made);
      },
      () => {
        if (!isOver) setPlain(true);
      },
    );
    return () => {
      isOver = true;
      made?.close();
    };
  }, []);
  useEffect(() => editor?.setText(given.text), [editor, given.round]);
  useEffect(() => editor?.setProblems(problems), [editor, problems]);
  useEffect(() => {
    if (place !== null) editor?.goTo(place.line, place.column);
  }, [editor, place]);
  return (
    <>
      <div class="code" ref={host} hidden={isPlain} />
      {isPlain ? (
        <textarea
          class="code mono"
          aria-label="Definition"
          key={given.round}
          onInput={(event) => {
            onChange(event.currentTarget.value);
          }}
        >
          {given.text}
        </textarea>
      ) : null}
    </>
  );
}
