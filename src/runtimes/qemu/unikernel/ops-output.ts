/** What `ops` prints, read. Source: github.com/nanovms/ops log/, constants/, cmd/cmd_build.go. */
import { stripVTControlCharacters } from 'node:util';

export interface OpsOutput {
  /** What stands after `Bootable image file:`; null: it made none. */
  readonly image: string | null;
  /** The lines that ops prints in red, but for its advice to update itself. */
  readonly errors: readonly string[];
  /** The end of what it said, for people. */
  readonly lastWords: string;
}

const red = /\u001b\[(?:1;)?31m/;
const bootable = /^Bootable image file:(.+)$/;
/** Said on every node without a way to the internet, and meant to be so. */
const noise = [/^version lookup failed, using local\.?$/, /older version of Ops/i, /^Update: Run/];
const limits = { lines: 6, characters: 800 };

/** Reads the output of `ops build`, which goes to stdout, errors included. */
export function readOpsOutput(output: string): OpsOutput {
  // Go's template puts the end of a line before the colour's end: what is red may begin on the line before.
  const lines = output.split('\n').map((raw) => ({ text: stripVTControlCharacters(raw).trim(), isRed: red.test(raw) }));
  const said = lines.filter(({ text }) => text !== '' && !noise.some((pattern) => pattern.test(text)));
  const words = said.map(({ text }) => text).filter((text) => !bootable.test(text));
  return {
    image: said.map(({ text }) => bootable.exec(text)?.[1]?.trim()).find((path) => path !== undefined) ?? null,
    errors: said.filter(({ isRed }) => isRed).map(({ text }) => text),
    lastWords: words.slice(-limits.lines).join('; ').slice(-limits.characters),
  };
}

/** The version of Nanos in the output of `ops version`, and of ops itself; empty when it does not say. */
export function readOpsVersion(output: string): { readonly ops: string; readonly nanos: string } {
  const text = stripVTControlCharacters(output);
  return {
    ops: /^Ops version:\s*(\S+)/m.exec(text)?.[1] ?? '',
    nanos: /^Nanos version:\s*(\S+)/m.exec(text)?.[1] ?? '',
  };
}
