/** What the driver is made with. */
import type { Chance, Clock } from '../../core/ports/clock.js';
import type { Log } from '../../core/ports/log.js';
import type { Host } from '../host/host.js';

/** Times in milliseconds. */
export interface PodmanSettings {
  /** Talk to this socket and no other; null: the system's, else a service of the home's own. */
  readonly socket: string | null;
  /** Use the system's socket when it answers. */
  readonly useSystemSocket: boolean;
  /** For one list of everything. */
  readonly listDeadlineMs: number;
  /** For any other call; `stop` adds its grace. */
  readonly callDeadlineMs: number;
  /** For one pull. */
  readonly pullDeadlineMs: number;
  /** For one build. */
  readonly buildDeadlineMs: number;
  readonly pingEveryMs: number;
  readonly pingDeadlineMs: number;
  /** A service of the home's own that is silent for so long, or answers no list for three times as long, is killed and started anew. */
  readonly replaceServiceAfterMs: number;
  readonly startDeadlineMs: number;
  /** The event stream is opened anew after so long, in case it died silently. */
  readonly eventsReconnectMs: number;
  /** Inspections renewed at each list although nothing seems to have changed. */
  readonly refreshPerPass: number;
}

export const defaultPodmanSettings: PodmanSettings = Object.freeze({
  socket: null,
  useSystemSocket: true,
  listDeadlineMs: 8_000,
  callDeadlineMs: 30_000,
  pullDeadlineMs: 600_000,
  buildDeadlineMs: 1_800_000,
  pingEveryMs: 5_000,
  pingDeadlineMs: 4_000,
  replaceServiceAfterMs: 20_000,
  startDeadlineMs: 15_000,
  eventsReconnectMs: 600_000,
  refreshPerPass: 3,
});

export interface PodmanDriverOptions {
  /** Random id of the home; every object on the host bears it. */
  readonly homeId: string;
  /** Prefix of workload names on the host. */
  readonly namePrefix: string;
  /** The home's folder: socket, record and log of a service of its own are kept in `podman/` under it. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly host: Host;
  readonly log: Log;
  readonly settings?: Partial<PodmanSettings>;
  /** For a short-lived command: nothing is watched, and a service that must be started ends by itself. */
  readonly transient?: boolean;
}
