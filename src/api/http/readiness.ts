/** How the drivers of this node stand, and whether the agent can do its work. */
import { z } from 'zod';
import { BerthError } from '../../core/errors.js';
import { runtimes } from '../../core/spec.js';
import type { RuntimeView } from '../../core/ports/view.js';
import { isoTime } from '../status-view.js';
import type { RouteDeps } from './parts.js';

export const driverView = z.strictObject({
  name: z.string(),
  runtimes: z.array(z.enum(runtimes)),
  answering: z.boolean(),
  error: z.string().nullable(),
  lastGoodAt: z.string().nullable(),
});

export function viewDrivers(view: Pick<RuntimeView, 'drivers' | 'health'>): z.output<typeof driverView>[] {
  return view.drivers().map((driver) => {
    const { answering, error, lastGoodAtMs } = view.health(driver.name);
    return { name: driver.name, runtimes: [...driver.runtimes], answering, error, lastGoodAt: isoTime(lastGoodAtMs) };
  });
}

/** E_RUNTIME_UNAVAILABLE while a driver was not asked yet; errors of the registry. */
export async function readiness({ registry, view }: Pick<RouteDeps, 'registry' | 'view'>) {
  const revision = await registry.revision();
  const drivers = viewDrivers(view);
  const waiting = drivers.filter((driver) => driver.lastGoodAt === null && driver.error === null);
  if (waiting.length > 0) {
    const names = waiting.map((driver) => driver.name).join(', ');
    throw new BerthError('E_RUNTIME_UNAVAILABLE', `not yet asked what runs: ${names}`, {
      suggestion: 'wait a moment: it is being asked',
    });
  }
  return { ready: true as const, revision, drivers };
}
