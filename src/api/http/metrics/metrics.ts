/** What is counted and measured. Names and labels are bounded in number; docs/api.md lists them, a test compares. */
import { Counter, Gauge, Histogram, Registry as PromRegistry } from 'prom-client';
import type { NewEvent } from '../../../core/event.js';
import type { Clock } from '../../../core/ports/clock.js';
import type { Driver } from '../../../core/ports/driver.js';
import type { ReconcileObserver } from '../../../core/ports/observer.js';
import type { Registry } from '../../../core/ports/registry.js';
import { withMethods } from '../../../core/with-methods.js';
import type { MetricsPage } from '../parts.js';
import { measuredDriver } from './measured-driver.js';
import { readGauges, type GaugeSources } from './gauges.js';

/** Seconds, from a look at memory to a slow pull. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];
const seconds = (ms: number): number => ms / 1_000;

export interface Metrics {
  readonly page: MetricsPage;
  readonly reconciler: ReconcileObserver;
  /** The same driver, measured. */
  watchDriver(driver: Driver): Driver;
  /** The same registry; the events that are written through it are counted. */
  watchRegistry(registry: Registry): Registry;
  /** What is looked at when somebody reads the metrics. */
  from(sources: GaugeSources): void;
}

/** Metrics of one agent, in a registry of their own. */
export function createMetrics(clock: Clock): Metrics {
  const register = new PromRegistry();
  const meters = metersIn(register);
  let sources: GaugeSources | undefined;
  const told = (events: readonly NewEvent[]): void => {
    for (const { reason, severity, service, component } of events) {
      meters.events.inc({ reason, severity });
      if (reason === 'Restarted') meters.restarts.inc({ service: service ?? '', component: component ?? '' });
    }
  };
  return {
    page: {
      contentType: register.contentType,
      text: async () => {
        if (sources !== undefined) await readGauges(meters.gauges, sources);
        return register.metrics();
      },
      answered: (operation, status, tookMs) => {
        meters.requests.inc({ operation, status });
        meters.requestSeconds.observe({ operation }, seconds(tookMs));
      },
    },
    reconciler: {
      turn: (lateMs) => {
        meters.queueSeconds.observe(seconds(Math.max(0, lateMs)));
      },
      looked: (tookMs, outcome) => {
        meters.reconcileSeconds.observe({ outcome }, seconds(tookMs));
      },
    },
    watchDriver: (driver) =>
      measuredDriver(driver, clock, (name, call, tookMs, code) => {
        meters.callSeconds.observe({ driver: name, call }, seconds(tookMs));
        if (code !== null) meters.callFailures.inc({ driver: name, call, code });
      }),
    watchRegistry: (registry) =>
      withMethods(registry, {
        updateStatus: async (updates, context) => {
          const revision = await registry.updateStatus(updates, context);
          for (const update of updates) told(update.events);
          return revision;
        },
      }),
    from: (given) => {
      sources = given;
    },
  };
}

function metersIn(register: PromRegistry) {
  const registers = [register];
  const counter = (name: string, help: string, labelNames: readonly string[]) =>
    new Counter({ name, help, labelNames, registers });
  const timer = (name: string, help: string, labelNames: readonly string[]) =>
    new Histogram({ name, help, labelNames, buckets, registers });
  const gauge = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  return {
    reconcileSeconds: timer('berth_reconcile_seconds', 'Time of one look at a component, steps included.', ['outcome']),
    queueSeconds: timer('berth_queue_wait_seconds', 'Time that a component was due before its turn.', []),
    callSeconds: timer('berth_driver_call_seconds', 'Time of a call of a driver.', ['driver', 'call']),
    callFailures: counter('berth_driver_failures_total', 'Calls of a driver that failed.', ['driver', 'call', 'code']),
    events: counter('berth_events_total', 'Events since the agent started.', ['reason', 'severity']),
    restarts: counter('berth_restarts_total', 'Programs started again since the agent started.', [
      'service',
      'component',
    ]),
    requests: counter('berth_http_requests_total', 'Requests that were answered.', ['operation', 'status']),
    requestSeconds: timer('berth_http_request_seconds', 'Time until a request was answered.', ['operation']),
    gauges: {
      queueDepth: gauge('berth_queue_depth', 'Components that wait for their turn or are worked on.'),
      components: gauge('berth_components', 'Components by phase.', ['phase']),
      drift: gauge('berth_drift', 'Differences between desired and observed, by field.', ['field']),
      driverUp: gauge('berth_driver_up', '1 while the driver answers.', ['driver']),
      observationAge: gauge('berth_observation_age_seconds', "Age of a driver's last good answer.", ['driver']),
      registryBytes: gauge('berth_registry_bytes', 'Size of the registry on disk.'),
      revision: gauge('berth_registry_revision', 'Revision of the registry.'),
      streams: gauge('berth_http_streams', 'Watches, logs, waits and programs that go on.'),
      connections: gauge('berth_http_connections', 'Open connections.'),
      watchers: gauge('berth_watchers', 'Watches that go on.'),
      watchersDropped: gauge('berth_watchers_dropped', 'Watches ended because their readers were slow.'),
      componentMemory: gauge('berth_component_memory_bytes', 'Memory of a component.', ['service', 'component']),
      componentCpu: gauge('berth_component_cpu_seconds', 'Processor time of a component, in this run.', [
        'service',
        'component',
      ]),
      memory: gauge('berth_memory_bytes', 'Resident memory of the agent.'),
      cpu: gauge('berth_cpu_seconds', 'Processor time of the agent.'),
    },
  };
}
