/**
 * Watches a folder of definitions. Hints make it prompt, a slow look at the whole folder makes it certain.
 * A file counts once it has stood still over two looks, so that half of one is never taken. What is broken
 * or gone is only reported: nothing here ever asks for a removal.
 */
import { join, resolve } from 'node:path';
import { messageOf, toBerthError } from '../core/errors.js';
import type { Clock } from '../core/ports/clock.js';
import type { Definition, DefinitionProblem } from '../core/ports/definition.js';
import { fileProblem } from './check.js';
import type { Fault } from './fault.js';
import type { DefinitionFiles, FileLook } from './files.js';
import { chokidarHints, type WatchHints } from './folder-hints.js';
import { checkFile, isDefinitionFileName } from './load.js';
import { planDelivery, type TrackedFile } from './watched-files.js';

export interface WatchDefinitionsOptions {
  readonly folder: string;
  readonly files: DefinitionFiles;
  readonly clock: Clock;
  /**
   * A file whose content is new since it was last handed over. Awaited, one at a time. If it fails, the file
   * is reported with the reason and handed over again at a later look.
   */
  readonly onChange: (definition: Definition) => void | Promise<void>;
  /** All that is wrong with a file, or with the folder, whenever that changes; an empty list: nothing any more. */
  readonly onProblem: (path: string, problems: readonly DefinitionProblem[]) => void;
  /** A file that is gone. What it declared stays. */
  readonly onRemoved: (path: string) => void;
  /** Hashes of contents that were handed over in an earlier life, by absolute path. */
  readonly known?: ReadonlyMap<string, string>;
  /** Where hints come from; chokidar when absent. */
  readonly hints?: WatchHints;
  /** How long a file must stand still, in milliseconds. */
  readonly settleMs?: number;
  /** Pause between two looks without a hint, in milliseconds. */
  readonly relistMs?: number;
}

export interface DefinitionWatcher {
  /** Looks at the folder soon, hint or not. */
  lookSoon(): void;
  /** Ends the watch; no callback comes after it. */
  close(): Promise<void>;
}

/** Pause that lets a burst of hints become one look. */
const hintDelayMs = 30;
/** How soon a folder that is not there is looked for again. */
const missingFolderMs = 1_000;
/** Files looked at together. */
const looksAtOnce = 32;

/** Begins to watch. The folder need not exist yet. */
export function watchDefinitions(options: WatchDefinitionsOptions): DefinitionWatcher {
  const watcher = new FolderWatcher(options);
  watcher.lookSoon();
  return watcher;
}

class FolderWatcher implements DefinitionWatcher {
  readonly #options: WatchDefinitionsOptions;
  readonly #folder: string;
  readonly #settleMs: number;
  readonly #relistMs: number;
  readonly #tracked = new Map<string, TrackedFile>();
  readonly #reported = new Map<string, string>();
  #folderIdentity: string | undefined;
  #closeHints: (() => Promise<void>) | undefined;
  #hintFault: Fault | undefined;
  #timer: { readonly dueMs: number; readonly cancel: () => void } | undefined;
  #look: Promise<void> | undefined;
  #closed = false;

  constructor(options: WatchDefinitionsOptions) {
    this.#options = options;
    this.#folder = resolve(options.folder);
    this.#settleMs = options.settleMs ?? 100;
    this.#relistMs = options.relistMs ?? 5_000;
  }

  lookSoon(): void {
    this.#schedule(hintDelayMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#look;
    await this.#closeHints?.();
    this.#closeHints = undefined;
  }

