/** Colours for terminals; the plain text everywhere else. */
export type Tone = 'good' | 'warn' | 'bad' | 'dim' | 'bold' | 'plain';

const codes: Readonly<Record<Exclude<Tone, 'plain'>, readonly [number, number]>> = {
  good: [32, 39],
  warn: [33, 39],
  bad: [31, 39],
  dim: [2, 22],
  bold: [1, 22],
};

export class Styles {
  readonly #on: boolean;

  constructor(on: boolean) {
    this.#on = on;
  }

  /** The text in a tone. Escape sequences that it holds itself are taken out: it may come from a program. */
  paint(tone: Tone, text: string): string {
    const clean = printable(text);
    if (!this.#on || tone === 'plain') return clean;
    const [open, close] = codes[tone];
    return `\u001b[${open}m${clean}\u001b[${close}m`;
  }
}

/** One line of text without anything that would move a terminal's cursor. */
export function printable(text: string): string {
  let result = '';
  for (const letter of text) {
    const code = letter.codePointAt(0) ?? 0;
    const control = code < 32 || (code >= 127 && code < 160);
    result += control ? ' ' : letter;
  }
  return result;
}
