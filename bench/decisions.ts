/** Decisions alone: how many a minute one core takes, and which worlds cost most. */
import { decide, type World } from '../reconcilers/component/index.js';
import { busyMs } from './cpu.js';
import type { Benchmark, Measure, RunOptions } from './harness.js';
import { recordedWorlds } from './worlds.js';

const minuteMs = 60_000;
/** Decisions between two looks at the clock. */
const batch = 500;

/** Decisions a minute of processor time over `worlds` in turns, measured for `forMs` of it. */
export function decisionsAMinute(worlds: readonly World[], forMs: number): number {
  const beganMs = busyMs();
  let count = 0;
  let spentMs = 0;
  while (spentMs < forMs) {
    for (let index = 0; index < batch; index += 1) {
      const world = worlds[(count + index) % worlds.length];
      if (world) decide(world);
    }
    count += batch;
    spentMs = busyMs() - beganMs;
  }
  return (count / spentMs) * minuteMs;
}

function measured({ quick }: RunOptions): readonly Measure[] {
  const recorded = recordedWorlds();
  const worlds = recorded.map(({ world }) => world);
  decisionsAMinute(worlds, 500);
  const all: Measure = {
    what: 'decisions',
    value: decisionsAMinute(worlds, quick ? 1_500 : 10_000),
    unit: '/min',
    target: { atLeast: 1_000_000 },
    detail: `${worlds.length} worlds in turns; a minute of one core's time`,
  };
  if (quick) return [all];
  const single = recorded.map(({ name, world }) => ({
    what: `… ${name}`,
    value: decisionsAMinute([world], 500),
    unit: '/min',
    target: null,
    detail: '',
  }));
  return [all, ...single];
}

export const decisions: Benchmark = {
  name: 'decisions',
  about: 'pure decisions of the component reconciler over a mix of recorded worlds, on one core',
  quick: true,
  run: (options) => Promise.resolve(measured(options)),
};
