/** While a machine runs: notes when its console log grew, and keeps the log within its limit. */
import { join } from 'node:path';
import { machineFiles } from '../contracts.js';
import { olderSuffix, readIndex, withGrowth, writeIndex, type Growth } from './console-index.js';
import type { MachineDeps } from './deps.js';

export interface ConsoleKeeperOptions {
  readonly folder: string;
  /** Mebibytes: of the log and the older one together. */
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
  #growths: readonly Growth[] | null = null;
  #unwatch: () => void = () => undefined;
  #cancelTimer: () => void = () => undefined;
  #isDue = false;
  #isBusy = false;
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
    if (this.#isBusy) {
      this.#schedule(lookEveryMs);
      return;
    }
    this.#isBusy = true;
    await this.#keep().catch(() => undefined);
    this.#isBusy = false;
    if (this.#isPolled) this.#schedule(pollEveryMs);
  }

  async #keep(): Promise<void> {
    const { host, clock } = this.#deps;
    const { folder, limitMb } = this.#options;
    const log = join(folder, machineFiles.consoleLog);
    const state = await host.fileState(log);
    if (state?.kind !== 'file') return;
    const known = this.#growths ?? (await readIndex(host, folder, '', state.bytes));
    const last = known.at(-1)?.bytes ?? 0;
    this.#growths = state.bytes < last ? [] : known;
    if (state.bytes !== last) {
      this.#growths = withGrowth(this.#growths, { bytes: state.bytes, atMs: clock.now() });
      await writeIndex(host, folder, '', this.#growths);
    }
    if (state.bytes <= (limitMb * 1024 * 1024) / 2) return;
    await writeIndex(host, folder, olderSuffix, this.#growths);
    await host.moveContent(log, log + olderSuffix);
    this.#growths = [];
    await writeIndex(host, folder, '', []);
  }
}
