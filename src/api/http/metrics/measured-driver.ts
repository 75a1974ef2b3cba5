/** A driver whose calls are timed and whose failures are counted. */
import { toBerthError } from '../../../core/errors.js';
import type { Clock } from '../../../core/ports/clock.js';
import type { Driver } from '../../../core/ports/driver.js';
import { withMethods } from '../../../core/with-methods.js';

/** What is told of each call: how long it took, and the code of its failure; null: it succeeded. */
export type CallObserver = (driver: string, call: string, tookMs: number, code: string | null) => void;

/** Calls that end; streams do not. */
const calls = [
  'capabilities',
  'list',
  'inspect',
  'resolveImage',
  'pull',
  'build',
  'create',
  'start',
  'update',
  'stop',
  'unpause',
  'rename',
  'remove',
  'listObjects',
  'removeObject',
  'writeVolume',
  'listGarbage',
  'removeGarbage',
  'exec',
  'stats',
  'open',
] as const satisfies readonly (keyof Driver)[];

/** The same driver; `observe` hears of each call when it ends. */
export function measuredDriver(driver: Driver, clock: Clock, observe: CallObserver): Driver {
  const methods: Partial<Record<(typeof calls)[number], unknown>> = {};
  for (const call of calls) {
    methods[call] = async (...args: readonly unknown[]): Promise<unknown> => {
      const beganMs = clock.monotonic();
      try {
        const answer: unknown = await (driver[call] as (...given: readonly unknown[]) => Promise<unknown>)(...args);
        observe(driver.name, call, clock.monotonic() - beganMs, null);
        return answer;
      } catch (error) {
        observe(driver.name, call, clock.monotonic() - beganMs, toBerthError(error).code);
        throw error;
      }
    };
  }
  return withMethods(driver, methods as Partial<Driver>);
}
