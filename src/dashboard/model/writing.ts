/** A definition that is being written: what was typed, over what was found. Pure. */
import type { ServiceBase } from '../../core/plan-replace.js';

/** A text, and what was seen before it was changed; null: there was no such service. */
export interface Draft {
  readonly text: string;
  readonly base: ServiceBase | null;
}

export interface Writing extends Draft {
  /** The text as it was found; null: nobody knows, for what is written goes on from an older one. */
  readonly clean: string | null;
  /** Another `round` replaces what is in the field. */
  readonly given: { readonly text: string; readonly round: number };
}

/** Goes on with what was typed before, or begins with what is found. */
export function beginWriting(draft: Draft | undefined, found: Draft): Writing {
  const { text, base } = draft ?? found;
  const isOld = draft !== undefined && !isSame(draft.base, found.base);
  return { text, base, clean: isOld ? null : found.text, given: { text, round: 0 } };
}

export function typed(old: Writing, text: string): Writing {
  return { ...old, text };
}

/**
 * Takes a service as it is in the registry. What was typed is given up, unless the registry has it from the text that was
 * `sent` and more was typed since: that stays, as a change of what is there now.
 */
export function taken(old: Writing, { text, base }: Draft, sent: string | null): Writing {
  if (sent !== null && old.text !== sent) return { ...old, base, clean: text };
  return { text, base, clean: text, given: { text, round: old.given.round + 1 } };
}

/** What is lost when nobody keeps it; null: nothing was typed. */
export function draftOf({ text, base, clean }: Writing): Draft | null {
  return text === clean ? null : { text, base };
}

function isSame(one: ServiceBase | null, other: ServiceBase | null): boolean {
  if (one === null || other === null) return one === other;
  const names = new Set([...Object.keys(one.generations), ...Object.keys(other.generations)]);
  const isChanged = [...names].some((name) => one.generations[name] !== other.generations[name]);
  return one.revision === other.revision && !isChanged;
}
