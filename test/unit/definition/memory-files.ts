/** A folder in memory, and a watcher of it under a clock that the test owns. */
import { basename, dirname } from 'node:path';
import type { Definition } from '../../../src/core/ports/definition.js';
import { watchDefinitions, type DefinitionFiles, type FileLook } from '../../../src/definition/index.js';
import type { HintSink } from '../../../src/definition/folder-hints.js';
import { createVirtualClock, type VirtualClock } from '../../../src/simulation/virtual-clock.js';

export const folder = '/srv/definitions';

export class MemoryFiles implements DefinitionFiles {
  readonly #contents = new Map<string, string>();
  readonly #stamps = new Map<string, string>();
  #writes = 0;
  #identity: string | undefined = 'folder-0';
  looks = 0;
  reads = 0;

  write(name: string, content: string): void {
    this.#writes += 1;
    this.#contents.set(`${folder}/${name}`, content);
    this.#stamps.set(`${folder}/${name}`, String(this.#writes));
  }

  remove(name: string): void {
    this.#contents.delete(`${folder}/${name}`);
  }

  removeFolder(): void {
    this.#contents.clear();
    this.#identity = undefined;
  }

  makeFolder(): void {
    this.#writes += 1;
    this.#identity = `folder-${this.#writes}`;
  }

  look(path: string): Promise<FileLook | undefined> {
    if (path === folder) {
      const identity = this.#identity;
      return Promise.resolve(
        identity === undefined ? undefined : { kind: 'folder', bytes: 0, identity, stamp: identity },
      );
    }
    this.looks += 1;
    const content = this.#contents.get(path);
    if (content === undefined) return Promise.resolve(undefined);
    const stamp = this.#stamps.get(path) ?? '';
    return Promise.resolve({ kind: 'file', bytes: content.length, identity: path, stamp });
  }

  list(path: string): Promise<readonly string[]> {
    return Promise.resolve(
      [...this.#contents.keys()].filter((each) => dirname(each) === path).map((each) => basename(each)),
    );
  }

  read(path: string, maxBytes: number): Promise<Uint8Array> {
    this.reads += 1;
    const content = this.#contents.get(path);
    if (content === undefined) return Promise.reject(new Error('ENOENT: no such file'));
    return Promise.resolve(Buffer.from(content).subarray(0, maxBytes));
  }
}

export interface WatchedFolder {
  readonly files: MemoryFiles;
  readonly clock: VirtualClock;
  /** What the watcher said since the last look at it, in its order. */
  said(): readonly string[];
  hint(): void;
  /** Refuses the next definition that is handed over. */
  refuseNext(error: Error): void;
  hintError(error: Error): void;
  openHints(): number;
  close(): Promise<void>;
}

/** Watches a folder in memory; hints come from the test alone. */
export function watchMemory(files: MemoryFiles, known: ReadonlyMap<string, string> = new Map()): WatchedFolder {
  const clock = createVirtualClock();
  const sinks = new Set<HintSink>();
  let lines: string[] = [];
  let refusal: Error | undefined;
  const watcher = watchDefinitions({
    folder,
    files,
    clock,
    known,
    onChange: (definition: Definition) => {
      const error = refusal;
      refusal = undefined;
      if (error) return Promise.reject(error);
      lines.push(`change ${basename(definition.path)}: ${definition.spec.name}`);
      return Promise.resolve();
    },
    onProblem: (path, problems) => {
      const told = problems.map(({ line, column, message }) => `${line}:${column} ${message}`).join('; ');
      lines.push(`${problems.length === 0 ? 'right' : 'problem'} ${basename(path)}${told && `: ${told}`}`);
    },
    onRemoved: (path) => {
      lines.push(`removed ${basename(path)}`);
    },
    hints: (_, sink) => {
      sinks.add(sink);
      return () => Promise.resolve(void sinks.delete(sink));
    },
  });
  return {
    files,
    clock,
    said() {
      const taken = lines;
      lines = [];
      return taken;
    },
    hint() {
      for (const sink of sinks) sink.onHint();
    },
    refuseNext(error) {
      refusal = error;
    },
    hintError(error) {
      for (const sink of sinks) sink.onError(error);
    },
    openHints: () => sinks.size,
    close: () => watcher.close(),
  };
}
