/** Memory and processor time of this home's running containers. */
import { z } from 'zod';
import type { WorkloadStats } from '../../core/ports/driver.js';
import type { LibpodClient } from './client.js';
import { labels } from './labels.js';
import { createdSchema, readAnswer, statsSchema } from './wire.js';

export interface StatsOptions {
  readonly client: () => Pick<LibpodClient, 'call'>;
  readonly callDeadlineMs: number;
  readonly homeId: string;
}

const idsSchema = z.array(createdSchema);

/**
 * One call for the figures of all that run. Whose they are podman does not say in it, and a list of containers costs more
 * than their figures: it is asked for only when there is a container that was not there before, for none changes hands.
 */
export class StatsReader {
  readonly #options: StatsOptions;
  /** Whether a container is ours; of those that were in the last answer. */
  #isOurs: ReadonlyMap<string, boolean> = new Map();

  constructor(options: StatsOptions) {
    this.#options = options;
  }

  async read(signal: AbortSignal): Promise<readonly WorkloadStats[]> {
    const { client, callDeadlineMs } = this.#options;
    const what = 'read stats';
    const call = { what, signal, deadlineMs: callDeadlineMs, query: { stream: false } };
    const { json } = await client().call('GET', '/containers/stats', call);
    // What does not run is in it as well, with nothing but zeros (seen in podman 4.3).
    const stats = (readAnswer(statsSchema, json ?? {}, what).Stats ?? []).filter(
      ({ MemUsage: memory, CPUNano: cpu }) => (memory ?? 0) > 0 || (cpu ?? 0) > 0,
    );
    await this.#learn(
      stats.map((entry) => entry.ContainerID),
      signal,
    );
    return stats
      .filter((entry) => this.#isOurs.get(entry.ContainerID) === true)
      .map((entry) => ({
        nativeId: entry.ContainerID,
        memoryBytes: entry.MemUsage ?? 0,
        cpuMs: Math.round((entry.CPUNano ?? 0) / 1e6),
      }));
  }

  async #learn(ids: readonly string[], signal: AbortSignal): Promise<void> {
    const known = this.#isOurs;
    if (ids.every((id) => known.has(id))) {
      this.#isOurs = new Map(ids.map((id) => [id, known.get(id) === true]));
      return;
    }
    const { client, callDeadlineMs, homeId } = this.#options;
    const what = 'list containers';
    // One that ended meanwhile is in it as well.
    const query = { all: true, filters: JSON.stringify({ label: [`${labels.owner}=${homeId}`] }) };
    const { json } = await client().call('GET', '/containers/json', {
      what,
      signal,
      deadlineMs: callDeadlineMs,
      query,
    });
    const ours = new Set(readAnswer(idsSchema, json ?? [], what).map((entry) => entry.Id));
    this.#isOurs = new Map(ids.map((id) => [id, ours.has(id)]));
  }
}
