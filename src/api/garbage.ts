/** What drivers keep and nothing uses: listed, and removed. */
import { messageOf } from '../core/errors.js';
import type { Garbage } from '../core/observation.js';
import type { Driver } from '../core/ports/driver.js';
import type { DriversAtHand } from './drivers.js';
import { isoTime } from './status-view.js';
import type { GarbageReport, GarbageView } from './views.js';

export interface GarbageOptions {
  /** List it, remove nothing. */
  readonly dryRun: boolean;
}

type Part = Pick<GarbageReport, 'items' | 'unreachable'>;

/** Asks every driver; one that does not answer is named and spoils nothing. What cannot be removed says why. */
export async function collectGarbage(
  drivers: DriversAtHand,
  options: GarbageOptions,
  signal: AbortSignal,
): Promise<GarbageReport> {
  const parts = await Promise.all(
    (await drivers.all()).map(async ({ driver, problem }): Promise<Part> => {
      if (problem !== null) return unreachable(driver, problem);
      try {
        return { items: await collect(driver, options, signal), unreachable: [] };
      } catch (error) {
        return unreachable(driver, error);
      }
    }),
  );
  const items = parts
    .flatMap((part) => part.items)
    .sort((a, b) => a.driver.localeCompare(b.driver) || a.usedAt.localeCompare(b.usedAt));
  const counted = options.dryRun ? items : items.filter((item) => item.removed);
  return {
    dryRun: options.dryRun,
    items,
    totalBytes: counted.reduce((sum, item) => sum + item.bytes, 0),
    unreachable: parts.flatMap((part) => part.unreachable),
  };
}

const unreachable = (driver: Driver, error: unknown): Part => ({
  items: [],
  unreachable: [{ driver: driver.name, error: messageOf(error) }],
});

async function collect(
  driver: Driver,
  { dryRun }: GarbageOptions,
  signal: AbortSignal,
): Promise<readonly GarbageView[]> {
  const views: GarbageView[] = [];
  for (const garbage of await driver.listGarbage(signal)) {
    if (dryRun) views.push(viewOf(garbage, false, null));
    else {
      const error = await driver.removeGarbage(garbage, signal).then(() => null, messageOf);
      views.push(viewOf(garbage, error === null, error));
    }
  }
  return views;
}

function viewOf(garbage: Garbage, removed: boolean, error: string | null): GarbageView {
  const { driver, what, id, bytes, usedAtMs } = garbage;
  return { driver, what, id, bytes, usedAt: isoTime(usedAtMs), removed, error };
}
