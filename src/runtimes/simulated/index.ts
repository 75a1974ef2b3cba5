/** The simulated runtime: a host on a clock and chance of the caller's, and drivers for it. */
export { createSimulatedDriver, type SimulatedDriver, type SimulatedDriverOptions } from './driver.js';
export {
  createSimulatedHost,
  type Effect,
  type HostThing,
  type Outage,
  type SimulatedHost,
  type SimulatedHostOptions,
} from './host.js';
export { faultKinds, type FaultKind, type FaultOptions } from './fault-plan.js';
export type { HostEvent, Mishap } from './event-bus.js';
export { noLatencies, podmanLatencies, type Latencies } from './latency.js';
export type { Behaviour, Program, RunFacts } from './behaviour.js';
export type { Container, ImageDefinition, JournalEntry, Violation } from './model.js';
