/** Texts in the shell's own words. Pure. */
import { BerthError } from '../../../core/errors.js';

/**
 * A word that a POSIX shell reads as exactly this text, whatever is in it. Source: POSIX.1-2017, Shell Command
 * Language 2.2.2, "Single-Quotes". E_VM_IMAGE for a NUL, which no argument of a program can hold.
 */
export function shellQuote(text: string): string {
  refuseNul(text);
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Throws E_VM_IMAGE for a text that no program can be given. */
export function refuseNul(text: string): void {
  if (!text.includes('\0')) return;
  const shown = JSON.stringify(text.slice(0, 80));
  throw new BerthError('E_VM_IMAGE', `arguments and environment cannot hold a NUL character: ${shown}`);
}
