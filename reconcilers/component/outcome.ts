/** What the result of a step means for the status. Pure. */
import { backoffMs } from '../../src/core/backoff.js';
import type { EventReason, NewEvent } from '../../src/core/event.js';
import type { ComponentKey } from '../../src/core/names.js';
import type { ComponentStatus } from '../../src/core/status.js';
import { turn } from './machine.js';
import type { ReconcileSettings, Step } from './types.js';

/** How a step ended. */
export type StepResult =
  | {
      readonly ok: true;
      readonly nativeId?: string;
      readonly imageDigest?: string;
      /** Data was copied before the start: the time that it took is none of the program's. */
      readonly movedData?: boolean;
    }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly suggestion: string };

export interface OutcomeInput {
  readonly key: ComponentKey;
  /** As it was before the decision; what it says already is not told again. */
  readonly before: ComponentStatus;
  /** As the decision left it. */
  readonly status: ComponentStatus;
  readonly step: Step;
  readonly result: StepResult;
  readonly imagePinKey: string;
  readonly nowMs: number;
  readonly chance: number;
  readonly settings: ReconcileSettings;
}

export interface Outcome {
  readonly status: ComponentStatus;
  readonly events: readonly NewEvent[];
}

const noMoreWaiting = { nextTryAtMs: null } as const;

/** The status and the events after a step. The next look at the world has the last word. */
export function afterStep(input: OutcomeInput): Outcome {
  return input.result.ok ? succeeded(input, input.result) : failed(input, input.result);
}

function succeeded(input: OutcomeInput, result: Extract<StepResult, { ok: true }>): Outcome {
  const { status, step, nowMs, key } = input;
  if (step.kind === 'purge') return { status, events: [] };
  const { reason, message } = newsOf(step, result);
  return {
    status: {
      ...status,
      ...(step.kind === 'stop' && step.failedRun === true ? {} : noMoreWaiting),
      ...patchOf(input, result),
      updatedAtMs: nowMs,
    },
    events: [{ ...key, severity: 'info', reason, message }],
  };
}

/** What a step that succeeded changes in the status. */
function patchOf(input: OutcomeInput, result: Extract<StepResult, { ok: true }>): Partial<ComponentStatus> {
  const { status, step, imagePinKey } = input;
  switch (step.kind) {
    case 'resolve-image':
      return { imageDigest: result.imageDigest ?? null, imagePinKey, failures: 0 };
    case 'create':
      return step.role === 'main'
        ? { nativeId: result.nativeId ?? null, startedAtMs: null, exitCode: null, observed: 'stopped', failures: 0 }
        : { failures: 0 };
    case 'start':
      return { ...(step.again ? { restarts: status.restarts + 1 } : {}), ...rolloutPatch(input, result) };
    case 'stop':
      return status.nativeId === step.nativeId ? { observed: 'stopped' } : {};
    case 'rename':
      return step.role === 'main' && !step.isUp
        ? { nativeId: step.nativeId, startedAtMs: step.startedAtMs, observed: 'stopped' }
        : {};
    case 'remove':
      return status.nativeId === step.nativeId ? { nativeId: null, startedAtMs: null } : {};
    default:
      return {};
  }
}

/** The time of a roll-out begins once its data is there. */
function rolloutPatch(
  { status, nowMs }: OutcomeInput,
  { movedData = false }: Extract<StepResult, { ok: true }>,
): Partial<ComponentStatus> {
  return movedData && status.rolloutStartedAtMs !== null ? { rolloutStartedAtMs: nowMs } : {};
}

