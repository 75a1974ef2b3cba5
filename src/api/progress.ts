/** How far a component is on its way to what is wanted. Pure. */
import type { ComponentRecord } from '../core/ports/registry.js';
import type { Progress } from './client.js';
import { effectiveDesired } from './status-view.js';

/**
 * `converged`: the agent has looked at the newest change and found nothing left to do. `failed`: it will
 * not come to that without another change. A record that is gone has converged.
 */
export function progressOf(record: ComponentRecord | undefined): Progress {
  if (record === undefined) return 'converged';
  const desired = effectiveDesired(record);
  if (desired === 'deleted') return 'waiting';
  if (record.invalid !== null) return 'failed';
  const { status } = record;
  if (status.observedRevision < record.revision || status.observedGeneration < record.generation) return 'waiting';
  // The put-back is part of it: it is over once the last good generation runs again.
  const putBack = status.failedGeneration === record.generation;
  if (putBack) return status.phase === 'failed' ? 'failed' : 'waiting';
  if (record.spec.reconcile !== 'auto') return 'converged';
  if (status.restartToken < record.restartToken && desired === 'running') return 'waiting';
  return isSettled(record, desired);
}

function isSettled({ status }: ComponentRecord, desired: 'running' | 'stopped'): Progress {
  switch (status.phase) {
    case 'failed':
    case 'contested':
      return status.nextTryAtMs === null ? 'failed' : 'waiting';
    case 'completed':
      return 'converged';
    case 'stopped':
      return desired === 'stopped' ? 'converged' : 'waiting';
    case 'running':
      return desired === 'running' && status.ready ? 'converged' : 'waiting';
    default:
      return 'waiting';
  }
}
