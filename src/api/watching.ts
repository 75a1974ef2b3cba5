/** Operations that go on: the status and the events as they change, and waiting until all has converged. */
import type { BerthEvent } from '../core/event.js';
import { formatKey } from '../core/names.js';
import type { EventQuery } from '../core/ports/registry.js';
import type { EventOptions, ProgressView, WaitOptions, WaitResult } from './client.js';
import { pagesBack } from './pages-back.js';
import type { LocalClientPorts } from './ports.js';
import { progressOf } from './progress.js';
import { readStatus, viewContext, viewEvents } from './reading.js';
import { viewComponent } from './status-view.js';
import { findTarget } from './targets.js';
import type { EventView, StatusReport } from './views.js';
import { watchCommits } from './wake.js';

/** An agent that comes or goes commits nothing: it is looked for this often. */
const agentLookMs = 2_000;

/** The status now, and again whenever it says something else. An older observation alone is nothing new. */
export async function* watchStatus(
  ports: LocalClientPorts,
  service: string | null,
  signal: AbortSignal,
): AsyncIterable<StatusReport> {
  const wakeups = watchCommits(ports.registry, ports.clock, signal);
  try {
    let last = '';
    let known = false;
    while (!signal.aborted) {
      const report = await readStatus(ports, known ? { service, mustExist: false } : { service, mustExist: true });
      known = true;
      const text = JSON.stringify([
        report.agent,
        report.components.map((component) => ({ ...component, observedAgeMs: null })),
      ]);
      if (text !== last) {
        last = text;
        yield report;
      }
      await wakeups.next(agentLookMs);
    }
  } finally {
    wakeups.end();
  }
}

/** Events of the past as asked, then each new one within some milliseconds of its commit. */
export async function* followEvents(
  ports: LocalClientPorts,
  options: EventOptions,
  signal: AbortSignal,
): AsyncIterable<EventView> {
  const { registry } = ports;
  const wakeups = watchCommits(registry, ports.clock, signal);
  try {
    let cursor = await registry.revision();
    for (const event of await readEvents(ports, options)) {
      cursor = Math.max(cursor, event.revision);
      yield event;
    }
    const news = { ...options, sinceMs: null, tail: null, before: null };
    while (!signal.aborted) {
      for (const event of await viewEvents(ports, await eventsOf(ports, { ...news, after: cursor }))) {
        cursor = Math.max(cursor, event.revision);
        yield event;
      }
      await wakeups.next();
    }
  } finally {
    wakeups.end();
  }
}

/** Events of the past, oldest first. E_NOT_FOUND for a target that neither exists nor has any. */
export async function readEvents(ports: LocalClientPorts, options: EventOptions): Promise<readonly EventView[]> {
  const events = await eventsOf(ports, options);
  const isWhole = (options.before ?? options.after ?? null) === null;
  if (events.length === 0 && isWhole && options.target !== null) await findTarget(ports.registry, options.target);
  return viewEvents(ports, events);
}

async function eventsOf({ registry }: LocalClientPorts, options: EventOptions): Promise<readonly BerthEvent[]> {
  const read = (tail: number, before: number | null): Promise<readonly BerthEvent[]> =>
    registry.events(eventQuery({ ...options, tail, before }));
  return (await pagesBack(read, options.tail, options.before ?? null)).toReversed().flat();
}

/** The registry's query for what a face asks. */
function eventQuery(options: EventOptions): EventQuery {
  const component = options.target?.component ?? null;
  const { severity = null, after = null, before = null } = options;
  return {
    ...(after === null ? {} : { afterRevision: after }),
    ...(before === null ? {} : { beforeRevision: before }),
    ...(severity === null ? {} : { minSeverity: severity }),
    ...(options.target === null ? {} : { service: options.target.service }),
    ...(component === null ? {} : { component }),
    ...(options.sinceMs === null ? {} : { sinceMs: options.sinceMs }),
    ...(options.tail === null ? {} : { limit: options.tail }),
  };
}

/** Waits until each component has converged, one failed for good, time is up or the signal fires. */
export async function waitFor(ports: LocalClientPorts, options: WaitOptions): Promise<WaitResult> {
  const { clock } = ports;
  const wakeups = watchCommits(ports.registry, clock, options.signal);
  const deadline = clock.monotonic() + options.timeoutMs;
  try {
    let last = '';
    for (;;) {
      const views = await readProgress(ports, options);
      const text = JSON.stringify(
        views.map((view) => ({ ...view, component: { ...view.component, observedAgeMs: 0 } })),
      );
      if (text !== last) options.onProgress(views);
      last = text;
      if (views.some((view) => view.progress === 'failed')) return { outcome: 'failed', views };
      if (views.every((view) => view.progress === 'converged')) return { outcome: 'converged', views };
      if (options.signal.aborted) return { outcome: 'aborted', views };
      const leftMs = deadline - clock.monotonic();
      if (leftMs <= 0) return { outcome: 'timeout', views };
      await wakeups.next(leftMs);
    }
  } finally {
    wakeups.end();
  }
}

/** A component that is gone is left out: nothing of it is left to show. */
async function readProgress(ports: LocalClientPorts, options: WaitOptions): Promise<readonly ProgressView[]> {
  const services = new Set(options.components.map((key) => key.service));
  const only = services.size === 1 ? [...services][0] : undefined;
  const records = await ports.registry.components(only === undefined ? {} : { service: only });
  const context = await viewContext(ports);
  const wanted = new Set(options.components.map(formatKey));
  return records
    .filter((record) => wanted.has(formatKey(record.key)))
    .map((record) => ({ component: viewComponent(record, context), progress: progressOf(record) }));
}