/** What a step that succeeded is told as. */
function newsOf(
  step: Exclude<Step, { kind: 'purge' }>,
  result: Extract<StepResult, { ok: true }>,
): { readonly reason: EventReason; readonly message: string } {
  switch (step.kind) {
    case 'resolve-image':
      return { reason: 'ImageResolved', message: `${step.reference} is ${result.imageDigest ?? 'unknown'}; pinned` };
    case 'create': {
      const what = step.role === 'main' ? 'its workload' : 'its replacement';
      return { reason: 'Created', message: `${what} is created for generation ${step.generation}` };
    }
    case 'start':
      return step.again
        ? { reason: 'Restarted', message: 'its workload is started again' }
        : { reason: 'Started', message: 'its workload is started' };
    case 'stop':
      return { reason: 'Stopped', message: 'its workload is stopped' };
    case 'update':
      return { reason: 'LimitsUpdated', message: `limits are set in place: ${describeLimits(step.limits)}` };
    case 'unpause':
      return { reason: 'Resumed', message: 'it is resumed' };
    case 'rename':
      return { reason: 'Renamed', message: step.role === 'main' ? 'it has its name' : 'the old workload is put aside' };
    case 'remove':
      return { reason: 'Removed', message: `workload ${step.nativeId.slice(0, 12)} is removed` };
  }
}

function describeLimits(limits: { readonly memoryMb: number | null; readonly vcpus: number | null }): string {
  const memory = limits.memoryMb === null ? 'unlimited memory' : `${String(limits.memoryMb)} MiB`;
  return `${memory}, ${limits.vcpus === null ? 'all cores' : `${String(limits.vcpus)} vcpus`}`;
}

const doing: Readonly<Record<Step['kind'], string>> = {
  'resolve-image': 'get its image',
  create: 'create its workload',
  start: 'start it',
  stop: 'stop it',
  update: 'set its limits',
  unpause: 'resume it',
  rename: 'rename it',
  remove: 'remove it',
  purge: 'forget it',
};

function failed(input: OutcomeInput, result: Extract<StepResult, { ok: false }>): Outcome {
  const { status, step, nowMs, chance, settings } = input;
  if (result.code === 'E_WORKLOAD_MISSING') return { status, events: [] };
  if (unavailable.has(result.code)) return notServed(input, result);
  // A runtime that gives no answer says nothing against this generation: only what it refuses counts.
  const unanswered = result.code === 'E_DRIVER_TIMEOUT' || result.code === 'E_DRIVER_UNREACHABLE';
  const failures = unanswered ? status.failures : status.failures + 1;
  const nextTryAtMs = nowMs + backoffMs(Math.max(1, failures), chance, settings.backoff);
  const message = `cannot ${doing[step.kind]}: ${result.message} (${result.code}); next: ${result.suggestion}`;
  const { phase } = turn(status.phase, { type: status.phase === 'deleting' ? 'DELETE' : 'BACK_OFF', step: null });
  return {
    status: { ...status, phase, failures, nextTryAtMs, reason: 'StepFailed', message, updatedAtMs: nowMs },
    events: [
      {
        ...input.key,
        severity: 'error',
        reason: 'StepFailed',
        message,
        data: { code: result.code, step: step.kind, failures, nextTryAtMs },
      },
    ],
  };
}

/** What the node lacks says nothing against this generation, nor can waiting longer help. */
const unavailable: ReadonlySet<string> = new Set(['E_RUNTIME_UNAVAILABLE', 'E_KERNEL_MISSING']);
/** It is tried again this often, in milliseconds: what was missing may have been set up meanwhile. */
const unavailableRetryMs = 15_000;

/** This node cannot do it as it is: what runs is left alone, and it is tried again steadily. */
function notServed(input: OutcomeInput, result: Extract<StepResult, { ok: false }>): Outcome {
  const { key, before, status, step, nowMs } = input;
  const reason = 'RuntimeUnavailable';
  const message = `cannot ${doing[step.kind]}: ${result.message} (${result.code}); next: ${result.suggestion}`;
  const { phase } = turn(status.phase, { type: status.phase === 'deleting' ? 'DELETE' : 'BLOCK', step: null });
  const nextTryAtMs = nowMs + unavailableRetryMs;
  const isNews = before.reason !== reason || before.message !== message;
  return {
    status: { ...status, phase, nextTryAtMs, reason, message, updatedAtMs: nowMs },
    events: isNews ? [{ ...key, severity: 'error', reason: 'Blocked', message, data: { code: result.code } }] : [],
  };
}
