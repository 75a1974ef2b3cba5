/** Writers of the file of tokens whose steps interleave in any order, beside the lock of one who died. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTokenStore } from '../../src/api/http/auth/index.js';
import type { TokenAccess } from '../../src/api/http/auth/token-access.js';
import { addToken, emptyTokenFile, parseTokenFile, printTokenFile } from '../../src/api/http/auth/token-file.js';
import type { Clock } from '../../src/core/ports/clock.js';
import type { Log } from '../../src/core/ports/log.js';

const seed = process.env['BERTH_SEED'] === undefined ? {} : { seed: Number(process.env['BERTH_SEED']) };
const path = '/home/tokens.json';
const lock = `${path}.lock`;
const log: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Files in memory; each call is one step, which the scheduler puts off as it likes. */
class Disk implements TokenAccess {
  readonly files = new Map<string, { readonly stamp: string; readonly text: string }>();
  readonly #scheduler: fc.Scheduler;
  #writes = 0;

  constructor(scheduler: fc.Scheduler) {
    this.#scheduler = scheduler;
  }

  put(name: string, text: string): void {
    this.files.set(name, { stamp: String((this.#writes += 1)), text });
  }

  async #step<T>(what: string, run: () => T): Promise<T> {
    await this.#scheduler.schedule(Promise.resolve(), what);
    return run();
  }

  readonly stamp = (name: string) => this.#step(`stamp ${name}`, () => this.files.get(name)?.stamp ?? null);
  readonly read = (name: string) => this.#step(`read ${name}`, () => this.files.get(name)?.text ?? null);
  readonly makePrivate = () => Promise.resolve(false);
  readonly create = (name: string, text: string) => this.#step(`create ${name}`, () => this.#make(name, text));
  readonly claim = (name: string) => this.#step(`claim ${name}`, () => this.#make(name, ''));

  readonly replace = (name: string, text: string) =>
    this.#step(`replace ${name}`, () => {
      this.put(name, text);
    });

  readonly remove = (name: string) =>
    this.#step(`remove ${name}`, () => {
      this.files.delete(name);
    });

  #make(name: string, text: string): boolean {
    if (this.files.has(name)) return false;
    this.put(name, text);
    return true;
  }
}

it('loses no change, though several find that whoever held the lock has died', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 3 }), async (scheduler, writers) => {
      const disk = new Disk(scheduler);
      disk.put(path, printTokenFile(emptyTokenFile(randomBytes)));
      disk.put(lock, '');
      // Each has looked for long enough once all have looked: nobody who works now is as slow as that.
      let [nowMs, pauses] = [0, 0];
      const clock: Clock = {
        now: () => nowMs,
        monotonic: () => nowMs,
        after: (delayMs, run) => {
          pauses += 1;
          nowMs += pauses === writers ? 10_001 : delayMs;
          void scheduler.schedule(Promise.resolve(), 'pause').then(run);
          return () => undefined;
        },
      };
      const names = Array.from({ length: writers }, (_, index) => `t${index}`);
      const done = names.map((name) =>
        createTokenStore({ path, files: disk, clock, randomBytes, log }).update((file) =>
          addToken(file, { name, access: 'read' }, randomBytes, 0),
        ),
      );
      await scheduler.waitFor(Promise.all(done));
      const { tokens } = parseTokenFile(disk.files.get(path)?.text ?? '', path);
      expect(tokens.map(({ name }) => name).sort()).toEqual(names);
      expect([...disk.files.keys()]).toEqual([path]);
    }),
    { numRuns: 300, ...seed },
  );
});
