/** What is broken now, worst first, with what it takes to judge it. */
import { brokenFirst, keyOf } from '../../model/standing.js';
import { linkTo } from '../../model/routes.js';
import { value } from '../../model/format.js';
import type { ComponentView, HistoryView, LogEntry } from '../../../api/views.js';
import type { Api, Key } from '../api.js';
import { Ago, Badge, ComponentLink, Words } from '../parts.js';
import { useScene } from '../scene.js';
import { useCell, useLoaded } from '../use.js';
import { RollBackButton } from './roll-back.js';

const shownAtOnce = 8;

export function Broken() {
  const { board } = useScene();
  useCell(board.changes);
  if (!board.ready.get() || board.size() === 0) return null;
  const views = brokenFirst(board.views());
  if (views.length === 0) {
    return (
      <p class="all-well">
        <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
          <path d="M2 7.5 5.5 11 12 3.5" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" />
        </svg>
        Nothing is broken.
      </p>
    );
  }
  return (
    <section aria-labelledby="broken-now">
      <div class="section-head">
        <h2 id="broken-now">Broken now</h2>
        <span class="pill bad">{views.length}</span>
      </div>
      <ul class="cards">
        {views.slice(0, shownAtOnce).map((view) => (
          <Card key={keyOf(view)} view={view} />
        ))}
      </ul>
      {views.length > shownAtOnce ? (
        <p class="soft">{views.length - shownAtOnce} more stand first in the table.</p>
      ) : null}
    </section>
  );
}

interface Facts {
  readonly lastChange: HistoryView | null;
  readonly lines: readonly LogEntry[];
}

/** The last change, and the last lines that it said; whichever cannot be had is left out. */
async function factsOf(api: Api, key: Key, signal: AbortSignal): Promise<Facts> {
  const [why, lines] = await Promise.all([
    api.explain(key, signal).catch(() => null),
    lastLines(api, key, signal).catch(() => []),
  ]);
  return { lastChange: why?.lastChange ?? null, lines };
}

const linesShown = 4;

async function lastLines(api: Api, key: Key, signal: AbortSignal): Promise<readonly LogEntry[]> {
  const lines: LogEntry[] = [];
  for await (const some of api.logs(key, { tail: String(linesShown) }, signal)) lines.push(...some);
  return lines.slice(-linesShown);
}

function Card({ view }: { readonly view: ComponentView }) {
  const { api } = useScene();
  const { service, component } = view;
  const { value: facts } = useLoaded(
    (signal) => factsOf(api, { service, component }, signal),
    [service, component, view.phase, view.restarts],
  );
  return (
    <li class="card" data-row data-service={service}>
      <div class="card-head">
        <Badge phase={view.phase} />
        <ComponentLink service={service} component={component} />
        <div class="actions">
          <RollBackButton service={service} to={null} />
          <a class="button" href={linkTo({ page: 'component', service, component })}>
            Open
          </a>
        </div>
      </div>
      <p class="card-why">
        <Words of={view.message} />
      </p>
      <dl class="facts">
        <LastExit view={view} />
        {view.nextTryAt === null ? null : (
          <div>
            <dt>Next try</dt>
            <dd>
              <Ago at={view.nextTryAt} />
            </dd>
          </div>
        )}
        <LastChange change={facts?.lastChange ?? null} />
      </dl>
      <LogLines lines={facts?.lines ?? []} />
    </li>
  );
}

function LastExit({ view }: { readonly view: ComponentView }) {
  return (
    <div>
      <dt>Last exit</dt>
      <dd>
        {view.exitCode === null ? 'none known' : `code ${view.exitCode}`}
        {view.restarts > 0 ? `, ${view.restarts} restarts` : ''}
      </dd>
    </div>
  );
}

function LastChange({ change }: { readonly change: HistoryView | null }) {
  if (change === null) return null;
  const fields = change.changes
    .slice(0, 2)
    .map(({ field, before, after }) =>
      change.op === 'update' ? `${field} ${value(before, 40)} → ${value(after, 40)}` : field,
    );
  return (
    <div>
      <dt>Last change</dt>
      <dd>
        <Ago at={change.at} /> by {change.actor}
        {change.op === 'update' ? `: ${fields.join(', ')}` : ` (${change.op})`}
      </dd>
    </div>
  );
}

function LogLines({ lines }: { readonly lines: readonly LogEntry[] }) {
  if (lines.length === 0) return null;
  return <pre class="lines">{lines.map(({ text }) => `${text}\n`)}</pre>;
}
