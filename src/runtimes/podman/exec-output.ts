/** What a command printed, as far as it is kept: whoever prints without end is heard out, and fills no memory. */
import type { ExecResult } from '../../core/ports/driver.js';
import type { Frame } from './log-lines.js';

/** Of each of the two streams. */
export const keptExecBytes = 1_048_576;

export class ExecOutput {
  readonly #kept: Record<Frame['stream'], Buffer[]> = { stdout: [], stderr: [] };
  readonly #size = { stdout: 0, stderr: 0 };

  add({ stream, payload }: Frame): void {
    const room = keptExecBytes - this.#size[stream];
    // A copy: the frame is a part of something larger.
    if (room > 0) this.#kept[stream].push(Buffer.from(payload.subarray(0, room)));
    this.#size[stream] += payload.length;
  }

  /** The beginning of each stream, and how much of it was left out, if anything was. */
  result(): Omit<ExecResult, 'exitCode'> {
    const cut = { stdout: this.#cutOf('stdout'), stderr: this.#cutOf('stderr') };
    const texts = { stdout: this.#textOf('stdout'), stderr: this.#textOf('stderr') };
    return cut.stdout + cut.stderr === 0 ? texts : { ...texts, cut };
  }

  #cutOf(stream: Frame['stream']): number {
    return Math.max(0, this.#size[stream] - keptExecBytes);
  }

  #textOf(stream: Frame['stream']): string {
    const bytes = Buffer.concat(this.#kept[stream]);
    // Half a character at the cut is left out.
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: this.#cutOf(stream) > 0 });
  }
}
