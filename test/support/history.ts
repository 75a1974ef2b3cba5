/** What much that happens does to the history of a home, at once: beside an agent or without one. */
import { join } from 'node:path';
import type { NewEvent } from '../../src/core/event.js';
import { parseKey } from '../../src/core/names.js';
import type { Registry } from '../../src/core/ports/registry.js';
import { openRegistry, retention, type OpenOptions } from '../../src/registry/index.js';
import { realChance, realClock } from './real-clock.js';
import type { TestHome } from './test-home.js';

/** Forgets all but the newest, as the agent does with what is beyond its retention. */
export async function forgetHistory(home: TestHome): Promise<void> {
  const least = { ...retention, eventCount: 1, watchCount: 1, historyCount: 1 };
  await withRegistry(home, (registry) => registry.compact(), { retention: least });
}

/** Writes so many events of a component, as an agent does. */
export async function writeEvents(home: TestHome, name: string, count: number): Promise<void> {
  await withRegistry(home, async (registry) => {
    const key = parseKey(name);
    const record = key && (await registry.component(key));
    if (!record) throw new Error(`no component ${name}`);
    const events: readonly NewEvent[] = Array.from({ length: count }, (_, at) => ({
      ...record.key,
      ...{ severity: 'info', reason: 'Started', message: `event ${at} of many` },
    }));
    const update = { key: record.key, generation: record.generation, events };
    await registry.updateStatus([update], { actor: 'agent', request: null, message: null });
  });
}

async function withRegistry(
  home: TestHome,
  work: (registry: Registry) => Promise<void>,
  options: Pick<OpenOptions, 'retention'> = {},
): Promise<void> {
  const path = join(home.path, 'registry.db');
  const registry = await openRegistry({ path, clock: realClock, chance: realChance, create: false, ...options });
  try {
    await work(registry);
  } finally {
    await registry.close();
  }
}
