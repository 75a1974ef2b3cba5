/** From an edit to the pages that are open: a real agent, a thousand components, twenty watches over HTTP. */
import { request } from 'node:http';
import { join } from 'node:path';
import type { Change, Registry } from '../src/core/ports/registry.js';
import { openRegistry } from '../src/registry/index.js';
import { eventually } from '../test/support/eventually.js';
import { realChance, realClock } from '../test/support/real-clock.js';
import { makeTestHome } from '../test/support/test-home.js';
import { WatchClient } from '../test/support/watch-client.js';
import type { WatchFold } from '../test/support/watch-fold.js';
import { median, percentile, type Benchmark, type Measure } from './harness.js';
import { benchContext, idle } from './real-core.js';

const count = 1_000;
const perService = 100;
const watchers = 20;
const edits = 300;
const warmUps = 10;
const target = { atMost: 100 };

/** When each watcher knew what. */
class Board {
  readonly clients: readonly WatchClient[];
  readonly #known = new Map<WatchFold, { readonly revision: number; readonly atMs: number }[]>();

  constructor(socketPath: string) {
    this.clients = Array.from(
      { length: watchers },
      () =>
        new WatchClient(socketPath, null, (fold) => {
          this.#known.get(fold)?.push({ revision: fold.revision, atMs: performance.now() });
        }),
    );
    for (const { fold } of this.clients) this.#known.set(fold, []);
  }

  forget(): void {
    for (const list of this.#known.values()) list.length = 0;
  }

  /** When the last of all watchers knew a revision; undefined: not all do yet. */
  allKnewMs(revision: number): number | undefined {
    let last = 0;
    for (const list of this.#known.values()) {
      const first = list.find((known) => known.revision >= revision);
      if (first === undefined) return undefined;
      last = Math.max(last, first.atMs);
    }
    return last;
  }
}

/** Components that the agent reports and leaves alone: no runtime has to be there. */
async function fill(registry: Registry): Promise<void> {
  for (let from = 0; from < count; from += perService) {
    const service = `s${from / perService}`;
    const changes: Change[] = [{ kind: 'put-service', name: service, node: 'local', active: true }];
    for (let index = from; index < from + perService; index += 1) {
      const spec = { ...idle(`c${index}`, 64), reconcile: 'ignore' } as const;
      changes.push({ kind: 'put-component', service, spec, source: null });
    }
    await registry.change(changes, benchContext);
  }
}

/** Asks the agent to stop or start a component; answers the revision. */
function ask(socketPath: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', host: 'localhost' };
    const call = request({ socketPath, path, method: 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => {
        const { revision } = JSON.parse(text) as { readonly revision?: number };
        if (response.statusCode === 200 && revision !== undefined) resolve(revision);
        else reject(new Error(`${path}: ${response.statusCode ?? 0} ${text}`));
      });
    });
    call.on('error', reject);
    call.end('{}');
  });
}

/** Milliseconds from the call of each edit until all watchers knew it. */
async function lags(board: Board, edit: (round: number) => Promise<number>): Promise<readonly number[]> {
  const values: number[] = [];
  for (let round = 0; round < warmUps + edits; round += 1) {
    board.forget();
    const beganMs = performance.now();
    const revision = await edit(round);
    await eventually(() => board.allKnewMs(revision) !== undefined, { everyMs: 1, describe: 'all pages have it' });
    if (round >= warmUps) values.push((board.allKnewMs(revision) ?? Number.NaN) - beganMs);
  }
  return values;
}

function summed(what: string, values: readonly number[]): readonly Measure[] {
  const detail = `from the call until the last of ${watchers} watchers has it; of ${values.length} edits`;
  return [
    { what: `${what}, median`, value: median(values), unit: 'ms', target: null, detail },
    { what: `${what}, p99`, value: percentile(values, 0.99), unit: 'ms', target, detail },
  ];
}

export const watchPage: Benchmark = {
  name: 'watch-page',
  about: `edit → ${watchers} open pages have it (real agent, HTTP), ${count} components`,
  containers: false,
  async run() {
    const home = await makeTestHome();
    try {
      await home.startAgent();
      const path = join(home.path, 'registry.db');
      const registry = await openRegistry({ path, clock: realClock, chance: realChance });
      try {
        await fill(registry);
        const socketPath = join(home.path, 'berth.sock');
        const board = new Board(socketPath);
        try {
          await eventually(() => board.clients.every(({ fold }) => fold.synced && fold.components.size === count), {
            timeoutMs: 60_000,
            describe: 'all pages show everything',
          });
          await atRest(registry);
          const key = (round: number): string => `s${round % 10}/c${(round % 10) * perService}`;
          const byApi = await lags(board, (round) =>
            ask(socketPath, `/v1/components/${key(round)}/${Math.floor(round / 10) % 2 === 0 ? 'stop' : 'start'}`),
          );
          const byFile = await lags(board, (round) => {
            const spec = { ...idle(`c${(round % 10) * perService}`, 65 + round), reconcile: 'ignore' } as const;
            return registry.change(
              [{ kind: 'put-component', service: `s${round % 10}`, spec, source: null }],
              benchContext,
            );
          });
          return [...summed('edit by the API → pages', byApi), ...summed('edit by another process → pages', byFile)];
        } finally {
          await Promise.all(board.clients.map((client) => client.close()));
        }
      } finally {
        await registry.close();
      }
    } finally {
      await home.dispose();
    }
  },
};

/** Waits until the agent has told the status of everything. */
async function atRest(registry: Registry): Promise<void> {
  let last = -1;
  await eventually(
    async () => {
      const revision = await registry.revision();
      const isQuiet = revision === last;
      last = revision;
      return isQuiet;
    },
    { timeoutMs: 60_000, everyMs: 500, describe: 'the agent is at rest' },
  );
}
