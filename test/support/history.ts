/** What many days do to the history of a home, at once: beside an agent or without one. */
import { join } from 'node:path';
import type { NewEvent } from '../../src/core/event.js';
import { parseKey } from '../../src/core/names.js';
import type { Registry } from '../../src/core/ports/registry.js';
import { openRegistry } from '../../src/registry/index.js';
import { realChance, realClock } from './real-clock.js';
import type { TestHome } from './test-home.js';

const yearsMs = 3 * 365 * 24 * 3_600_000;

/** Forgets what is older than now, as the agent does with what is older than its retention. */
export async function forgetHistory(home: TestHome): Promise<void> {
  await withRegistry(home, (registry) => registry.compact(realClock.now() + yearsMs));
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

async function withRegistry(home: TestHome, work: (registry: Registry) => Promise<void>): Promise<void> {
  const path = join(home.path, 'registry.db');
  const registry = await openRegistry({ path, clock: realClock, chance: realChance, create: false });
  try {
    await work(registry);
  } finally {
    await registry.close();
  }
}
