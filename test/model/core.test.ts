/** Differences, waits, edits and user ids: properties of the pure functions that decisions are made of. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../src/agent/settings.js';
import { backoffMs, restartDelayMs, type BackoffSettings } from '../../src/core/backoff.js';
import { canonicalJson } from '../../src/core/hash.js';
import { volumeName } from '../../src/core/names.js';
import type { ObservedWorkload } from '../../src/core/observation.js';
import { baseOf, planReplace } from '../../src/core/plan-replace.js';
import { canonicalPorts, canonicalVolumes, diffSpecs, imagePinKey, specHash } from '../../src/core/spec-diff.js';
import { effectiveLimits, formatPort, parsePort, parseVolume, type ComponentSpec } from '../../src/core/spec.js';
import { diffWorkload, type DesiredWorkload } from '../../src/core/workload-diff.js';
import { uidOf } from '../../src/runtimes/qemu/machine/privileges.js';
import { componentSpec, PlanWorld, serviceSpec } from '../support/plan-world.js';
import { serviceArbitrary } from './definition-arbitraries.js';

const seed = process.env['BERTH_SEED'] === undefined ? {} : { seed: Number(process.env['BERTH_SEED']) };

const waits: fc.Arbitrary<BackoffSettings> = fc
  .tuple(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 0, max: 3_600_000 }))
  .map(([firstMs, more]) => ({ firstMs, longestMs: firstMs + more, forgetAfterMs: 600_000 }));
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const failures = fc.oneof(fc.nat(40), fc.nat());

describe('backoff', () => {
  it('doubles from the first wait to the longest, a tenth either way, and never shrinks', () => {
    fc.assert(
      fc.property(failures, chance, waits, (count, luck, settings) => {
        const waitMs = backoffMs(count, luck, settings);
        expect(Number.isInteger(waitMs)).toBe(true);
        const base = count === 0 ? 0 : Math.min(settings.longestMs, settings.firstMs * 2 ** Math.min(count - 1, 60));
        expect(waitMs).toBeGreaterThanOrEqual(Math.floor(base * 0.9));
        expect(waitMs).toBeLessThanOrEqual(Math.ceil(base * 1.1));
        expect(backoffMs(count + 1, luck, settings)).toBeGreaterThanOrEqual(waitMs);
        expect(restartDelayMs(count + 1, luck, settings)).toBe(waitMs);
      }),
      { numRuns: 1_000, ...seed },
    );
  });
});

/** Two specs of one component that differ in some fields only. */
const related: fc.Arbitrary<readonly [ComponentSpec, ComponentSpec]> = fc
  .tuple(serviceArbitrary, serviceArbitrary, fc.array(fc.nat(30), { maxLength: 6 }))
  .map(([first, second, picks]) => {
    const before = first.components[0] ?? componentSpec('web');
    const other = second.components[0] ?? componentSpec('web');
    const fields = Object.keys(before).filter((field) => field !== 'name');
    const taken = new Set(picks.map((pick) => fields[pick % fields.length]));
    const after = Object.fromEntries(
      Object.entries(before).map(([field, value]) => [
        field,
        taken.has(field) ? other[field as keyof ComponentSpec] : value,
      ]),
    );
    return [before, after as unknown as ComponentSpec];
  });

/** What a spec means, spelled one way. */
function meaning(spec: ComponentSpec): string {
  const sizes = spec.volumes.flatMap((text) => parseVolume(text) ?? []).filter(({ sizeMb }) => sizeMb !== null);
  const sizeOf = sizes.map(({ source, sizeMb }) => `${source}=${String(sizeMb)}`).sort();
  const { ports, volumes, files } = spec;
  return canonicalJson({
    ...spec,
    ports: canonicalPorts(ports),
    volumes: [canonicalVolumes(volumes), sizeOf],
    files: [...files].sort(),
  });
}

