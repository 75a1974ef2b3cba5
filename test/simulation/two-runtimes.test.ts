/** A home with two runtimes: what one that does not answer means for components that were, or were never, in it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BerthError } from '../../src/core/errors.js';
import { podmanLatencies } from '../../src/runtimes/simulated/latency.js';
import { census } from '../../src/simulation/census.js';
import { SimulatedHome } from '../../src/simulation/home.js';

let home: SimulatedHome;

beforeEach(async () => {
  home = await SimulatedHome.open();
  home.host.images.add('localhost/app:1', { program: { writes: '+' } });
  await home.start();
});

afterEach(() => home.close());

const web = { name: 'web', volumes: ['data:/data'] };

describe('a driver that does not answer', () => {
  it('hides the components that may have a workload in it, and no other', async () => {
    await home.put({ shop: [{ name: 'db' }, { name: 'vm', runtime: 'microvm' }] });
    await home.converge();
    home.silentDrivers.add('simulated');
    await home.clock.advance(12_000);
    expect((await home.record('shop', 'db')).status.phase).toBe('unknown');
    home.host.machineHand.kill('shop-vm');
    await home.clock.advance(5_000);
    expect((await home.record('shop', 'vm')).status).toMatchObject({ phase: 'running', restarts: 1 });
    home.silentDrivers.clear();
    await home.clock.advance(5_000);
    expect((await home.record('shop', 'db')).status.phase).toBe('running');
    expect(home.host.starts('shop-db')).toBe(1);
  });

  it('keeps a component from a second workload elsewhere, though the agent has just begun and the edit came before', async () => {
    await home.put({ shop: [web] });
    await home.converge();
    await home.put({ shop: [{ ...web, env: { A: '1' } }] });
    await home.converge();
    // A replacement that is given up takes the row of the ledger that the workload was made by, and goes.
    home.host.images.add('localhost/bad:1', { program: { exitAfterMs: 5, exitCode: 1 } });
    await home.put({ shop: [{ ...web, image: 'localhost/bad:1' }] });
    await home.converge();
    home.crash();
    await home.put({ shop: [{ ...web, runtime: 'microvm' }] });
    home.silentDrivers.add('simulated');
    await home.start();
    await home.clock.advance(60_000);
    expect((await home.record('shop', 'web')).status.phase).toBe('unknown');
    expect([...home.host.machines.all()]).toEqual([]);
    home.silentDrivers.clear();
    await home.converge();
    expect(home.host.machines.find('shop-web')?.state).toBe('running');
    expect(home.host.violations()).toEqual([]);
  });
});

describe('a volume that moves', () => {
  it('stays known wherever it is, whenever its component changes its mind', { timeout: 120_000 }, async () => {
    const slow = await SimulatedHome.open({ latencies: { ...podmanLatencies, create: 600, removeObject: 300 } });
    try {
      slow.host.images.add('localhost/app:1', { program: { writes: '+' } });
      await slow.start();
      const runtimes = ['container', 'microvm'] as const;
      await slow.put({ shop: [web] });
      await slow.converge();
      for (let turn = 0; turn < 120; turn += 1) {
        const [from, to] = turn % 2 === 0 ? runtimes : ([runtimes[1], runtimes[0]] as const);
        await slow.put({ shop: [{ ...web, runtime: to }] });
        await slow.clock.advance(turn * 40);
        await slow.put({ shop: [{ ...web, runtime: from }] });
        await slow.clock.advance((turn % 7) * 150);
        await slow.put({ shop: [{ ...web, runtime: to }] });
        await slow.converge();
        expect(await census(slow), `turn ${turn}`).toEqual([]);
      }
    } finally {
      await slow.close();
    }
  });
});

describe('a workload that lost its component', () => {
  it('keeps no agent from starting because it cannot be removed, and no other from being collected', async () => {
    await home.put({ shop: [{ name: 'c' }] });
    await home.converge();
    // Made long after they were asked for, when nobody wants them any more.
    home.host.faults.next('create', 'late', { times: 2, delayMs: 300_000 });
    await home.put({ shop: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] });
    await home.clock.advance(2_000);
    const remove = (component: string) => ({ kind: 'delete-component', key: { service: 'shop', component } }) as const;
    await home.change([remove('a'), remove('b')]);
    // A busy mount, say.
    home.host.faults.next('remove', 'fail-before', { times: 1_000 });
    await home.clock.advance(400_000);
    expect(
      home.host
        .containers()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['shop-a', 'shop-b', 'shop-c']);
    home.crash();
    await home.start();
    await home.clock.advance(5_000);
    home.host.hand.kill('shop-c');
    await home.clock.advance(5_000);
    expect(home.host.engine.find('shop-c')?.state).toBe('running');
    home.host.faults.clear();
    await home.clock.advance(120_000);
    await home.converge();
    expect(home.host.containers().map(({ name }) => name)).toEqual(['shop-c']);
    expect(await census(home)).toEqual([]);
  });
});

describe('names', () => {
  it('of a stranger in one runtime do not keep a component from the other', async () => {
    home.host.hand.runForeign('shop-web');
    await home.put({ shop: [{ name: 'web', runtime: 'microvm' }] });
    await home.converge();
    expect(home.host.machines.find('shop-web')?.state).toBe('running');
    await home.put({ shop: [{ name: 'web' }] });
    await home.clock.advance(60_000);
    expect((await home.record('shop', 'web')).status).toMatchObject({ phase: 'blocked', reason: 'NameTaken' });
    expect(home.host.machines.find('shop-web')).toMatchObject({ state: 'running', starts: 1 });
  });
});

describe('a node that cannot run machines', () => {
  it('leaves the container as it is, and moves it by itself once it can', async () => {
    await home.put({ shop: [web] });
    await home.converge();
    home.host.machinesUnavailable = new BerthError('E_KERNEL_MISSING', 'there is no kernel');
    await home.put({ shop: [{ ...web, runtime: 'microvm' }] });
    await home.clock.advance(120_000);
    expect((await home.record('shop', 'web')).status).toMatchObject({ phase: 'blocked', reason: 'RuntimeUnavailable' });
    expect(home.host.engine.find('shop-web')).toMatchObject({ state: 'running', starts: 1 });
    home.host.machinesUnavailable = null;
    await home.clock.advance(16_000);
    await home.converge();
    expect(home.host.machines.find('shop-web')?.state).toBe('running');
    expect(home.volume('shop', 'data')).toEqual({ container: undefined, vm: '++' });
  });
});

describe('a volume', () => {
  it('is told of when it moves, with its size', async () => {
    await home.put({ shop: [web] });
    await home.converge();
    home.host.hand.write('shop-web', '12345');
    await home.put({ shop: [{ ...web, runtime: 'microvm' }] });
    await home.converge();
    const events = (await home.registry.events({ service: 'shop', component: 'web' })).filter(
      ({ reason }) => reason === 'VolumeMoved',
    );
    expect(events).toMatchObject([{ data: { from: 'simulated', to: 'simulated-vm', volume: 'data', bytes: 6 } }]);
  });

  it('is let go of when it cannot be written elsewhere', async () => {
    await home.put({ shop: [web] });
    await home.converge();
    home.host.faults.next('writeVolume', 'fail-before', { times: 1_000 });
    await home.put({ shop: [{ ...web, runtime: 'microvm' }] });
    await home.clock.advance(60_000);
    expect(home.host.faults.calls('writeVolume')).toBeGreaterThan(1);
    expect([...home.host.openReads]).toEqual([]);
    home.host.faults.clear();
    await home.converge();
    expect(await census(home)).toEqual([]);
  });

  it('that takes its time to move keeps neither the census nor an agent waiting', async () => {
    await home.put({ shop: [web, { name: 'db', volumes: ['other:/data'] }] });
    await home.converge();
    home.host.faults.next('writeVolume', 'late', { times: 2, delayMs: 300_000 });
    await home.put({ shop: [{ ...web, runtime: 'microvm', readyTimeoutS: 3_600 }] });
    await home.clock.advance(15_000);
    expect(home.host.faults.calls('writeVolume')).toBe(1);
    await home.change([{ kind: 'delete-component', key: { service: 'shop', component: 'db' } }]);
    await home.clock.advance(30_000);
    await home.change([{ kind: 'delete-volume', service: 'shop', volume: 'other' }]);
    await home.clock.advance(30_000);
    expect(home.volume('shop', 'other')).toEqual({ container: undefined, vm: undefined });
    home.crash();
    const beganMs = home.clock.monotonic();
    await home.start();
    expect(home.clock.monotonic() - beganMs).toBeLessThan(60_000);
    await home.converge(600_000);
    expect(home.host.faults.calls('writeVolume')).toBe(2);
    expect(home.volume('shop', 'data')).toEqual({ container: undefined, vm: '++' });
    expect(await census(home)).toEqual([]);
  });

  it('that is deleted by name is gone wherever a copy is, and begins anew', async () => {
    await home.put({ shop: [web] });
    await home.converge();
    home.host.bootMs = 3_000_000;
    await home.put({ shop: [{ ...web, runtime: 'microvm', readyTimeoutS: 3_600 }] });
    await home.clock.advance(5_000);
    expect(home.volume('shop', 'data')).toEqual({ container: '+', vm: '+' });
    await home.change([{ kind: 'delete-component', key: { service: 'shop', component: 'web' } }]);
    await home.clock.advance(30_000);
    await home.change([{ kind: 'delete-volume', service: 'shop', volume: 'data' }]);
    await home.clock.advance(30_000);
    expect(home.volume('shop', 'data')).toEqual({ container: undefined, vm: undefined });
    expect(await home.registry.volumeHolders()).toEqual([]);
    expect((await home.registry.ledger()).filter(({ kind }) => kind === 'volume')).toEqual([]);
    home.host.bootMs = 300;
    await home.put({ shop: [{ ...web, runtime: 'microvm' }] });
    await home.converge();
    expect(home.volume('shop', 'data')).toEqual({ container: undefined, vm: '+' });
  });

  it('of a home that has no holders yet comes from whoever made it', async () => {
    await home.put({ shop: [web] });
    await home.converge();
    home.crash();
    await home.byUser(() => home.registry.setVolumeHolders({ service: 'shop', volume: 'data' }, []));
    await home.put({ shop: [{ ...web, runtime: 'microvm' }] });
    await home.start();
    await home.converge();
    expect(home.volume('shop', 'data')).toEqual({ container: undefined, vm: '++' });
  });
});
