import { expect, it } from 'vitest';
import { isBerthError } from '../../../src/core/errors.js';
import type { CreateRequest } from '../../../src/core/ports/driver.js';
import { eventually } from '../../support/eventually.js';
import { expectRefusal, patience, within, type Bench } from '../bench.js';
import type { Can } from '../fixture.js';
import { callsOf, type NamedCall } from '../every-call.js';

const tooLate = ['E_DRIVER_TIMEOUT', 'E_DRIVER_UNREACHABLE'] as const;

/** Makes a call and fires its signal after `delayMs`. It has its answer by then, or says that it was cancelled. */
async function cutShort({ name, make }: NamedCall, delayMs: number): Promise<'answered' | 'cancelled'> {
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(), delayMs);
  try {
    await within(make(control.signal), `${name}, cancelled after ${delayMs} ms`);
    return 'answered';
  } catch (error) {
    if (!isBerthError(error, ...tooLate)) throw error;
    return 'cancelled';
  } finally {
    clearTimeout(timer);
  }
}

/** Signals that fire in the middle of a call: it ends soon, and what it left can be put right by the same words. */
export function cancelCases(bench: Bench, can: Can): void {
  // A machine takes its time to be started; the first instants are those of the driver's own steps.
  const delaysMs = can.daemon ? [0, 2, 10, 60] : [0, 20];

  it('refuses every call whose signal has fired before', async () => {
    const [request, fresh] = [bench.request(), bench.request()];
    const id = await bench.createFrom(request);
    const { reads, acts, create } = callsOf(bench.driver, bench.fixture, id, request, fresh);
    const fired = AbortSignal.abort(new Error('cancelled'));
    for (const { name, make } of [...acts, create, ...reads]) {
      // A log that nobody reads any more may as well end.
      if (name === 'logs') await make(fired).catch(() => undefined);
      else await within(expectRefusal(make(fired), ...tooLate), name);
    }
    expect(await bench.inspect(id)).toMatchObject({ state: 'created', name: bench.hostNameOf(request) });
    expect(await bench.driver.inspect(bench.hostNameOf(fresh), patience())).toBeUndefined();
  });

  it('survives a signal in the middle of each call', async () => {
    const { driver, fixture } = bench;
    const outcomes: string[] = [];
    for (const delayMs of delaysMs) {
      const [request, fresh] = [bench.request({ spec: { volumes: ['data:/data'] } }), bench.request()];
      const id = await bench.createFrom(request);
      const { reads, acts, create } = callsOf(driver, fixture, id, request, fresh);
      for (const call of [...reads, ...acts.filter(({ name }) => name === 'start' || name === 'rename')]) {
        outcomes.push(`${call.name} ${await cutShort(call, delayMs)}`);
      }
      await eventually(() => driver.start(id, patience()), { timeoutMs: 10_000, everyMs: 50, describe: 'a start' });
      await bench.untilState(id, 'running');
      for (const call of acts.filter(({ name }) => name === 'stop' || name === 'remove')) {
        outcomes.push(`${call.name} ${await cutShort(call, delayMs)}`);
      }
      await driver.remove(id, patience());
      expect(await driver.inspect(id, patience())).toBeUndefined();
      outcomes.push(`create ${await cutShort(create, delayMs)}`);
      await makeAgain(bench, fresh);
    }
    // At least one was early enough, or this has shown nothing.
    expect(outcomes.filter((outcome) => outcome.endsWith('cancelled')).length, outcomes.join(', ')).toBeGreaterThan(0);
  });
}

/** Whether or not a cancelled create came through in the end, its name can be had. */
async function makeAgain(bench: Bench, request: CreateRequest): Promise<void> {
  await eventually(
    async () => {
      const left = await bench.driver.inspect(bench.hostNameOf(request), patience());
      if (left) await bench.driver.remove(left.nativeId, patience());
      await bench.createFrom(request);
    },
    { timeoutMs: 10_000, everyMs: 50, describe: 'a second create' },
  );
}
