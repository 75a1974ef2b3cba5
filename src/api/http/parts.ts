/** What the server is made of, and whoever makes it brings: each part behind an interface of its own. */
import type { Chance, Clock } from '../../core/ports/clock.js';
import type { Log } from '../../core/ports/log.js';
import type { LocalClientPorts } from '../ports.js';
import type { Caller } from './contract.js';
import type { Gate, GateRequest } from './auth/gate-types.js';

/** The way that a request came. */
export type Via = GateRequest['via'];

/** Everything that the server needs of the world. */
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
  /** For the client of one request; all of them share the agent's open registry and drivers. */
  readonly portsFor: (caller: Pick<Caller, 'actor'>) => LocalClientPorts;
  readonly gate: Gate;
}
