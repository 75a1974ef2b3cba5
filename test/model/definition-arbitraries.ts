/** Arbitrary services as a checked definition would give them. */
import fc from 'fast-check';
import { isValidName, workloadName } from '../../src/core/names.js';
import {
  limits,
  pullPolicies,
  reconcileModes,
  restartPolicies,
  runtimes,
  updatePolicies,
  type ComponentSpec,
  type HealthSpec,
  type Runtime,
  type ServiceSpec,
} from '../../src/core/spec.js';
import { leastVmMemoryMb } from '../../src/core/vm-rules.js';

const nameArbitrary = fc
  .tuple(fc.constantFrom('a', 'web', 'db', 'z'), fc.array(fc.constantFrom('b', '-c', '1', '-2x'), { maxLength: 6 }))
  .map(([first, rest]) => first + rest.join(''))
  .filter(isValidName);

/** Text of every kind that may stand in a definition. */
export const textArbitrary = fc
  .oneof(
    fc.string({ maxLength: 12 }),
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.constantFrom(
      '',
      '"',
      "'",
      '\\',
      '"""',
      "'''",
      '#',
      'a\nb',
      'tab\there',
      'r\r\n',
      'ü😀',
      '${HOME}',
      ' a ',
      '[x]',
      '1.10',
    ),
  )
  .map((text) => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, ''));

