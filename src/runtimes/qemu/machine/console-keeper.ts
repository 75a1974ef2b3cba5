/** While a machine runs: notes when its console log grew, and keeps the log within its limit. */
import { join } from 'node:path';
import { oneAtATime } from '../../host/one-at-a-time.js';
import { machineFiles } from '../contracts.js';
import { emptyIndex, readIndex, withGrowth, writeIndex, type ConsoleIndex } from './console-index.js';
import type { MachineDeps } from './deps.js';

export interface ConsoleKeeperOptions {
  readonly folder: string;
  /** Mebibytes that the log may take; when it takes more, the older half goes. */
  readonly limitMb: number;
}

/** At most one look in this time, however fast the guest writes. */
const lookEveryMs = 250;
/** Where folders cannot be watched. */
const pollEveryMs = 1_000;

/** Nothing happens before `start`. */
export class ConsoleKeeper {
  readonly #deps: MachineDeps;
  readonly #options: ConsoleKeeperOptions;
  /** One at a time: two would write the same file. */
  readonly #keep = oneAtATime(() => this.#keepOnce());
  #index: ConsoleIndex | null = null;
  #unwatch: () => void = () => undefined;
  #cancelTimer: () => void = () => undefined;
  #isDue = false;
  #isPolled = false;
  #isClosed = false;

  constructor(deps: MachineDeps, options: ConsoleKeeperOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  start(): void {
    const unwatch = this.#deps.host.watchFolder(this.#options.folder, () => {
      this.#schedule(lookEveryMs);
    });
    this.#isPolled = unwatch === undefined;
    this.#unwatch = unwatch ?? (() => undefined);
    this.#schedule(0);
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    this.#cancelTimer();
  }

  /** A last look at what the machine wrote before it ended. */
  async finish(): Promise<void> {
    this.close();
    await this.#keep().catch(() => undefined);
  }

  #schedule(delayMs: number): void {
    if (this.#isDue || this.#isClosed) return;
    this.#isDue = true;
    this.#cancelTimer = this.#deps.clock.after(delayMs, () => {
      this.#isDue = false;
      void this.#look();
    });
  }

  /** A log that cannot be read or written now is looked at again later. */
  async #look(): Promise<void> {
    await this.#keep().catch(() => undefined);
    if (this.#isPolled) this.#schedule(pollEveryMs);
  }

  async #keepOnce(): Promise<void> {
    const { host, clock } = this.#deps;
    const { folder, limitMb } = this.#options;
    const log = join(folder, machineFiles.consoleLog);
    const state = await host.fileState(log);
    if (state?.kind !== 'file') return;
    const known = this.#index ?? (await readIndex(host, folder, state.bytes));
    const last = known.growths.at(-1)?.bytes ?? 0;
    // A log that shrank was emptied by hand.
    const index = state.bytes < Math.max(last, known.headBytes) ? emptyIndex : known;
    const limitBytes = limitMb * bytesPerMb;
    const isLong = state.bytes - index.headBytes > limitBytes;
    const headBytes = isLong ? wholeBlocks(state.bytes - limitBytes / 2) : index.headBytes;
    if (state.bytes === last && !isLong && index === this.#index) return;
    const growths =
      state.bytes === last ? index.growths : withGrowth(index.growths, { bytes: state.bytes, atMs: clock.now() });
    this.#index = { headBytes, growths: growths.filter(({ bytes }) => bytes > headBytes) };
    // Written first: a reader never takes a hole for a line.
    await writeIndex(host, folder, this.#index);
    if (isLong) await host.dropHead(log, headBytes);
  }
}

const bytesPerMb = 1024 * 1024;
const blockBytes = 4_096;

/** A hole has whole blocks. */
function wholeBlocks(bytes: number): number {
  return Math.floor(bytes / blockBytes) * blockBytes;
}
