import { expect, it } from 'vitest';
import { isBerthError } from '../../../src/core/errors.js';
import { eventually } from '../../support/eventually.js';
import { expectRefusal, patience, within, type Bench } from '../bench.js';
import type { Can, Hangable } from '../fixture.js';
import { callsOf, readAll } from '../every-call.js';
import { Listener, waitingForEvents } from '../listener.js';

/** A runtime that dies, comes back, or hangs underneath the driver. */
export function daemonCases(bench: Bench, can: Can): void {
  if (can.daemon) {
    restartCases(bench);
    hangCases(bench);
  } else {
    machineHangCases(bench);
  }
}

function restartCases(bench: Bench): void {
  it('goes on when the process behind it is started again: nothing is lost, nothing restarted', async () => {
    const { driver, fixture } = bench;
    const id = await bench.run({ program: { does: 'tick' } });
    const { startedAtMs } = await bench.untilState(id, 'running');
    const listener = await Listener.to(driver);
    const seen: string[] = [];
    const following = (async () => {
      for await (const { text } of driver.logs(id, { follow: true }, patience())) seen.push(text);
      return 'ended';
    })().catch((error: unknown) => error);
    try {
      await eventually(() => seen.length > 1, { timeoutMs: 20_000, describe: 'it ticks' });
      const before = seen.length;
      await fixture.restartDaemon();
      await eventually(() => listener.lost > 0 && listener.connected > 1, {
        ...waitingForEvents,
        describe: 'a reconnect',
      });
      const back = await eventually(() => bench.inspect(id), { timeoutMs: 20_000, everyMs: 50, describe: 'an answer' });
      expect(back).toMatchObject({ state: 'running', startedAtMs });
      expect((await bench.listed(id))?.startedAtMs).toBe(startedAtMs);
      await eventually(async () => (await readAll(driver.logs(id, {}, patience()))).length > before + 2, {
        timeoutMs: 20_000,
        everyMs: 50,
        describe: 'it goes on ticking',
      });
      await fixture.byHand.kill(id);
      await listener.until(id, 'died');
      const lines = (await readAll(driver.logs(id, {}, patience()))).map(({ text }) => text);
      expect(lines).toEqual(lines.map((_, index) => `tick ${index + 1}`));
      // Who followed the log has heard all of it, or that it broke off.
      const outcome = await within(following, 'a log that was being followed');
      if (outcome === 'ended') expect(seen).toEqual(lines);
      else expect(isBerthError(outcome, 'E_DRIVER_UNREACHABLE'), String(outcome)).toBe(true);
      expect(seen).toEqual(lines.slice(0, seen.length));
      await driver.start(id, patience());
      await bench.untilState(id, 'running');
    } finally {
      await listener.end();
    }
  });

  it('fails, or finishes, what was under way when the process behind it went', async () => {
    const { driver, fixture } = bench;
    const ids = await Promise.all([1, 2, 3].map(() => bench.create()));
    const calls = ids.map((id) =>
      driver.start(id, patience()).then(
        () => null,
        (error: unknown) => error,
      ),
    );
    await fixture.restartDaemon();
    for (const error of await within(Promise.all(calls), 'starts under way')) {
      const isFine =
        error === null || isBerthError(error, 'E_DRIVER_UNREACHABLE', 'E_DRIVER_TIMEOUT', 'E_DRIVER_FAILED');
      expect(isFine, String(error)).toBe(true);
    }
    // Whatever came of it, each can be brought to where it should be.
    for (const id of ids) {
      await eventually(() => driver.start(id, patience()), { timeoutMs: 20_000, everyMs: 100, describe: 'a start' });
      await bench.untilState(id, 'running');
    }
  });
}

/** A machine of its own for each case that makes something hang. */
async function withHangable(bench: Bench, use: (side: Hangable) => Promise<void>): Promise<void> {
  const side = await bench.fixture.hangable();
  try {
    await use(side);
  } finally {
    await side.resume();
    await side.driver.close();
  }
}

function hangCases(bench: Bench): void {
  it('keeps its deadlines when the other side takes every call and answers none', async () => {
    const request = bench.request();
    const id = await bench.createFrom(request);
    await bench.driver.start(id, patience());
    const { startedAtMs } = await bench.untilState(id, 'running');
    await withHangable(bench, async ({ driver, hang, resume }) => {
      await hang(id);
      const { reads, acts, create } = callsOf(driver, bench.fixture, id, request, bench.request());
      const others = [
        { name: 'exec', make: (signal: AbortSignal) => driver.exec(id, bench.fixture.exec.echo('x'), signal) },
        { name: 'resolveImage', make: (signal: AbortSignal) => driver.resolveImage(request.spec.image, signal) },
      ];
      await Promise.all(
        [...reads, ...others, ...acts, create].map(async ({ name, make }) => {
          if (name === 'exec' && !isContainer(bench)) return;
          await within(expectRefusal(make(patience()), 'E_DRIVER_TIMEOUT', 'E_DRIVER_UNREACHABLE'), name);
        }),
      );
      await resume();
      await eventually(() => driver.list(patience()), { timeoutMs: 20_000, everyMs: 50, describe: 'a list' });
      // Nobody got an answer, and what nobody asked for since has not been done.
      const back = await eventually(() => driver.inspect(id, patience()), {
        ...{ timeoutMs: 20_000, everyMs: 50, describe: 'an answer within the second that it has' },
      });
      expect(back).toMatchObject({ state: 'running', startedAtMs });
    });
  });
}

const isContainer = (bench: Bench): boolean => bench.driver.runtimes.includes('container');

function machineHangCases(bench: Bench): void {
  it('answers for all machines though one hangs, and brings that one down', async () => {
    const [id, other] = [await bench.run(), await bench.create()];
    await bench.untilState(id, 'running');
    await withHangable(bench, async ({ driver, hang }) => {
      await driver.list(patience());
      await hang(id);
      expect((await within(driver.list(patience()), 'list')).workloads.map(({ nativeId }) => nativeId)).toEqual(
        expect.arrayContaining([id, other]),
      );
      expect(await within(driver.inspect(id, patience()), 'inspect')).toMatchObject({ state: 'running' });
      await within(readAll(driver.logs(id, {}, patience())), 'logs');
      await within(driver.stats(patience()), 'stats');
      await within(
        expectRefusal(driver.unpause(id, patience()), 'E_DRIVER_TIMEOUT', 'E_DRIVER_UNREACHABLE'),
        'unpause',
      );
      await within(driver.stop(id, 500, patience()), 'stop');
      expect(await driver.inspect(id, patience())).toMatchObject({ state: 'exited' });
    });
  });
}
