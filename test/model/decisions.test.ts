/** What holds of every decision, whatever the world is like. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterStep, decide, type Decision, type Step, type World } from '../../reconcilers/component/index.js';
import type { ObservedWorkload } from '../../src/core/observation.js';
import { imagePinKey } from '../../src/core/spec-diff.js';
import type { ComponentSpec } from '../../src/core/spec.js';
import { homeId, key, secret, worldArbitrary } from './world-arbitraries.js';

const seed = process.env['BERTH_SEED'] === undefined ? {} : { seed: Number(process.env['BERTH_SEED']) };

function always(check: (world: World, decision: Decision) => void, numRuns: number): void {
  fc.assert(
    fc.property(worldArbitrary, (world) => {
      check(world, decide(world));
    }),
    { numRuns, ...seed },
  );
}

const isOurs = ({ owner }: ObservedWorkload): boolean =>
  owner?.homeId === homeId && owner.service === key.service && owner.component === key.component;

const isUp = ({ state }: ObservedWorkload): boolean =>
  state === 'running' || state === 'paused' || state === 'stopping';

function targetOf(world: World, step: Step | null): ObservedWorkload | undefined {
  return step && 'nativeId' in step ? world.workloads.find((item) => item.nativeId === step.nativeId) : undefined;
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) freeze(member);
  }
  return value;
}

function withStatus(world: World, status: World['record']['status']): World {
  const { earlier, record } = world;
  const isNewer = earlier !== null && earlier.generation > (status.goodGeneration ?? 0);
  return { ...world, record: { ...record, status }, earlier: isNewer ? earlier : null };
}

/** Somebody wrote into the definition what was in a secret file before: what it was is not known to be a secret any more. */
function isDeclaredInTheOpen({ record, envFiles }: World): boolean {
  const { spec, status } = record;
  const file = envFiles.get('/srv/x.secrets');
  const known = file !== undefined && 'values' in file && 'TOKEN' in file.values;
  const specs = [spec, ...(status.goodSpec === null ? [] : [JSON.parse(status.goodSpec) as ComponentSpec])];
  return specs.some(({ env, secretFile }) => 'TOKEN' in env && !(known && secretFile.length > 0));
}

/** What a step may do to the world, by kind. */
function checkStep(world: World, step: Step): void {
  const { record, driver, workloads } = world;
  const own = workloads.filter(isOurs);
  const target = targetOf(world, step);
  if ('nativeId' in step) expect(target && isOurs(target), 'touches only what is its own').toBe(true);
  switch (step.kind) {
    case 'create': {
      const name = step.role === 'main' ? 'shop-web' : 'shop-web.next';
      const inTheWay = workloads.filter((item) => step.role === 'main' && item.driver === driver?.name);
      const named = [...own, ...inTheWay].filter((item) => item.name === name);
      expect(named, 'makes nothing twice, nor where somebody holds the name').toEqual([]);
      expect(step.imageDigest).toMatch(/^sha256:/);
      expect(step.generation).toBeLessThanOrEqual(record.generation);
      break;
    }
    case 'start':
      expect(
        own.filter((item) => isUp(item) && item !== target),
        'starts nothing beside what runs',
      ).toEqual([]);
      break;
    case 'remove':
      if (!target || !isUp(target) || target.config !== null) break;
      expect(
        own.filter((item) => isUp(item) && item !== target),
        'removes nothing that may be the right one, for all that is known of it',
      ).not.toEqual([]);
      break;
    case 'purge':
      expect(record.deleting).toBe(true);
      expect(own, 'forgets nothing of which something is left').toEqual([]);
      break;
    default:
  }
}

