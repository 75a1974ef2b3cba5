/** The change log as a feed to follow and as a history to look back on. */
import { BerthError } from '../core/errors.js';
import type { ChangeLogEntry, FeedRead, FeedScope, HistoryQuery } from '../core/ports/registry.js';
import type { ServiceSpec } from '../core/spec.js';
import { specOfColumns, type Columns } from './component-columns.js';
import { sql, type Session } from './session.js';
import { corruptError } from './sqlite-errors.js';

const entities = ['service', 'component', 'status', 'event'] as const;
const ops = ['insert', 'update', 'delete'] as const;
const defaultHistoryLimit = 100;

interface EntryRow {
  readonly revision: number;
  readonly at: number;
  readonly actor: string;
  readonly request: string | null;
  readonly message: string | null;
  readonly entity: string;
  readonly service: string | null;
  readonly component: string | null;
  readonly op: string;
  readonly before: string | null;
  readonly after: string | null;
}

const columnsOf = (text: string | null): Columns | null => (text === null ? null : (JSON.parse(text) as Columns));

function entryOfRow(row: EntryRow): ChangeLogEntry {
  return {
    revision: row.revision,
    atMs: row.at,
    actor: row.actor,
    request: row.request,
    message: row.message,
    entity: entities.find((entity) => entity === row.entity) ?? 'component',
    service: row.service,
    component: row.component,
    op: ops.find((op) => op === row.op) ?? 'update',
    before: columnsOf(row.before),
    after: columnsOf(row.after),
  };
}

// A limit that is a bare parameter makes SQLite compile the statement anew each time it is bound.
const specsText = `
  select meta.revision as newest, meta.feed_floor, entry.revision, at, actor, request, message,
    entity, service, component, op, before, after
  from meta left join change_log as entry
    on entry.revision > @after and entry.revision <= meta.revision and entity in ('service', 'component')
  where meta.id = 1 order by entry.revision limit max(@limit, 1)`;

const allText = `
  select revision, at, actor, request, message, entity, service, component, op, before, after
  from change_log where revision > @after and revision <= @until
  union all
  select revision, at, actor, null, null, 'event', service, component, 'insert', null,
    json_object('severity', severity, 'reason', reason, 'message', message, 'data', json(data))
  from events where revision > @after and revision <= @until
  order by revision limit @limit + 0`;

/** Where the registry and its feed stand. */
interface Bounds {
  readonly newest: number;
  readonly feed_floor: number;
}

/** The row of the bounds, joined with each entry; alone when there is none. */
type SpecsRow = Bounds & (EntryRow | { readonly revision: null });

/**
 * At most `limit` entries after a revision, in order. `revision` in the answer is where to go on: the
 * registry's own, or the last entry's when there is more.
 */
export function readFeed(session: Session, afterRevision: number, limit: number, of: FeedScope = 'all'): FeedRead {
  const { bounds, rows } =
    of === 'specs' ? readSpecs(session, afterRevision, limit) : readAll(session, afterRevision, limit);
  const { newest, feed_floor: oldest } = bounds;
  if (afterRevision < oldest || afterRevision > newest) return { kind: 'gap', oldest, revision: newest };
  const entries = rows.slice(0, limit).map(entryOfRow);
  const last = entries.at(-1);
  const revision = entries.length === limit && last !== undefined ? last.revision : newest;
  return { kind: 'changes', entries, revision };
}

interface Page {
  readonly bounds: Bounds;
  readonly rows: readonly EntryRow[];
}

/** One statement, so no transaction around it: an agent asks after each of its own commits, mostly for nothing. */
function readSpecs(session: Session, after: number, limit: number): Page {
  const rows = session.prepare(specsText).all({ after, limit }) as readonly SpecsRow[];
  const [bounds] = rows;
  if (bounds === undefined) throw corruptError(session.handle.name, 'its row of identity is missing');
  return { bounds, rows: rows.filter((row) => row.revision !== null) };
}

function readAll(session: Session, after: number, limit: number): Page {
  return session.snapshot(() => {
    const bounds = session.prepare('select revision as newest, feed_floor from meta').get() as Bounds;
    const until = bounds.newest;
    if (after < bounds.feed_floor || after >= until) return { bounds, rows: [] };
    return { bounds, rows: session.prepare(allText).all({ after, until, limit }) as readonly EntryRow[] };
  });
}

/** Changes of the specs of a service, newest first. */
export function readHistory(session: Session, query: HistoryQuery): readonly ChangeLogEntry[] {
  let select = sql
    .selectFrom('change_log')
    .selectAll()
    .where('entity', 'in', ['service', 'component'])
    .where('service', '=', query.service);
  if (query.component !== undefined) select = select.where('component', '=', query.component);
  if (query.beforeRevision !== undefined) select = select.where('revision', '<', query.beforeRevision);
  return session.all(select.orderBy('revision', 'desc').limit(query.limit ?? defaultHistoryLimit)).map(entryOfRow);
}

/** The service as it was right after `revision`; see the port. */
export function readServiceAt(session: Session, service: string, revision: number): ServiceSpec | undefined {
  const floor = session.get(sql.selectFrom('history_floors').select('revision').where('service', '=', service));
  if (floor !== undefined && revision < floor.revision) {
    throw new BerthError('E_NOT_FOUND', `the history of ${service} is kept from revision ${floor.revision} on`, {
      details: { service, revision, oldest: floor.revision },
    });
  }
  const rows = session.all(
    sql
      .selectFrom('change_log')
      .select(['component', 'after', (query) => query.fn.max('revision').as('revision')])
      .where('entity', 'in', ['service', 'component'])
      .where('service', '=', service)
      .where('revision', '<=', revision)
      .groupBy('component'),
  );
  const states = new Map(rows.map((row) => [row.component, columnsOf(row.after)]));
  const own = states.get(null);
  if (own?.['deleting_at'] !== null) return undefined;
  const components = [...states]
    .flatMap(([name, columns]) => (name === null || columns === null ? [] : [columns]))
    .filter((columns) => columns['deleting_at'] === null)
    .map((columns) => specOfColumns(columns).spec)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return { name: service, node: String(own['node']), active: own['active'] === true, components };
}