describe('differences of specs', () => {
  it('are none exactly where both mean the same', () => {
    fc.assert(
      fc.property(related, ([before, after]) => {
        expect(diffSpecs(before, before)).toEqual([]);
        expect(diffSpecs(before, after).length === 0).toBe(meaning(before) === meaning(after));
      }),
      { numRuns: 500, ...seed },
    );
  });

  it('are the same fields both ways, each once, and lead from one value to the other', () => {
    fc.assert(
      fc.property(related, ([before, after]) => {
        const there = diffSpecs(before, after);
        const back = diffSpecs(after, before);
        expect(back.map(({ field, before: from, after: to }) => [field, to, from])).toEqual(
          there.map(({ field, before: from, after: to }) => [field, from, to]),
        );
        expect(new Set(there.map(({ field }) => field)).size).toBe(there.length);
      }),
      { numRuns: 500, ...seed },
    );
  });

  it('that touch nothing that runs leave the hash, and the image its pin', () => {
    fc.assert(
      fc.property(related, ([before, after]) => {
        const changes = diffSpecs(before, after);
        if (changes.every(({ effect }) => effect === 'none')) expect(specHash(after)).toBe(specHash(before));
        else expect(specHash(after)).not.toBe(specHash(before));
        const image = changes.some(({ field }) => field === 'image' || field === 'build');
        expect(imagePinKey(after, 0) === imagePinKey(before, 0)).toBe(!image);
        expect(imagePinKey(before, 1)).not.toBe(imagePinKey(before, 0));
      }),
      { numRuns: 500, ...seed },
    );
  });
});

const homeId = '11111111-2222-4333-8444-555555555555';
const image = { env: { PATH: '/bin', LANG: 'C' }, command: ['run'], user: '10' };

function wantedOf(spec: ComponentSpec): DesiredWorkload {
  const env = { values: spec.env, fileKeys: new Set<string>(), secretKeys: new Set<string>(), hasFiles: false };
  return { homeId, service: 'shop', spec, imageDigest: 'sha256:one', env };
}

/** A workload as a runtime shows it that was made as its spec says. */
function madeFor(spec: ComponentSpec): ObservedWorkload {
  const mounts = spec.volumes
    .flatMap((text) => parseVolume(text) ?? [])
    .map(({ kind, source, target, readOnly }) => ({
      kind,
      source: kind === 'named' ? volumeName(homeId, 'shop', source) : source,
      target,
      readOnly,
    }))
    .sort((a, b) => (a.target < b.target ? -1 : 1));
  return {
    driver: 'toy',
    runtime: spec.runtime,
    nativeId: 'a',
    name: 'shop-web',
    owner: null,
    state: 'running',
    createdAtMs: 1,
    startedAtMs: 1,
    finishedAtMs: null,
    exitCode: null,
    oomKilled: false,
    imageDigest: 'sha256:one',
    imageRef: spec.image,
    ...effectiveLimits(spec),
    config: {
      env: { ...image.env, ...spec.env, HOSTNAME: 'x' },
      command: spec.command ?? image.command,
      user: spec.user ?? image.user,
      ports: spec.ports
        .flatMap((text) => parsePort(text) ?? [])
        .map(formatPort)
        .sort(),
      mounts,
      image,
      runtimeEnv: ['HOSTNAME'],
    },
    addresses: [],
    problem: null,
  };
}

type Config = NonNullable<ObservedWorkload['config']>;

/** What another hand may have made otherwise, with the field that tells it. */
const meddled: readonly (readonly [
  string,
  (workload: ObservedWorkload, config: Config) => Partial<ObservedWorkload>,
])[] = [
  ['image', () => ({ imageDigest: 'sha256:two' })],
  ['command', (_, config) => ({ config: { ...config, command: [...config.command, 'more'] } })],
  ['user', (_, config) => ({ config: { ...config, user: 'nobody' } })],
  ['ports', (_, config) => ({ config: { ...config, ports: [...config.ports, '0.0.0.0:9:9/tcp'] } })],
  [
    'mounts',
    (_, config) => ({
      config: { ...config, mounts: [...config.mounts, { kind: 'host', source: '/x', target: '/zz', readOnly: true }] },
    }),
  ],
  ['env.NEW_KEY', (_, config) => ({ config: { ...config, env: { ...config.env, NEW_KEY: '' } } })],
  ['env.PATH', (_, config) => ({ config: { ...config, env: { ...config.env, PATH: '/elsewhere' } } })],
  ['memory_mb', (workload) => ({ memoryMb: (workload.memoryMb ?? 0) + 1 })],
  ['vcpus', (workload) => ({ vcpus: (workload.vcpus ?? 0) + 1 })],
];

