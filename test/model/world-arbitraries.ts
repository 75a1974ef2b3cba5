/** Any world that a component might be decided upon in: also ones that no sane course of events leads to. */
import fc from 'fast-check';
import { defaultReconcileSettings, type World } from '../../reconcilers/component/index.js';
import { hostName } from '../../src/core/names.js';
import type { ObservedConfig, ObservedWorkload, Ownership } from '../../src/core/observation.js';
import type { ComponentRecord } from '../../src/core/ports/registry.js';
import { imagePinKey } from '../../src/core/spec-diff.js';
import { componentDefaults, effectiveLimits, type ComponentSpec } from '../../src/core/spec.js';
import { observedStates, phases, type ComponentStatus } from '../../src/core/status.js';

export const homeId = '11111111-2222-4333-8444-555555555555';
export const key = { service: 'shop', component: 'web' } as const;
/** Stands in secret files, and may show nowhere. */
export const secret = 'hunter2-hunter2';
const nowMs = 1_700_000_000_000;

/** Mostly lately, sometimes ahead (the clock was set back), sometimes long ago. */
const time = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -20_000, max: 0 }) },
  fc.integer({ min: 1, max: 700_000 }),
  fc.integer({ min: -2_000_000, max: -20_000 }),
  fc.constantFrom(0, -nowMs),
);
const timeMs = time.map((offsetMs) => nowMs + offsetMs);
const perhaps = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });
const digest = fc.constantFrom('sha256:one', 'sha256:two');
const often = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, fc.constantFrom(usual, ...others));

const spec: fc.Arbitrary<ComponentSpec> = fc
  .record({
    runtime: often<ComponentSpec['runtime']>('container', 'microvm', 'unikernel'),
    image: fc.constantFrom('localhost/web:1', 'localhost/web:2'),
    update: often<ComponentSpec['update']>('pinned', 'auto'),
    memoryMb: fc.constantFrom(null, 64),
    vcpus: fc.constantFrom(null, 1),
    command: fc.constantFrom(null, ['run'], ['other']),
    env: fc.constantFrom({}, { A: '1' }, { A: '2', TOKEN: 'plain' }),
    envFile: fc.constantFrom<readonly string[]>([], ['/srv/x.env']),
    secretFile: fc.constantFrom<readonly string[]>([], ['/srv/x.secrets']),
    ports: fc.constantFrom<readonly string[]>([], ['8080:80']),
    files: fc.constantFrom<readonly string[]>([], ['/etc/x']),
    restart: fc.constantFrom<ComponentSpec['restart']>('always', 'on-failure', 'never'),
    reconcile: often<ComponentSpec['reconcile']>('auto', 'observe', 'ignore'),
  })
  .map((patch) => ({ ...componentDefaults, name: 'web', ...patch }));

const drift = fc.record({
  field: fc.constantFrom('state', 'image', 'memory_mb', 'env.A', 'name'),
  desired: fc.constantFrom('running', '64 MiB', 'sha256:two'),
  observed: fc.constantFrom('exited', 'missing', '32 MiB', 'sha256:one'),
  sinceMs: timeMs,
  evidence: fc.constant('seen'),
  action: fc.constant('is being put back'),
});

const heals = fc.dictionary(
  fc.constantFrom('state', 'memory_mb', 'name', 'env.A'),
  fc.array(timeMs, { maxLength: 7 }).map((times) => times.sort((a, b) => a - b)),
  { noNullPrototype: true },
);

/** What was good before: a generation with its spec and image, or nothing. */
const good = perhaps(fc.record({ ago: fc.nat(3), spec, digest })).map((known) => (generation: number) => ({
  goodGeneration: known && Math.max(1, generation - known.ago),
  goodSpec: known && JSON.stringify(known.spec),
  goodDigest: known?.digest ?? null,
}));

const nativeIds = ['a', 'b', 'c', 'd'] as const;

