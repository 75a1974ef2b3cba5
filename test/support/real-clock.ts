/** The machine's own clock and chance, for tests that touch real runtimes. */
import { randomUUID } from 'node:crypto';
import type { Chance, Clock } from '../../src/core/ports/clock.js';

export const realClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs: number, run: () => void) => {
    const timer = setTimeout(run, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
});

export const realChance: Chance = Object.freeze({ random: () => Math.random(), id: () => randomUUID() });