describe('a decision', () => {
  it('is made in any world, twice the same, and changes nothing that it was told', () => {
    always((world, decision) => {
      const { envFiles, ...rest } = world;
      freeze(rest);
      expect(decide({ ...rest, envFiles })).toEqual(decision);
    }, 1_500);
  });

  it('takes no step on ignorance, for another node, or where it is told not to', () => {
    always((world, { step, status }) => {
      const { record, driver } = world;
      const { spec, deleting, invalid, service } = record;
      if (driver?.answering === false || service.node !== 'local') expect(step).toBeNull();
      if (driver?.answering === false && service.node === 'local') expect(status.phase).toBe('unknown');
      if (!deleting && (spec.reconcile !== 'auto' || invalid !== null)) expect(step).toBeNull();
    }, 2_000);
  });

  it('touches only its own, and makes, starts, removes and forgets nothing that it should not', () => {
    always((world, { step }) => {
      if (step) checkStep(world, step);
    }, 6_000);
  });

  it('speaks of no generation ahead, of finite times, of nobody else, and never of a secret', () => {
    always((world, { status, events }) => {
      const { record } = world;
      expect(status.observedGeneration).toBeLessThanOrEqual(record.generation);
      expect(status.observedRevision).toBeLessThanOrEqual(record.revision);
      expect(status.goodGeneration ?? 0).toBeLessThanOrEqual(record.generation);
      const numbers = Object.values(status).filter((value) => typeof value === 'number');
      expect(numbers.filter((value) => !Number.isFinite(value))).toEqual([]);
      expect(JSON.parse(JSON.stringify(status))).toEqual(status);
      for (const event of events) expect(event).toMatchObject(key);
      if (!isDeclaredInTheOpen(world)) expect(JSON.stringify([status, events])).not.toContain(secret);
    }, 4_000);
  });

  it('comes to rest on its own words, and is looked at again in time', () => {
    always((world, first) => {
      let decision = first;
      for (let count = 0; count < 4 && decision.changed && decision.step === null; count += 1) {
        if (decision.requeueAtMs !== null) expect(decision.requeueAtMs).toBeGreaterThanOrEqual(world.nowMs);
        if (decision.status.phase === 'backoff') expect(decision.requeueAtMs).not.toBeNull();
        decision = decide(withStatus(world, decision.status));
      }
      if (decision.step !== null) return;
      expect(decision.changed, 'changes its mind again and again').toBe(false);
      expect(decision.events).toEqual([]);
      expect(decision.requeueAtMs, 'turns without end').not.toBe(world.nowMs);
    }, 3_000);
  });
});

const outcomes = fc.constantFrom(
  { ok: true, nativeId: 'new', imageDigest: 'sha256:one' } as const,
  { ok: true, nativeId: 'new', imageDigest: 'sha256:one', movedData: true } as const,
  ...['E_DRIVER_FAILED', 'E_DRIVER_TIMEOUT', 'E_WORKLOAD_MISSING', 'E_RUNTIME_UNAVAILABLE'].map((code) => ({
    ok: false as const,
    code,
    message: 'no',
    suggestion: 'look',
  })),
);

describe('the end of a step', () => {
  it('is told of, in any world, and sets the next try of what failed', () => {
    fc.assert(
      fc.property(worldArbitrary, outcomes, (world, result) => {
        const { nowMs, chance, settings, record } = world;
        const { step, status } = decide(world);
        if (!step) return;
        const pinKey = imagePinKey(record.spec, record.imageRefresh);
        const input = {
          key,
          before: record.status,
          status,
          step,
          result,
          nowMs,
          chance,
          settings,
          imagePinKey: pinKey,
        };
        const outcome = afterStep(input);
        expect(afterStep(input)).toEqual(outcome);
        expect(outcome.status.observedGeneration).toBe(status.observedGeneration);
        if (result.ok || result.code === 'E_WORKLOAD_MISSING') return;
        expect(outcome.status.nextTryAtMs).toBeGreaterThan(nowMs);
        expect(outcome.status.failures).toBeGreaterThanOrEqual(status.failures);
        const next = decide(withStatus(world, outcome.status));
        expect(next.step, 'a step before its time').toBeNull();
      }),
      { numRuns: 3_000, ...seed },
    );
  });
});
