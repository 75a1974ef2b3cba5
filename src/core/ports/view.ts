/** What the monitor knows of the runtimes, as the controller asks for it. */
import type { ComponentKey } from '../names.js';
import type { ObservedWorkload } from '../observation.js';
import type { Runtime } from '../spec.js';
import type { Driver } from './driver.js';

/** How one driver stands. Times are Unix milliseconds. */
export interface DriverHealth {
  readonly name: string;
  readonly answering: boolean;
  /** Why it does not answer, in its own words; null while it does. */
  readonly error: string | null;
  readonly lastGoodAtMs: number | null;
  /** Since when it does not answer; null while it does. */
  readonly failingSinceMs: number | null;
}

/** The merged picture of all drivers. Reading it costs no call. */
export interface RuntimeView {
  /** The driver that serves a runtime on this node. */
  driverFor(runtime: Runtime): Driver | undefined;
  driver(name: string): Driver | undefined;
  /** Every driver of this node. */
  drivers(): readonly Driver[];
  health(driver: string): DriverHealth;
  /** Workloads that bear this component's labels, and whoever holds `mainHostName`. */
  workloadsOf(key: ComponentKey, mainHostName: string): readonly ObservedWorkload[];
  /** Every workload that bears this home's labels. */
  owned(): readonly ObservedWorkload[];
  /** What an image reference names where a driver takes its images from; undefined: not there. */
  imageNow(driver: string, reference: string): string | undefined;
  /** The latest event of the runtime about a component that Berth did not bring about, in words. */
  lastEvent(key: ComponentKey): string | null;
  /** Reads one workload afresh, by native id or host name, after something was done to it. false: it could not be read. */
  refresh(driver: string, idOrName: string): Promise<boolean>;
  /** Asks for a list soon: the picture may be wrong. */
  relistSoon(driver: string): void;
}

/** Whoever decides; told by the monitor what to look at again. */
export interface RuntimeListener {
  /** Workloads changed: ours, or somebody's who may hold a name of ours. */
  onWorkloads(workloads: readonly ObservedWorkload[]): void;
  /** Everything may have to be decided anew: a driver began or ceased to answer, or tags moved. */
  onAll(): void;
  /** A driver was asked for a list, and answered or did not. */
  onHealth(health: DriverHealth): void;
}
