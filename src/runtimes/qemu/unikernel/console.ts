/**
 * What the serial console of a Nanos guest says about its program, and the byte of its debug port. Source of the words:
 * github.com/nanovms/nanos src/net/net.c, src/kernel/stage3.c, src/kernel/init.c, src/unix/exec.c.
 */

export type NanosNews =
  /** An address is set: the program, which starts at about the same time, can be reached from now on. */
  | { readonly kind: 'network'; readonly address: string }
  /** The program was never started, or the guest cannot go on. */
  | { readonly kind: 'failed'; readonly message: string };

/** Not bound to the line's beginning: what the program wrote last may have had no line end. */
const assigned = /\[\d+\.\d+\] [a-z]+\d+: assigned (\d{1,3}(?:\.\d{1,3}){3})\s*$/;

/** Lines that mean that the program will not run, and what to tell people. */
const failures: readonly (readonly [RegExp, (found: RegExpExecArray) => string])[] = [
  [
    /^program startup failed (?:on|before) exec: .*unable to open program file (.*?)\)?$/,
    (found) => `the image has no program ${found[1] ?? ''}`,
  ],
  [
    /^program startup failed (?:on|before) exec: .*couldn't find program interpreter (.*?)\)?$/,
    (found) => `the image has no dynamic loader ${found[1] ?? ''}`,
  ],
  [
    /^program startup failed (?:on|before) exec: .*failed to read elf file/,
    () => 'the program cannot be read: the disk is damaged or cut short',
  ],
  [
    /^program startup failed (?:on|before) exec: (.*)$/,
    (found) => `the program could not be started: ${found[1] ?? ''}`,
  ],
  [/^failed to read (?:volume|stage3|tfs)(.*)$/, () => 'the disk is damaged or cut short'],
  [/^[a-z_0-9]+: out of memory$/, () => 'the guest ran out of memory'],
  [/^multiple root filesystems found/, () => 'the disk has more than one root file system'],
  [/^unable to (?:read|open) (?:kernel|boot)(.*)$/, () => 'the disk has no kernel'],
];

/** What one line of the console means; undefined: something of the program's own. */
export function readConsoleLine(line: string): NanosNews | undefined {
  const text = line.trimEnd();
  const address = assigned.exec(text)?.[1];
  if (address !== undefined) return { kind: 'network', address };
  for (const [pattern, words] of failures) {
    const found = pattern.exec(text);
    if (found) return { kind: 'failed', message: words(found) };
  }
  return undefined;
}

/** The news in a whole text, in order. */
export function readConsole(text: string): readonly NanosNews[] {
  return text.split('\n').flatMap((line) => {
    const news = readConsoleLine(line);
    return news ? [news] : [];
  });
}

/**
 * The program's exit code by what the guest wrote to its debug port: one byte, as it powers off. undefined: it wrote
 * none, because it still runs, was cut off, or never got that far. A guest that was booted anew wrote one each time.
 */
export function readExitCode(bytes: Uint8Array): number | undefined {
  return bytes.at(-1);
}