describe('differences of workloads', () => {
  it('are none in what was made as wanted, whatever it is', () => {
    fc.assert(
      fc.property(serviceArbitrary, ({ components }) => {
        for (const spec of components) expect(diffWorkload(wantedOf(spec), madeFor(spec))).toEqual([]);
      }),
      { numRuns: 300, ...seed },
    );
  });

  it('are found where another hand was, and nowhere else', () => {
    fc.assert(
      fc.property(serviceArbitrary, fc.constantFrom(...meddled), ({ components }, [field, meddle]) => {
        for (const spec of components) {
          const workload = madeFor(spec);
          if (!workload.config) throw new Error('no config');
          const found = diffWorkload(wantedOf(spec), { ...workload, ...meddle(workload, workload.config) });
          expect(found.map((item) => item.field)).toEqual([field]);
        }
      }),
      { numRuns: 300, ...seed },
    );
  });
});

const smallSpec = fc
  .record({ name: fc.constantFrom('web', 'db', 'cache'), memoryMb: fc.constantFrom(null, 64, 128) })
  .map(({ name, memoryMb }) => componentSpec(name, { memoryMb }));
const smallService = fc
  .tuple(fc.uniqueArray(smallSpec, { selector: ({ name }) => name, maxLength: 3 }), fc.boolean())
  .map(([components, active]) => serviceSpec('shop', components, { active }));

describe('plans of edits', () => {
  it('make a service exactly what was edited, once, and only upon what its editor saw', () => {
    fc.assert(
      fc.property(
        fc.array(smallService, { maxLength: 3 }),
        smallService,
        fc.option(smallSpec, { nil: null }),
        (past, edited, meanwhile) => {
          const world = new PlanWorld();
          const replace = (spec: typeof edited, base: ReturnType<typeof baseOf> | null, force: boolean) =>
            planReplace({ spec, records: world.records(), base, force });
          for (const spec of past) world.carryOut(replace(spec, null, true));
          const seen = baseOf('shop', world.records());
          if (meanwhile) world.edit('shop', meanwhile);
          const plan = replace(edited, seen, false);
          if (plan.conflicts.length > 0) {
            expect(meanwhile, 'nobody else wrote').not.toBeNull();
            expect(plan.changes).toEqual([]);
          }
          world.carryOut(replace(edited, seen, true));
          expect(replace(edited, null, false)).toMatchObject({ changes: [], conflicts: [], differs: false });
          const left = world.records().components.filter((record) => !record.deleting);
          expect(left.map(({ spec }) => canonicalJson(spec)).sort()).toEqual(
            edited.components.map(canonicalJson).sort(),
          );
        },
      ),
      { numRuns: 500, ...seed },
    );
  });
});

describe('user ids of machines', () => {
  it('lie within the range that the settings leave, are the same each time, and are given by root alone', () => {
    const none = { fileText: null, filePath: '/berth.toml', env: {}, flags: {} };
    const largest = 2 ** 32 - 2;
    const ends = fc.oneof(fc.integer({ min: 65_536, max: largest }), fc.integer({ min: 4_270_000_000, max: largest }));
    const allowed = ends.filter((uid) => {
      try {
        return readSettings({ ...none, env: { BERTH_VM_FIRST_UID: String(uid) } }).vm_first_uid === uid;
      } catch {
        return false;
      }
    });
    fc.assert(
      fc.property(allowed, fc.uuid(), (firstUid, id) => {
        const uid = uidOf(0, firstUid, id) ?? -1;
        expect(uid).toBeGreaterThanOrEqual(firstUid);
        expect(uid).toBeLessThanOrEqual(largest);
        expect(uidOf(0, firstUid, id)).toBe(uid);
        expect(uidOf(1_000, firstUid, id)).toBeNull();
      }),
      seed,
    );
  });
});