const statusParts = fc.record({
  phase: fc.constantFrom(...phases),
  observed: fc.constantFrom(...observedStates),
  ready: fc.boolean(),
  observedGeneration: fc.nat(13),
  observedRevision: fc.nat(16),
  reason: fc.constantFrom('Running', 'StepFailed', 'BeingStopped', 'RuntimeUnavailable', 'PuttingBack', 'NotStarted'),
  message: fc.constant('as it was'),
  nativeId: perhaps(fc.constantFrom(...nativeIds)),
  startedAtMs: perhaps(timeMs),
  exitCode: perhaps(fc.constantFrom(0, 1, 137)),
  restarts: fc.nat(3),
  failures: fc.nat(12),
  nextTryAtMs: perhaps(timeMs),
  drift: fc.uniqueArray(drift, { selector: (item) => item.field, maxLength: 3 }),
  heals,
  imageDigest: perhaps(digest),
  rolloutStartedAtMs: perhaps(timeMs),
  restartToken: fc.nat(2),
  updatedAtMs: timeMs,
});

const recordArbitrary: fc.Arbitrary<ComponentRecord> = fc
  .record({
    spec,
    status: statusParts,
    good,
    pinned: fc.constantFrom('this', 'this', 'other', 'none'),
    failed: fc.constantFrom(null, null, 0, 1),
    completed: fc.constantFrom(null, null, 0, 1),
    generation: fc.integer({ min: 10, max: 13 }),
    sinceRevisions: fc.nat(3),
    invalid: often<string | null>(null, 'a rule is broken'),
    node: often('local', 'node-2'),
    active: often(true, false),
    desired: often<'running' | 'stopped'>('running', 'stopped'),
    deleting: often(false, true),
    restartToken: fc.nat(2),
    imageRefresh: fc.nat(1),
  })
  .map((parts) => {
    const { generation, imageRefresh } = parts;
    const revision = generation + parts.sinceRevisions;
    const pinKey = { this: imagePinKey(parts.spec, imageRefresh), other: 'other', none: null }[parts.pinned];
    const before = (ago: number | null): number | null => (ago === null ? null : generation - ago);
    const status: ComponentStatus = {
      ...parts.status,
      ...parts.good(generation),
      observedGeneration: Math.min(parts.status.observedGeneration, generation),
      observedRevision: Math.min(parts.status.observedRevision, revision),
      imagePinKey: pinKey ?? null,
      failedGeneration: before(parts.failed),
      completedGeneration: before(parts.completed),
    };
    return {
      key,
      workload: 'shop-web',
      spec: parts.spec,
      invalid: parts.invalid,
      service: { name: 'shop', node: parts.node, active: parts.active, revision, deleting: false },
      desired: parts.desired,
      restartToken: parts.restartToken,
      imageRefresh,
      deleting: parts.deleting,
      generation,
      revision,
      source: null,
      dependents: [],
      status,
    };
  });

const ours: Ownership = { homeId, ...key, generation: 10, specHash: null };
const owner = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 9, max: 13 }).map((generation) => ({ ...ours, generation })) },
  fc.constantFrom<Ownership | null>(null, { ...ours, homeId: 'other-home' }, { ...ours, component: 'db' }),
);

const config: fc.Arbitrary<ObservedConfig> = fc.record({
  env: fc.constantFrom(
    { PATH: '/bin' },
    { PATH: '/bin', A: '1' },
    { PATH: '/bin', A: '2', TOKEN: 'plain' },
    { PATH: '/bin', TOKEN: secret },
  ),
  command: fc.constantFrom(['run'], ['other']),
  user: fc.constant(''),
  ports: fc.constantFrom<readonly string[]>([], ['0.0.0.0:8080:80/tcp']),
  mounts: fc.constant([]),
  image: fc.constant({ env: { PATH: '/bin' }, command: ['run'], user: '' }),
  runtimeEnv: fc.constant([]),
});

