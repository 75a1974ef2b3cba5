/** Filtering and sorting of the table. Pure. */
import type { ComponentView } from '../../api/views.js';
import { keyOf, standingOf, standings, urgency, type Standing } from './standing.js';

export const columns = ['name', 'phase', 'desired', 'observed', 'runtime', 'node', 'age', 'restarts', 'drift'] as const;
export type Column = (typeof columns)[number];

export interface Sort {
  /** `urgency`: worst first, then by name. */
  readonly by: Column | 'urgency';
  readonly descending: boolean;
}

export interface RowFilter {
  /** Words that must all be found; `phase:`, `runtime:`, `service:`, `reason:` and `node:` look in that field alone. */
  readonly text: string;
  /** null: however it stands. */
  readonly standing: Standing | null;
}

/** What a row knows beside the component. */
export interface RowFacts {
  readonly nodeOf: (service: string) => string;
  /** Age of the driver's last good answer, in milliseconds; null: it never answered. */
  readonly ageMsOf: (view: ComponentView) => number | null;
}

type Field = (view: ComponentView, facts: RowFacts) => string;

const fields: Readonly<Record<string, Field>> = {
  phase: (view) => view.phase,
  runtime: (view) => view.runtime,
  service: (view) => view.service,
  reason: (view) => view.reason,
  driver: (view) => view.driver,
  node: (view, facts) => facts.nodeOf(view.service),
};

const everywhere: Field = (view, facts) =>
  [keyOf(view), view.phase, view.runtime, view.reason, view.message, facts.nodeOf(view.service)].join(' ');

/** True for the rows that a filter lets through. */
export function matcher(filter: RowFilter, facts: RowFacts): (view: ComponentView) => boolean {
  const tests = filter.text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => {
      const colon = word.indexOf(':');
      const field = colon > 0 ? fields[word.slice(0, colon)] : undefined;
      const wanted = field === undefined ? word : word.slice(colon + 1);
      const read = field ?? everywhere;
      return (view: ComponentView) => read(view, facts).toLowerCase().includes(wanted);
    });
  return (view) =>
    (filter.standing === null || standingOf(view) === filter.standing) && tests.every((test) => test(view));
}

const readers: Readonly<Record<Sort['by'], (view: ComponentView, facts: RowFacts) => string | number>> = {
  urgency: (view) => urgency(view),
  name: (view) => keyOf(view),
  phase: (view) => standings.indexOf(standingOf(view)) * 100 + view.phase.charCodeAt(0),
  desired: (view) => view.desired,
  observed: (view) => view.observed,
  runtime: (view) => view.runtime,
  node: (view, facts) => facts.nodeOf(view.service),
  age: (view, facts) => facts.ageMsOf(view) ?? Number.MAX_SAFE_INTEGER,
  restarts: (view) => view.restarts,
  drift: (view) => view.drift.length,
};

/** Keys of the rows to show, in order. Rows that compare alike stand by name, so that nothing jumps. */
export function arrange(
  views: Iterable<ComponentView>,
  filter: RowFilter,
  sort: Sort,
  facts: RowFacts,
): readonly string[] {
  const read = readers[sort.by];
  const matches = matcher(filter, facts);
  const rows: { readonly key: string; readonly rank: string | number }[] = [];
  for (const view of views) if (matches(view)) rows.push({ key: keyOf(view), rank: read(view, facts) });
  const sign = sort.descending ? -1 : 1;
  rows.sort((a, b) => sign * compare(a.rank, b.rank) || compare(a.key, b.key));
  return rows.map(({ key }) => key);
}

function compare(a: string | number, b: string | number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** True when both lists hold the same in the same order. */
export function sameOrder(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key, index) => key === b[index]);
}

/** Which rows to draw: those in sight, and some before and after. */
export function windowOf(options: {
  readonly total: number;
  readonly rowPx: number;
  /** Of the table's first row, relative to the upper edge of what is in sight. */
  readonly topPx: number;
  readonly heightPx: number;
  readonly spare: number;
}): { readonly from: number; readonly to: number } {
  const { total, rowPx, topPx, heightPx, spare } = options;
  const first = Math.floor(Math.max(0, -topPx) / rowPx) - spare;
  const last = Math.ceil((heightPx - topPx) / rowPx) + spare;
  const from = Math.min(Math.max(0, first), total);
  return { from, to: Math.max(from, Math.min(total, last)) };
}
