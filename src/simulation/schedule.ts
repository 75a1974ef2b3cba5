/** Storms as data: what happens to a home, in order. A seed makes one; a failure is shrunk to a shorter one. */
import type { Chance } from '../core/ports/clock.js';
import type { Runtime } from '../core/spec.js';
import { faultKinds, type FaultKind, type Mishap, type Outage } from '../runtimes/simulated/index.js';
import { createSeededChance } from './seeded-chance.js';
import { storageTroubles, type StorageTrouble } from './storage.js';
import { mishaps, type EffectMishap } from './sweep.js';

export const stormComponents = ['db', 'web', 'worker', 'cron'] as const;
export const handActions = ['kill', 'terminate', 'pause', 'remove', 'rename', 'limits', 'stop', 'restart'] as const;
export type HandAction = (typeof handActions)[number];

/** What an edit makes of a component. */
export interface Edit {
  readonly component: string;
  readonly runtime: Runtime;
  readonly image: string;
  readonly turn: number;
  readonly memoryMb: number | null;
  /** A port of the host, or none; two components that want one are refused. */
  readonly port: number | null;
}

export type Act =
  | ({ readonly kind: 'edit' } & Edit)
  | ({ readonly kind: 'sql-edit' } & Pick<Edit, 'component' | 'turn' | 'memoryMb'>)
  /** By SQL: it depends on what is not there, until the storm is over. */
  | { readonly kind: 'sql-break'; readonly component: string }
  | { readonly kind: 'delete'; readonly component: string; readonly bySql: boolean }
  | { readonly kind: 'desired'; readonly component: string; readonly desired: 'running' | 'stopped' }
  | { readonly kind: 'restart'; readonly component: string }
  /** `pick` chooses among those of Berth that run, whatever their number. */
  | { readonly kind: 'hand'; readonly action: HandAction; readonly pick: number }
  | { readonly kind: 'retag'; readonly image: string }
  /** Another takes the workload's name while it is free, and keeps it for a while. */
  | { readonly kind: 'squat'; readonly component: string; readonly lengthMs: number }
  | { readonly kind: 'occupy-port'; readonly port: number; readonly lengthMs: number }
  | { readonly kind: 'outage'; readonly outage: NonNullable<Outage>; readonly lengthMs: number }
  | { readonly kind: 'silence'; readonly driver: string; readonly lengthMs: number }
  | { readonly kind: 'fault'; readonly fault: FaultKind; readonly times: number; readonly delayMs: number }
  | { readonly kind: 'events'; readonly mishap: Mishap | 'cut' | 'late'; readonly times: number }
  | { readonly kind: 'storage'; readonly trouble: StorageTrouble; readonly times: number }
  | { readonly kind: 'clock'; readonly byMs: number }
  | { readonly kind: 'crash'; readonly lengthMs: number }
  /** At the agent's effect that comes so many after the next. */
  | { readonly kind: 'mishap'; readonly mishap: EffectMishap; readonly after: number; readonly lengthMs: number }
  | { readonly kind: 'reboot'; readonly lengthMs: number };

export interface Gust {
  readonly act: Act;
  /** How long nothing else happens after it, in milliseconds. */
  readonly calmMs: number;
}

export interface Schedule {
  /** Of all chance within the simulation. */
  readonly seed: number;
  readonly storage: 'memory' | 'file';
  /** Whether calls take time. */
  readonly isSlow: boolean;
  /** Whether everything ran before the storm began. */
  readonly beginsInCalm: boolean;
  readonly gusts: readonly Gust[];
}

const longestCalmMs = 30_000;

function pick<T>(chance: Chance, items: readonly [T, ...T[]]): T {
  return items[Math.floor(chance.random() * items.length)] ?? items[0];
}

const whole = (chance: Chance, below: number): number => Math.floor(chance.random() * below);

type Maker = (chance: Chance) => Act;

const anyOf = (chance: Chance): string => pick(chance, stormComponents);