const pathArbitrary = fc
  .array(fc.constantFrom('srv', 'shop', 'a b', 'x.env', 'ü', "it's", '"q"'), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join('/')}`);

const variablesArbitrary = fc.dictionary(
  fc.constantFrom('A', 'LOG_LEVEL', '_x', 'discovery.type', 'B-C', 'constructor', 'toString', 'PATH', 'v1'),
  textArbitrary,
  { maxKeys: 9, noNullPrototype: true },
);

const portArbitrary = fc
  .record({
    hostIp: fc.constantFrom('', '127.0.0.1:', '[::1]:', '0.0.0.0:'),
    port: fc.integer({ min: 1, max: 65_535 }),
    protocol: fc.constantFrom('', '/udp', '/tcp'),
  })
  .map(({ hostIp, port, protocol }) => ({ text: (hostPort: number) => `${hostIp}${hostPort}:${port}${protocol}` }));

const volumeArbitrary = fc.record({
  source: fc.constantFrom('data', 'shop-data', '/srv/shop', '/'),
  mode: fc.constantFrom('', ':ro', ':rw'),
  size: fc.constantFrom('', 'size_mb=8', 'size_mb=1024'),
});

const imageArbitrary = fc.constantFrom(
  'redis',
  'localhost/shop-web:1.4',
  'docker.io/library/redis:7',
  'registry.example.org:5000/a/b_c/d--e:V1.0-rc',
  `alpine@sha256:${'0a'.repeat(32)}`,
  `[::1]:5000/x:y@sha256:${'ff'.repeat(32)}`,
);

const probeSeconds = fc.option(fc.constantFrom(0.1, 1, 2.5, 3600), { nil: undefined });

const healthArbitrary: fc.Arbitrary<HealthSpec> = fc
  .record({
    kind: fc.constantFrom<HealthSpec>(
      { http: '/healthz', port: 80 },
      { tcp: true, port: 65_535 },
      { log: 'ready "now"' },
    ),
    interval_s: probeSeconds,
    timeout_s: probeSeconds,
    restart_after: fc.option(fc.integer({ min: 1, max: 1_000 }), { nil: undefined }),
  })
  .map(({ kind, ...rest }) => ({
    ...kind,
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
  }));

const within = (range: { readonly min: number; readonly max: number }): fc.Arbitrary<number> => fc.integer(range);

const partsArbitrary = fc.record({
  runtime: fc.constantFrom(...runtimes),
  image: fc.option(imageArbitrary, { nil: undefined }),
  context: fc.option(pathArbitrary, { nil: undefined }),
  file: fc.option(fc.constantFrom('Containerfile', 'sub/Dockerfile.prod'), { nil: undefined }),
  args: fc.option(variablesArbitrary, { nil: undefined }),
  pull: fc.constantFrom(...pullPolicies),
  update: fc.constantFrom(...updatePolicies),
  memoryMb: fc.option(within(limits.memoryMb)),
  vcpus: fc.option(fc.constantFrom(0.01, 0.5, 1, 1.25, 2, 512)),
  command: fc.option(fc.array(textArbitrary, { maxLength: 5 })),
  env: variablesArbitrary,
  envFile: fc.array(pathArbitrary, { maxLength: 2 }),
  secretFile: fc.array(pathArbitrary, { maxLength: 2 }),
  ports: fc.array(portArbitrary, { maxLength: 3 }),
  volumes: fc.array(volumeArbitrary, { maxLength: 3 }),
  files: fc.uniqueArray(pathArbitrary, { maxLength: 3 }),
  user: fc.option(fc.constantFrom('1000:1000', 'www-data', '0')),
  restart: fc.constantFrom(...restartPolicies),
  readyTimeoutS: within(limits.readyTimeoutS),
  logLimitMb: within(limits.logLimitMb),
  stopTimeoutS: within(limits.stopTimeoutS),
  reconcile: fc.constantFrom(...reconcileModes),
  dependsOn: fc.array(fc.nat(), { maxLength: 3 }),
  health: fc.option(healthArbitrary),
  disk: fc.boolean(),
});

/** Host ports are dealt out in order, disks have one machine, and dependencies point to earlier components only: no rule is broken. */
function toComponent(
  service: string,
  name: string,
  index: number,
  earlier: readonly string[],
  parts: typeof partsArbitrary extends fc.Arbitrary<infer T> ? T : never,
): ComponentSpec {
  const { context, file, args, image, ports, volumes, dependsOn, disk, ...rest } = parts;
  const build =
    context === undefined
      ? null
      : { context, ...(file === undefined ? {} : { file }), ...(args === undefined ? {} : { args }) };
  const isVm = rest.runtime !== 'container';
  const component: ComponentSpec = {
    ...rest,
    name,
    vcpus: rest.vcpus !== null && isVm ? Math.ceil(rest.vcpus) : rest.vcpus,
    memoryMb: rest.memoryMb !== null && isVm ? Math.max(rest.memoryMb, leastVmMemoryMb) : rest.memoryMb,
    build,
    image: image ?? (build === null ? 'redis' : `localhost/${workloadName(service, name)}:berth`),
    ports: ports
      .map((port, order) => port.text(1_000 + index * 10 + order))
      .filter((text) => !isVm || !text.startsWith('[')),
    volumes: isVm ? diskVolumes(rest.runtime, index, volumes) : volumes.map(containerVolume),
    dependsOn:
      earlier.length === 0 ? [] : [...new Set(dependsOn.map((pick) => earlier[pick % earlier.length] ?? name))],
  };
  return disk && component.runtime === 'unikernel' ? { ...component, ...readyDisk } : component;
}

interface VolumeParts {
  readonly source: string;
  readonly mode: string;
  readonly size: string;
}

function containerVolume({ source, mode, size }: VolumeParts, order: number): string {
  const sized = size === '' || source.startsWith('/') ? mode : `${mode === '' ? ':' : `${mode},`}${size}`;
  return `${source}:/mnt/${order}${sized}`;
}

/** A disk has one machine, and a unikernel has none. */
function diskVolumes(runtime: Runtime, index: number, volumes: readonly VolumeParts[]): readonly string[] {
  if (runtime === 'unikernel') return [];
  return volumes.map((parts, order) => containerVolume({ ...parts, source: `disk-${index}-${order}` }, order));
}

/** Nothing can be put into a disk that is ready. */
const readyDisk = {
  image: 'file:/srv/disks/a.img',
  build: null,
  command: null,
  env: {},
  envFile: [],
  secretFile: [],
  files: [],
  user: null,
} as const;

/** Any service that a definition file can declare. */
export const serviceArbitrary: fc.Arbitrary<ServiceSpec> = fc
  .record({
    name: nameArbitrary,
    node: fc.constantFrom('local', 'node-2'),
    active: fc.boolean(),
    names: fc.uniqueArray(nameArbitrary, { minLength: 1, maxLength: 4 }),
    parts: fc.array(partsArbitrary, { minLength: 4, maxLength: 4 }),
  })
  .map(({ name, node, active, names, parts }) => ({
    name,
    node,
    active,
    components: names.flatMap((component, index) => {
      const each = parts[index];
      return each ? [toComponent(name, component, index, names.slice(0, index), each)] : [];
    }),
  }));