const workloadParts = fc.record({
  name: fc.constantFrom(
    ...(['main', 'main', 'next', 'previous'] as const).map((role) => hostName('', 'shop-web', role)),
    'odd',
  ),
  owner,
  runtime: often<ObservedWorkload['runtime']>('container', 'microvm', 'unikernel'),
  state: fc.constantFrom<ObservedWorkload['state']>(
    ...(['created', 'running', 'running', 'paused', 'stopping', 'exited', 'removing', 'unknown'] as const),
  ),
  startedAtMs: perhaps(timeMs),
  programStartedAtMs: perhaps(timeMs),
  finishedAtMs: perhaps(timeMs),
  exitCode: perhaps(fc.constantFrom(0, 1, 137)),
  oomKilled: fc.boolean(),
  imageDigest: digest,
  config: fc.option(config, { freq: 10, nil: null }),
  limits: fc.constantFrom('right', 'right', 'other', 'unknown'),
  problem: often<string | null>(null, 'cgroup is gone'),
});

type WorkloadParts = typeof workloadParts extends fc.Arbitrary<infer T> ? T : never;

function toWorkload(parts: WorkloadParts, nativeId: string, wanted: ComponentSpec): ObservedWorkload {
  const { limits, programStartedAtMs, ...rest } = parts;
  const seen = { right: effectiveLimits(wanted), other: { memoryMb: 16, vcpus: 2 }, unknown: {} }[limits];
  const machine = parts.runtime === 'container' ? {} : { programStartedAtMs };
  const driver = parts.runtime === 'container' ? 'podman' : 'qemu';
  return {
    ...rest,
    ...seen,
    ...machine,
    driver,
    nativeId,
    createdAtMs: nowMs,
    imageRef: 'localhost/web:1',
    addresses: [],
  };
}

/** What the main workload was made for, where it is known and neither the present spec nor the good one. */
function earlierOf(
  { generation, status }: ComponentRecord,
  workloads: readonly WorkloadParts[],
  earlierSpec: ComponentSpec | null,
): World['earlier'] {
  const main = workloads.find((item) => item.name === 'shop-web' && item.owner?.homeId === homeId);
  const madeFor = main?.owner?.generation ?? null;
  if (earlierSpec === null || madeFor === null) return null;
  return madeFor < generation && madeFor > (status.goodGeneration ?? 0)
    ? { generation: madeFor, spec: earlierSpec }
    : null;
}

const driverArbitrary: fc.Arbitrary<World['driver']> = fc
  .record({
    name: often('podman', 'qemu'),
    answering: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, fc.boolean()),
    lastObserved: perhaps(fc.constantFrom(...observedStates)),
  })
  .map((parts) => ({ ...parts, error: parts.answering ? null : 'it hangs' }));

const envFile = often<{ readonly values: Record<string, string> } | { readonly error: string }>(
  { values: { B: '1', A: 'file' } },
  { error: 'no such file' },
);
const secretFile = often<{ readonly values: Record<string, string> } | { readonly error: string }>(
  { values: { TOKEN: secret } },
  { values: {} },
  { values: { TOKEN: `${secret}-new` } },
  { error: 'no such file' },
);

/** Any world at all. */
export const worldArbitrary: fc.Arbitrary<World> = fc
  .record({
    chance: fc.constantFrom(0, 0.5, 0.999),
    record: recordArbitrary,
    driver: fc.option(driverArbitrary, { freq: 20, nil: null }),
    workloads: fc.array(workloadParts, { maxLength: nativeIds.length }),
    imageNow: fc.option(digest, { nil: undefined }),
    envFile,
    secretFile,
    earlierSpec: perhaps(spec),
    waitsFor: often<readonly string[]>([], ['db (starting)']),
    dependentsUp: often<readonly string[]>([], ['api']),
    lastRuntimeEvent: fc.constantFrom(null, 'died by hand'),
  })
  .map(({ envFile: env, secretFile: secrets, workloads, earlierSpec, ...parts }) => ({
    ...parts,
    nowMs,
    homeId,
    namePrefix: '',
    settings: defaultReconcileSettings,
    workloads: workloads.map((item, index) => toWorkload(item, nativeIds[index] ?? '', parts.record.spec)),
    earlier: earlierOf(parts.record, workloads, earlierSpec),
    envFiles: new Map([
      ['/srv/x.env', env],
      ['/srv/x.secrets', secrets],
    ]),
  }));
