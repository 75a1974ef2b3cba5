/** What the operations need of the world. */
import type { Chance, Clock } from '../core/ports/clock.js';
import type { DefinitionReader } from '../core/ports/definition.js';
import type { Driver } from '../core/ports/driver.js';
import type { NodeFacts } from '../core/ports/node-facts.js';
import type { ChangeContext, Registry } from '../core/ports/registry.js';
import type { UsageView } from '../core/ports/usage.js';
import type { DriverNames } from './status-view.js';
import type { AgentInfo } from './views.js';

export interface LocalClientPorts {
  readonly registry: Registry;
  /** Loaded when a definition is read or printed, not before: most commands do neither. */
  readonly reader: () => Promise<DefinitionReader>;
  /** Made and opened when a command wants them, each on its own; absent: this face has no runtime at hand. */
  readonly drivers?: () => Promise<readonly Driver[]>;
  /** What the machine has; absent: nothing is known of it. */
  readonly node?: NodeFacts;
  readonly clock: Clock;
  readonly chance: Pick<Chance, 'id'>;
  /** `cli:NAME`. */
  readonly actor: string;
  /** True for whoever may not see secrets: plans do not tell whether a guess at one is right. */
  readonly blind?: boolean;
  /** What components use now; absent: nobody looks, and only what is written down is told. */
  readonly usage?: UsageView;
  /** Who serves this home now; null: nobody. */
  readonly agentHolder: () => Promise<AgentInfo | null>;
  /** Absent: `defaultDriverNames`. */
  readonly driverNames?: DriverNames;
}

/** The context of one request: everything changed under it shares its id. */
export function contextOf(ports: LocalClientPorts, message: string | null): ChangeContext {
  return { actor: ports.actor, request: ports.chance.id(), message };
}

/** Resolves after `delayMs`, or when the signal fires. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const finish = (): void => {
      cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    signal.addEventListener('abort', finish, { once: true });
  });
}
