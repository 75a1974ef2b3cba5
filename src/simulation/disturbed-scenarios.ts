/** What hosts do beside an edit: other hands, other homes, runtimes that are silent, late, or tell half of it. */
import { BerthError } from '../core/errors.js';
import { editBySql } from '../registry/index.js';
import { demand, demandSame } from './demand.js';
import type { SimulatedHome } from './home.js';
import { done, everything, imageOfWorkload, open, pass, shop, told, until } from './scenario-parts.js';
import type { Scenario } from './scenario.js';

const common = { untouched: ['shop-db', 'shop-worker'], running: everything };
/** Longer than the time between two lists. */
const relistMs = 11_000;

function strangersLabels(homeId: string, component: string): Readonly<Record<string, string>> {
  return { 'berth.home': homeId, 'berth.service': 'shop', 'berth.component': component, 'berth.generation': '1' };
}

const hands: readonly Scenario[] = [
  {
    name: 'a workload is renamed by hand',
    prepare: (home) => open(home),
    act: async (home) => {
      home.host.hand.rename('shop-web', 'moved');
      await home.clock.advance(20);
    },
    untouched: everything,
    running: everything,
  },
  {
    name: 'limits are changed by hand',
    prepare: (home) => open(home, { db: { memoryMb: 64 } }),
    act: async (home) => {
      home.host.hand.updateLimits('shop-db', 16, 0.1);
      await pass(home, relistMs);
    },
    untouched: everything,
    running: everything,
    check: (home) => {
      demandSame(home.host.engine.find('shop-db')?.memoryMb, 64, 'the memory of db');
    },
  },
  {
    name: 'somebody starts the old workload and kills the new one, at once',
    prepare: (home) => open(home, { web: { image: 'localhost/app:2' } }),
    act: async (home) => {
      const { engine, hand } = home.host;
      const old = engine.find('shop-web')?.id ?? '';
      await home.put(shop({ web: { env: { A: '1' } } }));
      const isNew = (): boolean => {
        const main = engine.find('shop-web');
        return main !== undefined && main.run !== null && main.id !== old;
      };
      await until(home, isNew);
      await pass(home, 20);
      if (engine.find(old)) hand.start(old);
      if (isNew()) hand.kill('shop-web');
      home.crash();
      await home.start();
      await home.clock.advance(20);
    },
    ...common,
    check: (home) => {
      demandNeverTwo(home, 'shop-web');
    },
  },
  {
    name: 'a stranger holds the name, and leaves',
    prepare: async (home) => {
      await open(home);
      home.host.hand.runForeign('jobs-new');
      await home.clock.advance(20);
    },
    act: async (home) => {
      await home.put({ jobs: [{ name: 'new' }] });
      await pass(home, 3_000);
      leave(home, 'jobs-new');
      await home.clock.advance(20);
    },
    untouched: everything,
    running: [...everything, 'jobs-new'],
    check: async (home) => {
      const words = await told(home);
      demand(!words.some((line) => line.includes('E_NAME_TAKEN')), 'a name was asked for that is known to be taken');
    },
  },
  {
    name: 'another home has workloads of the same service, one of them under our name',
    prepare: async (home) => {
      await open(home);
      home.host.hand.runForeign('theirs', { labels: strangersLabels('another-home', 'web') });
      home.host.hand.runForeign('theirs-alone', { labels: strangersLabels('another-home', 'gone') });
      for (const name of ['new', 'brief']) {
        home.host.hand.runForeign(`shop-${name}`, { labels: strangersLabels('another-home', name) });
      }
      await home.clock.advance(20);
    },
    act: async (home) => {
      await home.put({
        shop: [{ name: 'new' }, { name: 'brief' }, { name: 'web', dependsOn: ['db'], env: { A: '1' } }],
      });
      await pass(home, 1_000);
      await home.change([{ kind: 'delete-component', key: { service: 'shop', component: 'brief' } }]);
      await pass(home, relistMs);
      leave(home, 'shop-new');
      leave(home, 'shop-brief');
      await home.clock.advance(20);
    },
    untouched: ['shop-db', 'shop-worker', 'theirs', 'theirs-alone'],
    running: [...everything, 'shop-new', 'theirs', 'theirs-alone'],
    check: async (home) => {
      const words = await told(home);
      demand(!words.some((line) => line.startsWith('Orphan')), 'a workload of another home is called an orphan');
    },
  },
  {
    name: 'workloads that no component wants: one that the ledger knows, one that it does not',
    prepare: async (home) => {
      await open(home);
      home.unknown.add('shop-unheard');
      home.host.hand.runForeign('shop-unheard', { labels: strangersLabels(home.registry.homeId, 'unheard') });
      await pass(home, relistMs);
    },
    act: async (home) => {
      await home.byUser(() => {
        const rows = ['components where name', 'status where component'].map(
          (what) => `delete from ${what} = 'worker';`,
        );
        const context = (purging: number): string => `update context set purging = ${String(purging)};`;
        editBySql(home.registry, `${context(1)} ${rows.join(' ')} ${context(0)}`);
      });
      await pass(home, relistMs);
    },
    untouched: ['shop-db', 'shop-web', 'shop-unheard'],
    running: ['shop-db', 'shop-web', 'shop-unheard'],
  },
];

