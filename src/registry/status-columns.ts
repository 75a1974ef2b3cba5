/** From a status row to a status and back. */
import {
  observedStates,
  phases,
  initialStatus,
  type ComponentStatus,
  type Drift,
  type HealTimes,
} from '../core/status.js';
import { canonicalJson } from '../core/hash.js';
import type { Selectable } from 'kysely';
import type { StatusTable } from './schema.js';

export type StatusRow = Selectable<StatusTable>;

/** The columns of a status, in the order of `statusValues`. */
export const statusColumns = [
  'phase',
  'observed',
  'ready',
  'observed_generation',
  'observed_revision',
  'reason',
  'message',
  'native_id',
  'started_at',
  'exit_code',
  'restarts',
  'failures',
  'next_try_at',
  'drift',
  'heals',
  'image_digest',
  'image_pin_key',
  'rollout_started_at',
  'good_generation',
  'good_spec',
  'good_digest',
  'failed_generation',
  'completed_generation',
  'restart_token',
  'updated_at',
] as const satisfies readonly (keyof StatusRow)[];

/** A row as far as it is the status. */
type StatusCells = Pick<StatusRow, (typeof statusColumns)[number]>;

type Value = string | number | null;

/** What is written of a status. */
export interface StatusValues {
  /** In the order of `statusColumns`. */
  readonly values: readonly Value[];
  /** The status that SQLite answers with once they are written. */
  readonly stored: ComponentStatus;
}

/** What to write of a status. */
export function statusValues(status: ComponentStatus): StatusValues {
  const values = cellsOf(status);
  if (values.every(isStorable)) return { values, stored: status };
  const storables = values.map(storable);
  const row = Object.fromEntries(statusColumns.map((column, index) => [column, storables[index]]));
  return { values: storables, stored: statusOfRow(row as StatusCells) };
}

function noHeals(heals: HealTimes): boolean {
  for (const _ in heals) return false;
  return true;
}

function cellsOf(status: ComponentStatus): readonly Value[] {
  return [
    status.phase,
    status.observed,
    status.ready ? 1 : 0,
    status.observedGeneration,
    status.observedRevision,
    status.reason,
    status.message,
    status.nativeId,
    status.startedAtMs,
    status.exitCode,
    status.restarts,
    status.failures,
    status.nextTryAtMs,
    status.drift.length === 0 ? '[]' : canonicalJson(status.drift),
    noHeals(status.heals) ? '{}' : canonicalJson(status.heals),
    status.imageDigest,
    status.imagePinKey,
    status.rolloutStartedAtMs,
    status.goodGeneration,
    status.goodSpec,
    status.goodDigest,
    status.failedGeneration,
    status.completedGeneration,
    status.restartToken,
    status.updatedAtMs,
  ];
}

/** ES2024, which the compiler's library does not tell of yet. */
interface Text {
  isWellFormed(): boolean;
  toWellFormed(): string;
}

const isStorable = (value: Value): boolean => typeof value !== 'string' || (value as unknown as Text).isWellFormed();

/** Half a pair of surrogates has no bytes in UTF-8: U+FFFD stands for it, in the file as in memory. */
function storable(value: Value): Value {
  return typeof value === 'string' ? (value as unknown as Text).toWellFormed() : value;
}

/** The status that the row holds; of a component without one, `initialStatus`. */
export function statusOfRow(row: StatusCells | undefined): ComponentStatus {
  if (row === undefined) return initialStatus;
  return {
    phase: phases.find((phase) => phase === row.phase) ?? 'unknown',
    observed: observedStates.find((state) => state === row.observed) ?? 'unknown',
    ready: row.ready === 1,
    observedGeneration: row.observed_generation,
    observedRevision: row.observed_revision,
    reason: row.reason,
    message: row.message,
    nativeId: row.native_id,
    startedAtMs: row.started_at,
    exitCode: row.exit_code,
    restarts: row.restarts,
    failures: row.failures,
    nextTryAtMs: row.next_try_at,
    drift: JSON.parse(row.drift) as readonly Drift[],
    heals: JSON.parse(row.heals) as HealTimes,
    imageDigest: row.image_digest,
    imagePinKey: row.image_pin_key,
    rolloutStartedAtMs: row.rollout_started_at,
    goodGeneration: row.good_generation,
    goodSpec: row.good_spec,
    goodDigest: row.good_digest,
    failedGeneration: row.failed_generation,
    completedGeneration: row.completed_generation,
    restartToken: row.restart_token,
    updatedAtMs: row.updated_at,
  };
}
