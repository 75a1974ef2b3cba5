/** One component: where it is in its life, why, and what it says. */
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import type { ComponentView, EventView, Explanation } from '../../../api/views.js';
import { fold } from '../../model/fold.js';
import { pathOf } from '../../model/machine-drawing.js';
import { allPages } from '../../model/pages.js';
import { linkTo } from '../../model/routes.js';
import { keyOf } from '../../model/standing.js';
import type { Key } from '../api.js';
import { useEvents } from '../events.js';
import { Age, Ago, Badge, Problem, Words } from '../parts.js';
import { ComponentActions } from '../parts/component-actions.js';
import { DriftItems } from '../parts/drift-items.js';
import { EventLine } from '../parts/event-line.js';
import { History } from '../parts/history.js';
import { LogPanel } from '../parts/log.js';
import { Machine } from '../parts/machine.js';
import { RestartChart } from '../parts/restart-chart.js';
import { UsageCharts } from '../parts/usage-charts.js';
import { useScene } from '../scene.js';
import { useCell, useLoaded, useRested } from '../use.js';

export function ComponentPage({ target }: { readonly target: Key }) {
  const { board } = useScene();
  const view = useCell(board.row(keyOf(target)));
  const isReady = useCell(board.ready);
  if (view === undefined) {
    return (
      <>
        <h1>
          {target.service}/{target.component}
        </h1>
        <p class="empty">{isReady ? 'There is no such component now.' : 'Waiting for the agent…'}</p>
      </>
    );
  }
  return <Present view={view} />;
}

function Present({ view }: { readonly view: ComponentView }) {
  const { board } = useScene();
  const events = useOwnEvents(view);
  const path = pathOf(events, board.trail(keyOf(view)), view.phase);
  return (
    <>
      <div class="page-head">
        <h1>
          <a class="service" href={linkTo({ page: 'edit', service: view.service })}>
            {view.service}
          </a>
          /{view.component}
        </h1>
        <Badge phase={view.phase} />
        <ComponentActions view={view} />
      </div>
      <p class="lede">
        <Words of={view.message} />
      </p>
      <div class="columns block">
        <section class="panel" aria-label="State machine">
          <Machine phase={view.phase} path={path} />
        </section>
        <Why view={view} newest={events.at(-1)?.revision ?? 0} />
      </div>
      {view.drift.length === 0 ? null : (
        <section aria-labelledby="its-drift">
          <div class="section-head">
            <h2 id="its-drift">Drift</h2>
          </div>
          <DriftItems view={view} />
        </section>
      )}
      <UsageCharts target={view} />
      <LogPanel target={view} />
      <div class="columns block">
        <History target={view} />
        <section aria-labelledby="events">
          <div class="section-head">
            <h2 id="events">Events</h2>
            <a href={linkTo({ page: 'events', service: view.service })}>all of {view.service}</a>
          </div>
          <RestartChart events={events} />
          <Recent events={events} />
        </section>
      </div>
    </>
  );
}

const dayMs = 86_400_000;
/** Above what `allPages` reads, for those that come while the page is open. */
const eventsKept = 12_000;

/** The events of the last day, as they were asked for and as they came since. */
function useOwnEvents({ service, component }: Key): readonly EventView[] {
  const { api, board, now } = useScene();
  const since = useMemo(() => new Date(now.get() + board.skewMs - dayMs).toISOString(), [service, component]);
  const { events } = useEvents(
    {
      ask: (signal) =>
        allPages((limit, before) => {
          const page = { tail: String(limit), ...(before === null ? {} : { before: String(before) }) };
          return api.events({ service, component, since, ...page }, signal);
        }),
      most: eventsKept,
      isOne: (event) => event.service === service && event.component === component,
      kept: eventsKept,
    },
    [service, component],
  );
  return events;
}

const recentShown = 12;

function Recent({ events }: { readonly events: readonly EventView[] }) {
  const lines = useMemo(() => fold(events).slice(0, recentShown), [events]);
  return (
    <ul class="event-list narrow">
      {lines.map((line) => (
        <EventLine key={line.id} line={line} />
      ))}
    </ul>
  );
}

/** Several changes that come together are asked about once. */
const whyRestMs = 300;

/** Why it is as it is: conditions, what it waits for, what was decided. Asked again after whatever is told of it. */
function Why({ view, newest }: { readonly view: ComponentView; readonly newest: number }) {
  const { api } = useScene();
  const { service, component } = view;
  const told = useRested(
    useMemo(() => ({}), [view, newest]),
    whyRestMs,
  );
  const { value: why, error } = useLoaded(
    (signal) => api.explain({ service, component }, signal),
    [service, component, told],
  );
  return (
    <section class="panel" aria-labelledby="why">
      <h2 id="why">Why</h2>
      {error === null ? null : <Problem error={error} />}
      <dl class="facts tall">
        <Fact name="Desired">{view.desired}</Fact>
        <Fact name="Observed">
          {view.observed}, seen <Age view={view} /> ago by {view.driver}
        </Fact>
        <Fact name="Reason">{view.reason}</Fact>
        <Fact name="Generation">
          {view.generation}
          {view.observedGeneration === view.generation ? '' : `, status speaks of ${view.observedGeneration}`}
        </Fact>
        <Fact name="Workload">
          <span class="mono">{view.workload}</span> ({view.runtime})
        </Fact>
        <Fact name="Started">
          <Ago at={view.startedAt} />
        </Fact>
        <Fact name="Restarts">
          {view.restarts}
          {view.exitCode === null ? '' : `, last exit ${view.exitCode}`}
        </Fact>
        {why === null ? null : <Explained why={why} />}
      </dl>
    </section>
  );
}

function Explained({ why }: { readonly why: Explanation }) {
  return (
    <>
      <Fact name="Image">
        <span class="mono">{why.image.reference}</span>
        {why.image.digest === null ? '' : ` ${why.image.digest.slice(0, 19)}…`}
      </Fact>
      <Fact name="Source">{why.source ?? 'edited here, by hand or by the command line'}</Fact>
      {why.waitsFor.length === 0 ? null : (
        <Fact name="Waits for">
          <ul>
            {why.waitsFor.map((reason) => (
              <li key={reason}>
                <Words of={reason} />
              </li>
            ))}
          </ul>
        </Fact>
      )}
      {why.invalid === null ? null : <Fact name="Invalid">{why.invalid}</Fact>}
      {why.driverError === null ? null : (
        <Fact name="Runtime">
          does not answer since <Ago at={why.driverError.since} />: {why.driverError.error}
        </Fact>
      )}
      {why.failedGeneration === null ? null : <Fact name="Given up">generation {why.failedGeneration}</Fact>}
      {why.goodGeneration === null ? null : <Fact name="Last good">generation {why.goodGeneration}</Fact>}
    </>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
