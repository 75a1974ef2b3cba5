/** Much work in small transactions, so that no writer waits for long. */
import type { Clock } from '../core/ports/clock.js';
import { waitFor } from './retry.js';

/** Rows that one transaction writes or drops. */
export const lotSize = 500;
const pauseMs = 5;

/** Repeats until a lot answers that it did nothing, leaving room for other programs in between. */
export async function inLots(clock: Clock, doLot: () => Promise<number>): Promise<void> {
  while ((await doLot()) > 0) await waitFor(clock, pauseMs);
}
