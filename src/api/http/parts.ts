/** What the server is made of: everything that it needs of the world, each part behind an interface of its own. */
import type { Chance, Clock } from '../../core/ports/clock.js';
import type { Log } from '../../core/ports/log.js';
import type { Registry } from '../../core/ports/registry.js';
import type { RuntimeView } from '../../core/ports/view.js';
import type { LocalClientPorts } from '../ports.js';
import type { DoctorCheck, StatusReport } from '../views.js';
import type { Gate, GateRequest } from './auth/index.js';
import type { Caller } from './contract.js';
import type { ApiLimits } from './limits.js';
import type { WatchHub } from './watch/index.js';

/** The way that a request came. */
export type Via = GateRequest['via'];

/** The dashboard, which is made elsewhere. */
export interface Pages {
  /** The overview as HTML, with what is about to run out. */
  overview(report: StatusReport, outlook: readonly DoctorCheck[]): string;
  /** By path, such as `/assets/main-1a2b.js`; undefined: there is no such file. */
  asset(path: string): { readonly body: Buffer; readonly type: string; readonly immutable: boolean } | undefined;
}

/** What is counted and measured, as a text that Prometheus reads. */
export interface MetricsPage {
  readonly contentType: string;
  text(): Promise<string>;
  /** One request was answered. `operation` is bounded in number; a path is not. */
  answered(operation: string, status: number, tookMs: number): void;
}

export interface ApiOptions {
  /** Folder of the home: socket and address file are put there. */
  readonly home: string;
  readonly version: string;
  readonly pid: number;
  /** `off`, or a loopback address with its port. */
  readonly tcp: string;
  readonly clock: Clock;
  readonly chance: Pick<Chance, 'id'>;
  readonly log: Log;
  readonly registry: Registry;
  /** For the client of one request; all of them share the agent's open registry and drivers. */
  readonly portsFor: (caller: Pick<Caller, 'actor' | 'access'>) => LocalClientPorts;
  readonly view: Pick<RuntimeView, 'drivers' | 'health'>;
  /** Where it listens is known to the server alone. */
  readonly gate: (boundUrl: () => string | null) => Gate;
  readonly hub: WatchHub;
  readonly pages: Pages;
  readonly metrics: MetricsPage;
  /** JSON Schema of a definition file. */
  readonly definitionSchema: () => Readonly<Record<string, unknown>>;
  /** Default: `apiLimits`. */
  readonly limits?: ApiLimits;
}

/** What the routes work with. */
export interface RouteDeps extends Omit<ApiOptions, 'gate'> {
  readonly limits: ApiLimits;
  readonly gate: Gate;
  /** How the addresses stand, for `doctor`. */
  readonly addressChecks: () => readonly DoctorCheck[];
  /** A place for something that goes on; the answer gives it back. E_TOO_MANY. */
  readonly takeSlot: (caller: Caller) => () => void;
}
