/** Puts what is kept of a VM, and what is seen of its machine, into the words that all drivers share. Pure. */
import type { ObservedWorkload, Ownership, WorkloadState } from '../../core/observation.js';
import { userNetwork } from './contracts.js';
import type { StartedMark, VmOwner } from './record.js';
import { nameOf, type Kept } from './store.js';

/** What is seen of the machine of a VM. Times are Unix milliseconds. */
export type MachineView =
  /** It was never started. */
  | { readonly kind: 'new' }
  | {
      readonly kind: 'up';
      readonly startedAtMs: number;
      readonly paused: boolean;
      readonly started: StartedMark | undefined;
      /** What keeps it from being driven, QMP that does not answer say; null: nothing. */
      readonly problem: string | null;
    }
  /** It could not be looked at. */
  | { readonly kind: 'unseen'; readonly problem: string }
  /** `end` is missing where nobody was there to see it, or the host was restarted meanwhile. */
  | { readonly kind: 'down'; readonly startedAtMs: number | null; readonly end: End | undefined };

/** How a run ended; `atMs` is null where nobody saw it and the guest left no word. */
export interface End {
  readonly atMs: number | null;
  readonly exitCode: number | null;
  readonly problem: string | null;
}

/** What is said of a VM of which only the folder is left. */
const unreadable = 'its record (vm.json) cannot be read';

export function observeVm(driver: string, kept: Kept, view: MachineView): ObservedWorkload {
  const owner = kept.kind === 'whole' ? kept.record : kept.owner;
  const common = {
    driver,
    nativeId: kept.id,
    name: nameOf(kept),
    owner: owner ? ownershipOf(owner) : null,
    ...timesOf(view),
    oomKilled: false,
  };
  if (kept.kind === 'broken') {
    return {
      ...common,
      runtime: 'microvm',
      state: 'unknown',
      createdAtMs: null,
      imageDigest: '',
      imageRef: '',
      config: null,
      addresses: [],
      problem: unreadable,
    };
  }
  const { record } = kept;
  return {
    ...common,
    runtime: record.runtime,
    state: stateOf(view),
    createdAtMs: record.createdAtMs,
    imageDigest: record.imageDigest,
    imageRef: record.imageRef,
    config: record.config,
    memoryMb: record.memoryMb,
    vcpus: record.vcpus,
    addresses: view.kind === 'up' ? [userNetwork.address] : [],
    problem: problemOf(view),
  };
}

function ownershipOf({ homeId, service, component, generation, specHash }: VmOwner): Ownership {
  return { homeId, service, component, generation, specHash };
}

function stateOf(view: MachineView): WorkloadState {
  switch (view.kind) {
    case 'new':
      return 'created';
    case 'down':
      return 'exited';
    case 'unseen':
      return 'unknown';
    case 'up':
      return view.paused ? 'paused' : 'running';
  }
}

function problemOf(view: MachineView): string | null {
  if (view.kind === 'new') return null;
  return view.kind === 'down' ? (view.end?.problem ?? null) : view.problem;
}

function timesOf(
  view: MachineView,
): Pick<ObservedWorkload, 'startedAtMs' | 'programStartedAtMs' | 'finishedAtMs' | 'exitCode'> {
  switch (view.kind) {
    case 'new':
    case 'unseen':
      return { startedAtMs: null, finishedAtMs: null, exitCode: null };
    case 'up':
      return {
        startedAtMs: view.startedAtMs,
        programStartedAtMs: view.started?.atMs ?? null,
        finishedAtMs: null,
        exitCode: null,
      };
    case 'down':
      return {
        startedAtMs: view.startedAtMs,
        finishedAtMs: view.end?.atMs ?? null,
        exitCode: view.end?.exitCode ?? null,
      };
  }
}
