/** What a home goes through in a sweep: a beginning that is reached in peace, and an act. */
import type { SimulatedHome } from './home.js';

export interface Scenario {
  readonly name: string;
  readonly prepare: (home: SimulatedHome) => Promise<void>;
  /** What is asked for; its effects are swept. */
  readonly act: (home: SimulatedHome) => Promise<void>;
  /** Workloads that must come through with their id and their start. */
  readonly untouched: readonly string[];
  /** Workloads that run once it has converged. */
  readonly running: readonly string[];
  /** Those of them that are machines. Default: none. */
  readonly machines?: readonly string[];
  /** The generation of `shop/web` is given up, and this is its last good image. */
  readonly putBack?: string;
  /** What must hold besides. Throws SimulationFailure. */
  readonly check?: (home: SimulatedHome) => void | Promise<void>;
}
