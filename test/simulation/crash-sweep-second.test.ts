/** Half of the scenarios, so that two processes share the work; see test/support/crash-sweep.ts. */
import { scenarios } from '../../src/simulation/scenarios.js';
import { sweepAll } from '../support/crash-sweep.js';

sweepAll(
  'second half',
  scenarios.filter((_, index) => index % 2 === 1),
);
