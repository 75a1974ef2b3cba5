/** Worlds of one component, each recorded from a life on the toy host at the moment that its name says. */
import type { World } from '../reconcilers/component/index.js';
import { formatPort, parsePort, type ComponentSpec } from '../src/core/spec.js';
import { ToyComponent } from '../test/support/toy-component.js';

export interface RecordedWorld {
  readonly name: string;
  readonly world: World;
}

const minuteMs = 60_000;

const richSpec: Partial<ComponentSpec> = {
  env: { LOG_LEVEL: 'info', DATABASE_URL: 'postgres://db/shop', REGION: 'here' },
  ports: ['127.0.0.1:8080:8080', '127.0.0.1:9090:9090'],
  command: ['--port', '8080', '--verbose'],
  user: '1000:1000',
  memoryMb: 128,
  vcpus: 1,
  health: { http: '/healthz', port: 8080 },
};

/** A component that has run well for a while. */
function running(spec: Partial<ComponentSpec> = {}): ToyComponent {
  const toy = new ToyComponent(spec);
  toy.settle();
  const { main } = toy;
  if (main?.config) {
    const ports = (spec.ports ?? []).flatMap((text) => parsePort(text) ?? []).map(formatPort);
    main.config = { ...main.config, ports: [...ports].sort() };
  }
  if (main && main.runtime !== 'container') toy.report();
  toy.pass(20 * minuteMs);
  return toy;
}

const lives: Readonly<Record<string, () => ToyComponent>> = {
  'runs as specified': () => running(),
  'runs as specified, many fields': () => running(richSpec),
  'machine runs as specified': () => running({ runtime: 'microvm', memoryMb: 128, vcpus: 1 }),
  'machine boots': () => {
    const toy = new ToyComponent({ runtime: 'microvm' });
    toy.settle();
    return toy;
  },
  'just applied': () => new ToyComponent(richSpec),
  'spec changed, to be replaced': () => {
    const toy = running(richSpec);
    toy.edit({ env: { LOG_LEVEL: 'debug' } });
    return toy;
  },
  'memory edited, to be set in place': () => {
    const toy = running();
    toy.edit({ memoryMb: 256 });
    return toy;
  },
  'a replacement proves itself': () => {
    const toy = running();
    toy.edit({ env: { A: '1' } });
    toy.settle();
    return toy;
  },
  'put back, the last good one runs': () => {
    const toy = running();
    toy.tags['localhost/web:2'] = 'sha256:two';
    toy.programs = { 'sha256:two': { exitsWith: 1 } };
    toy.edit({ image: 'localhost/web:2' });
    toy.pass(10 * minuteMs);
    return toy;
  },
  'removed by hand': () => {
    const toy = running();
    toy.workloads = [];
    return toy;
  },
  'just exited': () => {
    const toy = running();
    if (toy.main) toy.end(toy.main, 1);
    return toy;
  },
  'waits in backoff': () => {
    const toy = new ToyComponent();
    toy.programs = { 'sha256:one': { exitsWith: 1 } };
    toy.settle();
    return toy;
  },
  'waits for what it depends on': () => {
    const toy = new ToyComponent({ dependsOn: ['db'] });
    toy.waitsFor = ['db (starting)'];
    toy.settle();
    return toy;
  },
  'is to stop': () => {
    const toy = running();
    toy.edit(undefined, { desired: 'stopped' });
    return toy;
  },
  'is stopped': () => {
    const toy = running();
    toy.edit(undefined, { desired: 'stopped' });
    toy.settle();
    return toy;
  },
  'is completed': () => {
    const toy = running({ restart: 'never' });
    if (toy.main) toy.end(toy.main, 0);
    toy.settle();
    return toy;
  },
  'is to be deleted': () => {
    const toy = running();
    toy.edit(undefined, { deleting: true });
    return toy;
  },
  'its driver does not answer': () => {
    const toy = running();
    toy.answering = false;
    return toy;
  },
};

/** Every world of the mix; the same each time. */
export function recordedWorlds(): readonly RecordedWorld[] {
  return Object.entries(lives).map(([name, live]) => ({ name, world: structuredClone(live().world()) }));
}
