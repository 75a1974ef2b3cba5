/** What Berth observed and did: phases, drift, conditions. Written by the agent alone. */
import { sameJson } from './hash.js';

export const phases = [
  'pending',
  'blocked',
  'invalid',
  'unknown',
  'building',
  'creating',
  'starting',
  'running',
  'stopping',
  'stopped',
  'completed',
  'backoff',
  'failed',
  'contested',
  'deleting',
] as const;
/** Where a component stands in its life; also the states of the component machine. */
export type Phase = (typeof phases)[number];

export const observedStates = ['running', 'stopped', 'exited', 'paused', 'missing', 'unknown'] as const;
/**
 * What was last seen of the workload. `stopped`: created and not started, or stopped by Berth because
 * that was wanted; `exited`: it ended by itself or by another hand; `missing`: the driver answered and
 * there is none; `unknown`: the driver did not answer.
 */
export type ObservedState = (typeof observedStates)[number];

/** One difference between desired and observed. */
export interface Drift {
  /** `state`, `image`, `env.NAME`, `command`, `ports`, `mounts`, `memory_mb`, `vcpus`, `user`, `name` … */
  readonly field: string;
  readonly desired: string;
  readonly observed: string;
  /** Unix time in milliseconds of when it was first seen. */
  readonly sinceMs: number;
  /** What shows it: the runtime's own words, an id, a file of the kernel. */
  readonly evidence: string;
  /** What Berth does about it, and when next. */
  readonly action: string;
}

/** When a field was put back, newest last; the evidence for `contested`. */
export type HealTimes = Readonly<Record<string, readonly number[]>>;

/** The status of one component. Times are Unix milliseconds; null: never, or not known. */
export interface ComponentStatus {
  readonly phase: Phase;
  readonly observed: ObservedState;
  readonly ready: boolean;
  /** The generation that this status speaks of. */
  readonly observedGeneration: number;
  /** The revision of the component's or its service's row that was last decided upon. */
  readonly observedRevision: number;
  /** CamelCase, one word, stable: for programs. */
  readonly reason: string;
  /** One sentence: for people. */
  readonly message: string;
  /** The runtime's id of the workload; null when there is none. */
  readonly nativeId: string | null;
  readonly startedAtMs: number | null;
  readonly exitCode: number | null;
  /** How often Berth started the program again after it ended, in this generation. */
  readonly restarts: number;
  /** Failures in a row, of the program or of a step; the exponent of the backoff. */
  readonly failures: number;
  readonly nextTryAtMs: number | null;
  readonly drift: readonly Drift[];
  readonly heals: HealTimes;
  /** The image pinned for `imagePinKey`: `sha256:…`; null until it was resolved. */
  readonly imageDigest: string | null;
  /** What the digest was resolved for; another key resolves anew. See `imagePinKey`. */
  readonly imagePinKey: string | null;
  /** When the present roll-out (first start of a changed spec) began; null when there is none. */
  readonly rolloutStartedAtMs: number | null;
  /** The generation that last became ready, its spec (JSON) and its image; to put back. */
  readonly goodGeneration: number | null;
  readonly goodSpec: string | null;
  readonly goodDigest: string | null;
  /** A generation that did not become ready and is not tried again. */
  readonly failedGeneration: number | null;
  /** The generation whose program ended as its policy allows; it is not run again. */
  readonly completedGeneration: number | null;
  /** The restart request that was last carried out. */
  readonly restartToken: number;
  /** When this status last changed. */
  readonly updatedAtMs: number;
}

/** The status of a component that nobody has looked at yet. */
export const initialStatus: ComponentStatus = Object.freeze({
  phase: 'pending',
  observed: 'unknown',
  ready: false,
  observedGeneration: 0,
  observedRevision: 0,
  reason: 'NotSeen',
  message: 'no agent has looked at it yet',
  nativeId: null,
  startedAtMs: null,
  exitCode: null,
  restarts: 0,
  failures: 0,
  nextTryAtMs: null,
  drift: [],
  heals: {},
  imageDigest: null,
  imagePinKey: null,
  rolloutStartedAtMs: null,
  goodGeneration: null,
  goodSpec: null,
  goodDigest: null,
  failedGeneration: null,
  completedGeneration: null,
  restartToken: 0,
  updatedAtMs: 0,
});

/** Equal but for the time of the last change. */
export function sameStatus(a: ComponentStatus, b: ComponentStatus): boolean {
  for (const name in b) {
    const field = name as keyof ComponentStatus;
    if (a[field] !== b[field] && field !== 'updatedAtMs' && !sameJson(a[field], b[field])) return false;
  }
  return true;
}
