/** What components use of memory and processor, as all parts of Berth speak of it. */
import type { ComponentKey } from './names.js';

/** Five minutes: what was used within is one figure. */
export const usageStepMs = 300_000;
/** How far back figures are kept, in milliseconds. */
export const usageKeptMs = 86_400_000;

/** What one component used within one step. */
export interface UsageBucket {
  /** When the step began: Unix milliseconds, a multiple of `usageStepMs`. */
  readonly atMs: number;
  /** The mean of what was seen. */
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
  /** The mean; 100 is one core. null: memory was seen, and processor time could not be told. */
  readonly cpuPercent: number | null;
  /** How often was looked; at least 1. */
  readonly samples: number;
}

export type ComponentBucket = UsageBucket & { readonly key: ComponentKey };

/** What a component uses now: the newest look at it. */
export interface UsageNow {
  readonly atMs: number;
  readonly memoryBytes: number;
  /** Since the look before, 100 being one core; null: it cannot be told yet. */
  readonly cpuPercent: number | null;
  /** Processor time of what runs, in milliseconds. Begins anew with each run. */
  readonly cpuMs: number;
}

/** When the step began that an instant lies in. */
export function usageStepOf(atMs: number): number {
  return Math.floor(atMs / usageStepMs) * usageStepMs;
}

/** Two buckets of the same step as one: each counts as often as was looked. */
export function mergeBuckets(a: UsageBucket, b: UsageBucket): UsageBucket {
  const samples = a.samples + b.samples;
  const mean = (one: number, other: number): number => (one * a.samples + other * b.samples) / samples;
  const bothCpu = a.cpuPercent !== null && b.cpuPercent !== null;
  return {
    atMs: a.atMs,
    memoryBytes: mean(a.memoryBytes, b.memoryBytes),
    memoryPeakBytes: Math.max(a.memoryPeakBytes, b.memoryPeakBytes),
    cpuPercent: bothCpu ? mean(a.cpuPercent, b.cpuPercent) : (a.cpuPercent ?? b.cpuPercent),
    samples,
  };
}
