/** What a component used in the last day: what is written down, and what the agent at hand has seen since. */
import type { UsageView } from '../core/ports/usage.js';
import { effectiveLimits } from '../core/spec.js';
import { mergeBuckets, usageStepMs, type UsageBucket } from '../core/usage.js';
import type { ComponentTarget } from './client.js';
import type { LocalClientPorts } from './ports.js';
import { isoTime } from './status-view.js';
import { findTarget, unknownService } from './targets.js';
import type { UsageReport } from './views.js';

/** Figures of one component. E_NOT_FOUND. */
export async function readUsage(ports: LocalClientPorts, target: ComponentTarget): Promise<UsageReport> {
  const { registry, usage } = ports;
  const [record] = await findTarget(registry, target);
  if (record === undefined) throw unknownService(target.service, []);
  const { key, spec } = record;
  const written = await registry.usage(key);
  const now = usage?.now(key);
  return {
    service: key.service,
    component: key.component,
    stepS: usageStepMs / 1_000,
    memoryLimitMb: effectiveLimits(spec).memoryMb,
    now: now === undefined ? null : { at: isoTime(now.atMs), ...inUnits(now) },
    points: together(written, usage?.unwritten(key) ?? []).map((bucket) => ({
      at: isoTime(bucket.atMs),
      ...inUnits(bucket),
      memoryPeakMb: mebibytes(bucket.memoryPeakBytes),
    })),
  };
}

/** One bucket a step, oldest first: an agent that was started anew within a step has seen only a part of it. */
function together(
  written: readonly UsageBucket[],
  unwritten: ReturnType<UsageView['unwritten']>,
): readonly UsageBucket[] {
  const byStep = new Map(written.map((bucket) => [bucket.atMs, bucket]));
  for (const bucket of unwritten) {
    const known = byStep.get(bucket.atMs);
    byStep.set(bucket.atMs, known === undefined ? bucket : mergeBuckets(known, bucket));
  }
  return [...byStep.values()].sort((a, b) => a.atMs - b.atMs);
}

function inUnits({ memoryBytes, cpuPercent }: Pick<UsageBucket, 'memoryBytes' | 'cpuPercent'>) {
  return {
    memoryMb: mebibytes(memoryBytes),
    cpuPercent: cpuPercent === null ? null : hundredths(cpuPercent),
  };
}

const mebibytes = (bytes: number): number => hundredths(bytes / (1024 * 1024));
const hundredths = (value: number): number => Math.round(value * 100) / 100;
