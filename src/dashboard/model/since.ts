/** What happened since somebody was here last, in a few figures. Pure. */
import type { EventView } from '../../api/views.js';
import { fold, type Folded } from './fold.js';

const groups = {
  restarts: ['Restarted'],
  heals: ['DriftHealed'],
  deploys: ['RolledOut', 'SpecChanged'],
  failures: ['StepFailed', 'PutBack', 'Contested', 'Blocked', 'Invalid', 'DefinitionRefused'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export interface Since {
  readonly restarts: number;
  readonly heals: number;
  readonly deploys: number;
  readonly failures: number;
  /** What is worth a line, newest first; repeats are one line. */
  readonly notable: readonly Folded[];
}

const notableShown = 6;

const told: ReadonlySet<string> = new Set(Object.values(groups).flat());

/** Whether an event has a part in the figures or the lines. */
export function isTold({ severity, reason }: EventView): boolean {
  return severity === 'error' || told.has(reason);
}

export function sumUp(events: readonly EventView[], sinceMs: number): Since {
  const fresh = events.filter(({ at }) => Date.parse(at) > sinceMs);
  const of = (reasons: readonly string[]): number => fresh.filter(({ reason }) => reasons.includes(reason)).length;
  const worth = fresh.filter(
    ({ severity, reason }) => severity === 'error' || groups.deploys.some((it) => it === reason),
  );
  return {
    restarts: of(groups.restarts),
    heals: of(groups.heals),
    deploys: of(groups.deploys),
    failures: of(groups.failures),
    notable: fold(worth).slice(0, notableShown),
  };
}
