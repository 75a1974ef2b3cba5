/** What must hold in a simulation, said where it does not. */
import { isDeepStrictEqual } from 'node:util';

/** Something did not hold. Its message is for people. */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure';
}

/** Throws SimulationFailure with `words` unless `condition` holds. */
export function demand(condition: boolean, words: string): asserts condition {
  if (!condition) throw new SimulationFailure(words);
}

/** Throws SimulationFailure unless the two are equal in structure. */
export function demandSame(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new SimulationFailure(`${what}: ${JSON.stringify(actual)}, and should be ${JSON.stringify(expected)}`);
}