function edit(chance: Chance): Act {
  return {
    kind: 'edit',
    component: anyOf(chance),
    runtime: pick(chance, ['container', 'container', 'microvm', 'unikernel']),
    image: pick(chance, ['localhost/app:1', 'localhost/app:2', 'localhost/app:2', 'localhost/bad:1']),
    turn: whole(chance, 5),
    memoryMb: pick(chance, [null, 32, 64]),
    port: pick(chance, [null, null, 8_080, 8_081]),
  };
}

const hand: Maker = (chance) => ({ kind: 'hand', action: pick(chance, handActions), pick: whole(chance, 1_000) });
const fault: Maker = (chance) => ({
  kind: 'fault',
  fault: pick(chance, faultKinds),
  times: 1 + whole(chance, 3),
  delayMs: whole(chance, 30_000),
});
const storage: Maker = (chance) => ({
  kind: 'storage',
  trouble: pick(chance, storageTroubles),
  times: 1 + whole(chance, 8),
});

/** What a gust may bring; twice what is to come twice as often. */
const makers: readonly [Maker, ...Maker[]] = [
  edit,
  edit,
  edit,
  hand,
  hand,
  hand,
  fault,
  fault,
  storage,
  storage,
  (chance) => ({
    kind: 'sql-edit',
    component: anyOf(chance),
    turn: whole(chance, 5),
    memoryMb: pick(chance, [null, 32, 64]),
  }),
  (chance) => ({ kind: 'sql-break', component: pick(chance, ['worker', 'cron']) }),
  // The registry refuses to delete what another component depends on.
  (chance) => ({ kind: 'delete', component: pick(chance, ['web', 'worker', 'cron']), bySql: chance.random() < 0.5 }),
  (chance) => ({ kind: 'desired', component: anyOf(chance), desired: pick(chance, ['running', 'stopped']) }),
  (chance) => ({ kind: 'restart', component: anyOf(chance) }),
  (chance) => ({ kind: 'retag', image: pick(chance, ['localhost/app:1', 'localhost/app:2']) }),
  (chance) => ({ kind: 'squat', component: anyOf(chance), lengthMs: whole(chance, 20_000) }),
  (chance) => ({ kind: 'occupy-port', port: pick(chance, [8_080, 8_081]), lengthMs: whole(chance, 20_000) }),
  (chance) => ({ kind: 'outage', outage: pick(chance, ['hang', 'refuse']), lengthMs: whole(chance, 40_000) }),
  (chance) => ({
    kind: 'silence',
    driver: pick(chance, ['simulated', 'simulated-vm']),
    lengthMs: whole(chance, 40_000),
  }),
  (chance) => ({
    kind: 'events',
    mishap: pick(chance, ['drop', 'duplicate', 'swap-with-next', 'cut', 'late']),
    times: 1 + whole(chance, 4),
  }),
  (chance) => ({ kind: 'clock', byMs: Math.floor((chance.random() - 0.5) * 7_200_000) }),
  (chance) => ({ kind: 'crash', lengthMs: whole(chance, 5_000) }),
  (chance) => ({
    kind: 'mishap',
    mishap: pick(chance, mishaps),
    after: whole(chance, 12),
    lengthMs: whole(chance, 5_000),
  }),
  (chance) => ({ kind: 'reboot', lengthMs: whole(chance, 60_000) }),
];

/** The storm of a seed. */
export function scheduleOf(seed: number, gusts = 16): Schedule {
  const chance = createSeededChance(seed);
  return {
    seed,
    storage: seed % 8 === 0 ? 'file' : 'memory',
    isSlow: seed % 4 === 1,
    beginsInCalm: seed % 2 === 0,
    gusts: Array.from({ length: gusts }, () => ({
      act: pick(chance, makers)(chance),
      calmMs: Math.floor(chance.random() ** 3 * longestCalmMs),
    })),
  };
}

/** One line for a gust. */
export function wordsOfGust({ act, calmMs }: Gust): string {
  const { kind, ...rest } = act;
  const facts = Object.entries(rest).map(([name, value]) => `${name}=${String(value)}`);
  return `${kind} ${facts.join(' ')} then ${String(calmMs)} ms`;
}
