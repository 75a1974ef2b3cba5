/** Tables with aligned columns. */
import { printable, type Styles, type Tone } from './styles.js';

export interface Cell {
  readonly text: string;
  readonly tone: Tone;
}

/** A cell in the plain tone. */
export function cell(text: string, tone: Tone = 'plain'): Cell {
  return { text: printable(text), tone };
}

const gap = '  ';

/** Rows under their headings, one line each. The last column is as wide as it likes. */
export function formatTable(headings: readonly string[], rows: readonly (readonly Cell[])[], styles: Styles): string {
  const lines = [headings.map((heading) => cell(heading, 'dim')), ...rows];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => width(line[column]?.text ?? ''))));
  return lines
    .map((line) =>
      line
        .map(({ text, tone }, column) => {
          const last = column === line.length - 1;
          const padding = last ? '' : ' '.repeat((widths[column] ?? 0) - width(text));
          return styles.paint(tone, text) + padding;
        })
        .join(gap)
        .trimEnd(),
    )
    .join('\n');
}

function width(text: string): number {
  return Array.from(text).length;
}
