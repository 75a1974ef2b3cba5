/** Which editor the user wants. */
import { BerthError } from '../core/errors.js';

/**
 * The editor's command line from $VISUAL or $EDITOR, as arguments; no shell reads it. Quotes keep words
 * together. E_EDITOR when neither is set.
 */
export function editorArgv(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const text = [env['VISUAL'], env['EDITOR']].find((value) => value !== undefined && value.trim() !== '');
  if (text === undefined) {
    throw new BerthError('E_EDITOR', 'neither VISUAL nor EDITOR is set', {
      suggestion: 'run: EDITOR=nano berth edit …',
    });
  }
  const words = text.match(/"[^"]*"|'[^']*'|[^\s"']+/g) ?? [];
  return words.map((word) => (/^["']/.test(word) ? word.slice(1, -1) : word));
}