/** A stranger is as it was, and goes. */
function leave(home: SimulatedHome, name: string): void {
  demandSame(home.host.engine.find(name)?.starts, 1, `the starts of a stranger's ${name}`);
  home.host.hand.remove(name);
}

/** Berth started no workload of a component while another one of it was up, whoever had started that. */
function demandNeverTwo(home: SimulatedHome, workload: string): void {
  const up = new Set<string>();
  for (const { by, action, id, name, atMs } of home.host.journal) {
    if (!name.startsWith(workload)) continue;
    if (action === 'died' || action === 'remove') up.delete(id);
    if (action !== 'start') continue;
    const others = [...up].filter((other) => other !== id);
    demand(by === 'hand' || others.length === 0, `${name} was started at ${String(atMs)} while ${others.join()} ran`);
    up.add(id);
  }
}

const silences: readonly Scenario[] = [
  {
    name: 'a workload is removed by hand while its runtime is silent',
    prepare: (home) => open(home),
    act: async (home) => {
      home.silentDrivers.add('simulated');
      await pass(home, relistMs);
      home.host.hand.remove('shop-worker');
      await pass(home, 5_000);
      home.silentDrivers.clear();
    },
    untouched: ['shop-db', 'shop-web'],
    running: everything,
  },
  {
    name: 'a container is to become a machine while its runtime is silent, and the agent has just begun',
    prepare: (home) => open(home, { web: { image: 'localhost/keeps:1', volumes: ['data:/data'] } }),
    act: async (home) => {
      home.crash();
      home.silentDrivers.add('simulated');
      await home.put(shop({ web: { image: 'localhost/keeps:1', volumes: ['data:/data'], runtime: 'microvm' } }));
      await home.start();
      await home.clock.advance(5_000);
      if (home.isAlive) demandSame((await home.record('shop', 'web')).status.phase, 'unknown', 'the phase of web');
      await pass(home, 0);
      home.silentDrivers.clear();
    },
    ...common,
    machines: ['shop-web'],
    check: (home) => {
      demandSame(home.volume('shop', 'data'), { container: undefined, vm: '++' }, 'the data');
    },
  },
  {
    name: 'a container is to become a machine, and lists lack it',
    prepare: (home) => open(home, { web: { image: 'localhost/keeps:1', volumes: ['data:/data'] } }),
    act: async (home) => {
      home.crash();
      home.host.faults.next('list', 'partial', { times: 6 });
      await home.put(shop({ web: { image: 'localhost/keeps:1', volumes: ['data:/data'], runtime: 'microvm' } }));
      await home.start();
      await pass(home, relistMs);
    },
    ...common,
    machines: ['shop-web'],
  },
  {
    name: 'a volume is deleted by name while the runtime that has it is silent',
    prepare: async (home) => {
      await open(home, { worker: { image: 'localhost/keeps:1', volumes: ['data:/data'], runtime: 'microvm' } });
      await home.change([{ kind: 'delete-component', key: { service: 'shop', component: 'worker' } }]);
      await home.converge();
    },
    act: async (home) => {
      home.silentDrivers.add('simulated-vm');
      await pass(home, relistMs);
      await home.change([{ kind: 'delete-volume', service: 'shop', volume: 'data' }]);
      await pass(home, relistMs);
      home.silentDrivers.clear();
      await pass(home, relistMs);
    },
    untouched: ['shop-db', 'shop-web'],
    running: ['shop-db', 'shop-web'],
    check: (home) => {
      demandSame(home.volume('shop', 'data'), { container: undefined, vm: undefined }, 'the data');
    },
  },
  {
    name: 'a runtime gives no answer to three tries to make a replacement',
    prepare: (home) => open(home),
    act: async (home) => {
      home.host.faults.next('create', 'unreachable', { times: 3 });
      await home.put(shop({ web: { image: 'localhost/app:2' } }));
    },
    ...common,
    check: (home) => {
      demandSame(imageOfWorkload(home, 'shop-web'), 'localhost/app:2', 'the image of web');
    },
  },
  {
    name: 'a container is to become a machine where none can be made for a while',
    prepare: (home) => open(home),
    act: async (home) => {
      home.host.machinesUnavailable = new BerthError('E_KERNEL_MISSING', 'there is no kernel');
      await home.put(shop({ web: { runtime: 'microvm' } }));
      await pass(home, 50_000);
      home.host.machinesUnavailable = null;
    },
    ...common,
    machines: ['shop-web'],
  },
  {
    name: 'a workload cannot be read while it is to be replaced',
    prepare: (home) => open(home),
    act: async (home) => {
      const { id = '' } = home.host.engine.find('shop-web') ?? {};
      home.host.hand.obscure(id, 'it cannot be read');
      await pass(home, relistMs);
      await home.put(shop({ web: { env: { A: '1' } } }));
      await pass(home, 2_000);
      demand(done(home, 'create', 'shop-web').length === 1, 'a replacement was made of what cannot be read');
      home.host.hand.obscure(id, null);
      await pass(home, relistMs);
    },
    ...common,
  },
  {
    name: 'the end of what does not stay up is told by no event',
    putBack: 'localhost/app:1',
    prepare: (home) => open(home),
    act: async (home) => {
      home.host.events.plan('drop', ({ action }) => action === 'died', 20);
      await home.put(shop({ web: { image: 'localhost/bad:1' } }));
    },
    ...common,
    check: (home) => {
      demandSame(imageOfWorkload(home, 'shop-web'), 'localhost/app:1', 'the image of web');
    },
  },
  {
    name: 'a list comes long after it was taken',
    prepare: (home) => open(home),
    act: async (home) => {
      home.host.faults.next('list', 'slow-answer', { times: 2, delayMs: 3_000 });
      await home.clock.advance(9_990);
      await home.put(shop({ web: { env: { A: '1' } } }));
      await pass(home, 6_000);
    },
    ...common,
    check: (home) => {
      demandSame(done(home, 'create', 'shop-web').length, 2, 'how often web was made');
    },
  },
  {
    name: 'a look comes long after it was taken',
    prepare: (home) => open(home),
    act: async (home) => {
      home.host.faults.next('inspect', 'slow-answer', { delayMs: 3_000 });
      home.host.hand.pause('shop-web');
      await pass(home, 500);
      if (home.host.engine.find('shop-web')?.state === 'running') home.host.hand.kill('shop-web');
      await pass(home, relistMs);
    },
    ...common,
    check: async (home) => {
      const resumed = (await told(home)).filter((line) => line.startsWith('Resumed'));
      demand(resumed.length <= 1, `web is said to have been resumed ${String(resumed.length)} times`);
    },
  },
  {
    name: 'an event of an earlier end comes late',
    prepare: (home) => open(home),
    act: async (home) => {
      // Just before the next list, which tells of its end at once.
      await home.clock.advance(8_900);
      home.host.events.delayMs = 2_000;
      home.host.hand.kill('shop-web');
      await pass(home, relistMs);
      home.host.events.delayMs = 5;
    },
    ...common,
    check: async (home) => {
      const ends = (await told(home)).filter((line) => line.startsWith('Exited'));
      demand(ends.length <= 1, `one end counts as ${String(ends.length)}`);
    },
  },
  {
    name: 'a container is to become a machine, and is to be a container again',
    prepare: (home) => open(home, { web: { image: 'localhost/keeps:1', volumes: ['data:/data'] } }),
    act: async (home) => {
      const keeps = { image: 'localhost/keeps:1', volumes: ['data:/data'] };
      await home.put(shop({ web: { ...keeps, runtime: 'microvm' } }));
      await home.clock.advance(100);
      await home.put(shop({ web: keeps }));
    },
    ...common,
    check: (home) => {
      demandSame(home.volume('shop', 'data').vm, undefined, 'what is left with the machines');
    },
  },
];

export const disturbedScenarios: readonly Scenario[] = [...hands, ...silences];
