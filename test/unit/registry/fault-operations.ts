/** Everything that can be asked of a registry, with something there to be asked about. */
import type { NewEvent } from '../../../src/core/event.js';
import type { ComponentRecord, Registry } from '../../../src/core/ports/registry.js';
import { initialStatus } from '../../../src/core/status.js';
import { usageStepMs, type ComponentBucket } from '../../../src/core/usage.js';
import { agent, cli, put, putService, spec } from './support.js';

const web = { service: 'shop', component: 'web' };
const gone = { service: 'shop', component: 'gone' };
const started: NewEvent = { ...web, severity: 'info', reason: 'Started', message: 'it started' };
const removed: NewEvent = { ...gone, severity: 'info', reason: 'Removed', message: 'it is gone' };

const used: ComponentBucket = {
  key: web,
  atMs: usageStepMs * 5_666_667,
  memoryBytes: 1_000,
  memoryPeakBytes: 2_000,
  cpuPercent: 5,
  samples: 10,
};

const intent = (name: string) =>
  ({ driver: 'podman', kind: 'container', name, service: 'shop', component: 'web', generation: 1 }) as const;

async function recordOf(registry: Registry): Promise<ComponentRecord> {
  const record = await registry.component(web);
  if (record === undefined) throw new Error('there is no shop/web');
  return record;
}

/** Fills an empty registry. */
export async function fill(registry: Registry): Promise<void> {
  await registry.change([putService('shop'), put('shop', spec('web')), put('shop', spec('gone'))], cli);
  await registry.change([put('idle', spec('idle')), { kind: 'delete-component', key: gone }], cli);
  const { generation } = await recordOf(registry);
  await registry.updateStatus([{ key: web, generation, status: initialStatus, events: [started, started] }], agent);
  await registry.change([{ kind: 'delete-service', name: 'idle' }], cli);
  await registry.purgeComponent({ service: 'idle', component: 'idle' }, [], agent);
  await registry.change([put('empty', spec('last')), { kind: 'delete-service', name: 'empty' }], cli);
  await registry.addUsage([used]);
  const [id = 0] = await registry.recordIntents([intent('shop-web'), intent('shop-old')]);
  await registry.setNativeId(id, 'abc');
  await registry.change([{ kind: 'delete-volume', service: 'shop', volume: 'data' }], cli);
  await registry.setVolumeHolders({ service: 'shop', volume: 'data' }, [
    { driver: 'podman', state: 'current', copiedFor: null },
  ]);
}

export type Operation = (registry: Registry) => Promise<unknown>;

export const writes: Readonly<Record<string, Operation>> = {
  'several changes': (registry) =>
    registry.change(
      [
        putService('shop', false),
        put('shop', spec('web', { memoryMb: 64 })),
        put('shop', spec('api', { dependsOn: ['web'] })),
        { kind: 'set-desired', key: web, desired: 'stopped' },
        { kind: 'request-restart', key: web },
        { kind: 'delete-volume', service: 'shop', volume: 'more' },
        { kind: 'put-source', source: { service: 'shop', path: '/srv/shop.toml', contentHash: 'h' } },
      ],
      cli,
    ),
  'a change of a known generation': async (registry) =>
    registry.change([put('shop', spec('web', { memoryMb: 64 }), (await recordOf(registry)).generation)], cli),
  'a change that is refused': async (registry) => {
    await registry.change([put('shop', spec('api')), put('shop', spec('web', { dependsOn: ['nobody'] }))], cli).then(
      () => Promise.reject(new Error('it was not refused')),
      (error: unknown) => {
        if (!(error instanceof Error && 'code' in error && error.code === 'E_DEFINITION')) throw error;
      },
    );
  },
  'a status and its event': async (registry) =>
    registry.updateStatus(
      [
        {
          key: web,
          generation: (await recordOf(registry)).generation,
          status: { ...initialStatus, phase: 'running', observed: 'running', ready: true },
          events: [started],
        },
      ],
      agent,
    ),
  'an event': (registry) => registry.addEvents([{ ...started, component: null }], agent),
  freshness: (registry) => registry.setFreshness([{ driver: 'podman', lastGoodAtMs: 1, error: 'no answer', since: 2 }]),
  'the end of a component': (registry) => registry.purgeComponent(gone, [removed], agent),
  'the end of a service': (registry) => registry.purgeService('empty', agent),
  intents: (registry) => registry.recordIntents([intent('shop-web'), intent('shop-api')]),
  'a native id': (registry) => registry.setNativeId(2, 'def'),
  'forgetting an intent': (registry) => registry.forget([1, 2]),
  'the holders of a volume': (registry) =>
    registry.setVolumeHolders({ service: 'shop', volume: 'data' }, [
      { driver: 'podman', state: 'old', copiedFor: null },
      { driver: 'qemu', state: 'current', copiedFor: null },
    ]),
  'what was used': (registry) => registry.addUsage([used, { ...used, atMs: used.atMs + usageStepMs }]),
  'the end of a volume': (registry) => registry.volumeRemoved('shop', 'data', [removed], agent),
  compaction: (registry) => registry.compact(),
};

export const reads: Readonly<Record<string, Operation>> = {
  revision: (registry) => registry.revision(),
  services: (registry) => registry.services(),
  components: (registry) => registry.components(),
  events: (registry) => registry.events({}),
  history: (registry) => registry.history({ service: 'shop' }),
  'a service of once': (registry) => registry.serviceAt('shop', 3),
  feed: (registry) => registry.feed(0, 100),
  ledger: (registry) => registry.ledger(),
  usage: (registry) => registry.usage(web),
};
