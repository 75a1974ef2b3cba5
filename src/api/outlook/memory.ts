/** What components may take of the node's memory, and what is left of it. Pure. */
import type { NodeMemory } from '../../core/ports/node-facts.js';
import type { ComponentRecord } from '../../core/ports/registry.js';
import { effectiveLimits } from '../../core/spec.js';
import { effectiveDesired } from '../status-view.js';
import type { DoctorCheck } from '../views.js';
import { bytesInWords, checkOf } from './check.js';

const mib = 1_024 ** 2;
/** The share of the memory below which what is available is said to run out. */
const scarce = 0.05;

/** One check: the declared limits of what is wanted running against what there is. */
export function memoryCheck(records: readonly ComponentRecord[], memory: NodeMemory): DoctorCheck {
  const limits = records
    .filter((record) => effectiveDesired(record) === 'running')
    .map(({ spec }) => effectiveLimits(spec).memoryMb);
  const limited = limits.filter((memoryMb) => memoryMb !== null);
  const sumBytes = limited.reduce((sum, memoryMb) => sum + memoryMb, 0) * mib;
  const { totalBytes, availableBytes } = memory;
  const isScarce = availableBytes < scarce * totalBytes;
  const isPromised = sumBytes > totalBytes;
  const detail = [
    `${bytesInWords(availableBytes)} of ${bytesInWords(totalBytes)} available`,
    `limits of what is to run add up to ${bytesInWords(sumBytes)}`,
    ...(limited.length < limits.length ? [`${limits.length - limited.length} without a limit`] : []),
  ].join('; ');
  const remedy = isScarce
    ? 'stop what is not needed, or lower its memory_mb'
    : 'lower memory_mb of some: all of them at their limits do not fit';
  return checkOf('memory', 'limits', isScarce || isPromised ? 'warning' : 'ok', { detail, remedy });
}
