/** Components and events for tests of the dashboard. */
import type { ComponentView, EventView } from '../../../src/api/views.js';

export function viewOf(name: string, more: Partial<ComponentView> = {}): ComponentView {
  const [service = '', component = ''] = name.split('/');
  return {
    service,
    component,
    workload: `${service}-${component}`,
    runtime: 'container',
    driver: 'podman',
    desired: 'running',
    observed: 'running',
    phase: 'running',
    ready: true,
    generation: 1,
    observedGeneration: 1,
    restarts: 0,
    exitCode: null,
    nextTryAt: null,
    observedAgeMs: 1_000,
    reason: 'Running',
    message: 'runs',
    startedAt: null,
    drift: [],
    ...more,
  };
}

export const drift = {
  field: 'memory_mb',
  desired: '64',
  observed: '128',
  since: '2026-01-31T12:00:00.000Z',
  evidence: 'cgroup',
  action: 'set in place',
};

export function eventOf(revision: number, more: Partial<EventView> = {}): EventView {
  return {
    revision,
    at: new Date(1_000_000 + revision * 1_000).toISOString(),
    severity: 'info',
    service: 'shop',
    component: 'web',
    reason: 'Started',
    message: 'started',
    actor: 'agent',
    data: {},
    ...more,
  };
}
