/** What is looked at when somebody reads the metrics, and costs nothing in between. */
import type { Gauge } from 'prom-client';
import type { Clock } from '../../../core/ports/clock.js';
import type { Registry } from '../../../core/ports/registry.js';
import type { UsageView } from '../../../core/ports/usage.js';
import type { RuntimeView } from '../../../core/ports/view.js';
import { phases } from '../../../core/status.js';
import type { WatchStats } from '../watch/index.js';

export interface GaugeSources {
  readonly clock: Clock;
  readonly registry: Pick<Registry, 'components' | 'revision'>;
  readonly view: Pick<RuntimeView, 'drivers' | 'health'>;
  readonly queueDepth: () => number;
  readonly watches: () => WatchStats;
  readonly serving: () => { readonly streams: number; readonly connections: number };
  /** Bytes of the registry with its log; null: it cannot be said. */
  readonly registryBytes: () => Promise<number | null>;
  /** Of each component that runs, as it was seen last. */
  readonly componentUsage: () => ReturnType<UsageView['all']>;
  /** Of the process. */
  readonly ownUsage: () => { readonly memoryBytes: number; readonly cpuSeconds: number };
}

export type GaugeName =
  | 'queueDepth'
  | 'components'
  | 'drift'
  | 'driverUp'
  | 'observationAge'
  | 'registryBytes'
  | 'revision'
  | 'streams'
  | 'connections'
  | 'watchers'
  | 'watchersDropped'
  | 'componentMemory'
  | 'componentCpu'
  | 'memory'
  | 'cpu';

export async function readGauges(gauges: Readonly<Record<GaugeName, Gauge>>, sources: GaugeSources): Promise<void> {
  gauges.queueDepth.set(sources.queueDepth());
  const { watchers, dropped } = sources.watches();
  gauges.watchers.set(watchers);
  gauges.watchersDropped.set(dropped);
  const { streams, connections } = sources.serving();
  gauges.streams.set(streams);
  gauges.connections.set(connections);
  const { memoryBytes, cpuSeconds } = sources.ownUsage();
  gauges.memory.set(memoryBytes);
  gauges.cpu.set(cpuSeconds);
  readDrivers(gauges, sources);
  readComponents(gauges, sources);
  await readRegistry(gauges, sources);
}

function readDrivers(gauges: Readonly<Record<GaugeName, Gauge>>, { view, clock }: GaugeSources): void {
  for (const { name } of view.drivers()) {
    const { answering, lastGoodAtMs } = view.health(name);
    gauges.driverUp.set({ driver: name }, answering ? 1 : 0);
    if (lastGoodAtMs === null) continue;
    gauges.observationAge.set({ driver: name }, Math.max(0, clock.now() - lastGoodAtMs) / 1_000);
  }
}

/** Who runs no longer has no figures. */
function readComponents(gauges: Readonly<Record<GaugeName, Gauge>>, { componentUsage }: GaugeSources): void {
  gauges.componentMemory.reset();
  gauges.componentCpu.reset();
  for (const { key, memoryBytes, cpuMs } of componentUsage()) {
    const labels = { service: key.service, component: key.component };
    gauges.componentMemory.set(labels, memoryBytes);
    gauges.componentCpu.set(labels, cpuMs / 1_000);
  }
}

async function readRegistry(
  gauges: Readonly<Record<GaugeName, Gauge>>,
  { registry, registryBytes }: GaugeSources,
): Promise<void> {
  const [records, revision, bytes] = await Promise.all([registry.components(), registry.revision(), registryBytes()]);
  gauges.revision.set(revision);
  if (bytes !== null) gauges.registryBytes.set(bytes);
  const byPhase = new Map<string, number>(phases.map((phase) => [phase, 0]));
  const byField = new Map<string, number>();
  for (const { status, invalid } of records) {
    const phase = invalid === null ? status.phase : 'invalid';
    byPhase.set(phase, (byPhase.get(phase) ?? 0) + 1);
    for (const { field } of status.drift) {
      // Of variables there may be any number: they count as one field.
      const kind = field.startsWith('env.') ? 'env' : field;
      byField.set(kind, (byField.get(kind) ?? 0) + 1);
    }
  }
  for (const [phase, count] of byPhase) gauges.components.set({ phase }, count);
  gauges.drift.reset();
  for (const [field, count] of byField) gauges.drift.set({ field }, count);
}
