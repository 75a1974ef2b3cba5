import { expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { patience, type Bench } from '../bench.js';
import type { Can } from '../fixture.js';

/** What people do with the runtime's own tools is seen, and can be put right. */
export function interferenceCases(bench: Bench, can: Can): void {
  if (can.pause) pauseCases(bench);

  it('sees a kill', async () => {
    const id = await bench.run();
    await bench.fixture.byHand.kill(id);
    expect((await bench.untilState(id, 'exited')).exitCode).toBe(bench.fixture.killedCode);
    await bench.driver.start(id, patience());
    await bench.untilState(id, 'running');
  });

  it('sees a stop', async () => {
    const id = await bench.run();
    await bench.fixture.byHand.stop(id);
    expect((await bench.untilState(id, 'exited')).exitCode).toBe(0);
  });

  it('sees a remove', async () => {
    const id = await bench.run();
    await bench.fixture.byHand.remove(id);
    await eventually(async () => (await bench.listed(id)) === undefined, { describe: 'it is gone from the list' });
    expect(await bench.driver.inspect(id, patience())).toBeUndefined();
    await bench.driver.remove(id, patience());
  });
}

function pauseCases(bench: Bench): void {
  it('sees a pause, and lifts it', async () => {
    const id = await bench.run();
    const { startedAtMs } = await bench.inspect(id);
    await bench.fixture.byHand.pause(id);
    await bench.untilState(id, 'paused');
    await bench.driver.unpause(id, patience());
    expect(await bench.untilState(id, 'running')).toMatchObject({ startedAtMs });
    await bench.driver.unpause(id, patience());
    expect((await bench.inspect(id)).state).toBe('running');
  });

  it('stops what is paused', async () => {
    const id = await bench.run();
    await bench.fixture.byHand.pause(id);
    await bench.driver.stop(id, 5_000, patience());
    await bench.untilState(id, 'exited');
  });

  it('removes what is paused', async () => {
    const id = await bench.run();
    await bench.fixture.byHand.pause(id);
    await bench.driver.remove(id, patience());
    expect(await bench.driver.inspect(id, patience())).toBeUndefined();
  });
}