  /** Arms the one timer, unless it is due earlier anyway. */
  #schedule(delayMs: number): void {
    if (this.#closed) return;
    const { clock } = this.#options;
    const dueMs = clock.monotonic() + delayMs;
    if (this.#timer && this.#timer.dueMs <= dueMs) return;
    this.#timer?.cancel();
    const cancel = clock.after(delayMs, () => {
      this.#timer = undefined;
      // A look that is still under way sees to the next one itself.
      if (this.#look === undefined) this.#startLook();
      else this.#schedule(hintDelayMs);
    });
    this.#timer = { dueMs, cancel };
  }

  #startLook(): void {
    this.#look = this.#lookOnce()
      .catch((error: unknown) => {
        this.#reportFolder({ message: `it cannot be watched: ${messageOf(error)}`, suggestion: 'check its rights' });
        return this.#relistMs;
      })
      .then((pauseMs) => {
        this.#look = undefined;
        this.#schedule(pauseMs);
      });
  }

  /** One look at everything; answers after how many milliseconds the next is due. */
  async #lookOnce(): Promise<number> {
    const { files } = this.#options;
    const folder = await files.look(this.#folder);
    await this.#followFolder(folder);
    const names = folder?.kind === 'folder' ? (await files.list(this.#folder)).filter(isDefinitionFileName).sort() : [];
    const stamps = await this.#stampsOf(names.map((name) => join(this.#folder, name)));
    if (this.#closed) return this.#relistMs;
    this.#reportFolder(this.#folderFault(folder));
    const settled = this.#compare(stamps);
    for (const path of settled) await this.#check(path);
    await this.#deliver();
    return this.#nextPauseMs(folder);
  }

  #folderFault(folder: FileLook | undefined): Fault | undefined {
    const suggestion = 'make the folder, or name another one; what was declared before stays as it is';
    if (folder === undefined) return { message: 'there is no such folder', suggestion };
    if (folder.kind !== 'folder') return { message: 'it is no folder', suggestion };
    return this.#hintFault;
  }

  /** Takes hints from the folder that is there now: one made again under its name is another one. */
  async #followFolder(folder: FileLook | undefined): Promise<void> {
    const identity = folder?.kind === 'folder' ? folder.identity : undefined;
    if (identity === this.#folderIdentity) return;
    this.#folderIdentity = identity;
    await this.#closeHints?.();
    this.#closeHints = undefined;
    this.#hintFault = undefined;
    if (identity === undefined || this.#closed) return;
    const watchHints = this.#options.hints ?? chokidarHints;
    this.#closeHints = watchHints(this.#folder, {
      onHint: () => {
        this.lookSoon();
      },
      onError: (error) => {
        const message = `changes are noticed only every ${this.#relistMs} ms: ${messageOf(error)}`;
        this.#hintFault = { message, suggestion: 'raise fs.inotify.max_user_watches' };
        this.lookSoon();
      },
    });
  }

  /** What stands at each path, as one text to compare. Folders are left out. */
  async #stampsOf(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const stamps = new Map<string, string>();
    for (let from = 0; from < paths.length && !this.#closed; from += looksAtOnce) {
      const chunk = paths.slice(from, from + looksAtOnce);
      const looks = await Promise.all(chunk.map((path) => this.#stampOf(path)));
      for (const [index, path] of chunk.entries()) {
        const stamp = looks[index];
        if (stamp !== undefined) stamps.set(path, stamp);
      }
    }
    return stamps;
  }

  async #stampOf(path: string): Promise<string | undefined> {
    try {
      const found = await this.#options.files.look(path);
      if (found?.kind === 'folder') return undefined;
      return found?.stamp ?? 'nothing';
    } catch (error) {
      return `unreadable: ${messageOf(error)}`;
    }
  }

  /** Notes what moved; answers the paths that stood still long enough to be read. */
  #compare(stamps: ReadonlyMap<string, string>): readonly string[] {
    const nowMs = this.#options.clock.monotonic();
    for (const path of stamps.keys()) {
      if (this.#tracked.has(path)) continue;
      this.#tracked.set(path, { path, seen: undefined, seenAtMs: nowMs, handedOver: this.#options.known?.get(path) });
    }
    const settled: string[] = [];
    for (const file of this.#tracked.values()) {
      const stamp = stamps.get(file.path);
      if (stamp === undefined && file.goneAtMs === undefined) file.goneAtMs = nowMs;
      else if (stamp === undefined && nowMs - (file.goneAtMs ?? nowMs) >= this.#settleMs) this.#forget(file.path);
      if (stamp === undefined) continue;
      delete file.goneAtMs;
      if (stamp !== file.seen) {
        file.seen = stamp;
        file.seenAtMs = nowMs;
      } else if (stamp !== file.checkedStamp && nowMs - file.seenAtMs >= this.#settleMs) settled.push(file.path);
    }
    return settled;
  }

  #forget(path: string): void {
    this.#tracked.delete(path);
    this.#report(path, []);
    this.#options.onRemoved(path);
  }

  /** Reads a file that stood still; one that moved meanwhile waits for another look. */
  async #check(path: string): Promise<void> {
    const file = this.#tracked.get(path);
    if (file === undefined || this.#closed) return;
    const checked = await checkFile(this.#options.files, path);
    const after = await this.#stampOf(path);
    if (after !== file.seen) {
      file.seen = after;
      file.seenAtMs = this.#options.clock.monotonic();
      return;
    }
    file.checkedStamp = after;
    file.checked = checked;
  }

  /** Hands over what is new and right; reports the rest. */
  async #deliver(): Promise<void> {
    const plan = planDelivery([...this.#tracked.values()]);
    for (const { path, problems } of plan.problems) this.#report(path, problems);
    for (const { file, definition } of plan.handOver) {
      if (this.#closed) return;
      try {
        await this.#options.onChange(definition);
        file.handedOver = definition.contentHash;
        file.service = definition.spec.name;
        this.#report(file.path, []);
      } catch (error) {
        const { message, suggestion } = toBerthError(error);
        this.#report(file.path, [fileProblem(file.path, { message: `it was not taken over: ${message}`, suggestion })]);
      }
    }
  }

  #report(path: string, problems: readonly DefinitionProblem[]): void {
    const text = problems.length === 0 ? undefined : JSON.stringify(problems);
    if (this.#closed || text === this.#reported.get(path)) return;
    if (text === undefined) this.#reported.delete(path);
    else this.#reported.set(path, text);
    this.#options.onProblem(path, problems);
  }

  #reportFolder(fault: Fault | undefined): void {
    this.#report(this.#folder, fault === undefined ? [] : [fileProblem(this.#folder, fault)]);
  }

  #nextPauseMs(folder: FileLook | undefined): number {
    const nowMs = this.#options.clock.monotonic();
    const pauses = [...this.#tracked.values()].flatMap((file) => {
      if (file.goneAtMs !== undefined) return [file.goneAtMs + this.#settleMs - nowMs];
      return file.seen === file.checkedStamp ? [] : [file.seenAtMs + this.#settleMs - nowMs];
    });
    const otherwise = folder?.kind === 'folder' ? this.#relistMs : Math.min(this.#relistMs, missingFolderMs);
    return pauses.reduce((least, pause) => Math.min(least, Math.max(1, pause)), otherwise);
  }
}
