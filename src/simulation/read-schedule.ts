/** Reads a storm that was kept as JSON. */
import { z } from 'zod';
import { BerthError, messageOf } from '../core/errors.js';
import { runtimes } from '../core/spec.js';
import { faultKinds } from '../runtimes/simulated/index.js';
import { handActions, stormComponents, type Act, type Schedule } from './schedule.js';
import { storageTroubles } from './storage.js';
import { mishaps } from './sweep.js';

const ms = z.number().int().min(0).max(86_400_000);
const component = z.enum(stormComponents);
const times = z.number().int().min(1).max(1_000);
const memoryMb = z.number().int().min(1).nullable();

const act = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('edit'),
    component,
    runtime: z.enum(runtimes),
    image: z.string(),
    turn: z.number().int(),
    memoryMb,
    port: z.number().int().min(1).max(65_535).nullable(),
  }),
  z.strictObject({ kind: z.literal('sql-edit'), component, turn: z.number().int(), memoryMb }),
  z.strictObject({ kind: z.literal('sql-break'), component }),
  z.strictObject({ kind: z.literal('delete'), component, bySql: z.boolean() }),
  z.strictObject({ kind: z.literal('desired'), component, desired: z.enum(['running', 'stopped']) }),
  z.strictObject({ kind: z.literal('restart'), component }),
  z.strictObject({ kind: z.literal('hand'), action: z.enum(handActions), pick: z.number().int().min(0) }),
  z.strictObject({ kind: z.literal('retag'), image: z.string() }),
  z.strictObject({ kind: z.literal('squat'), component, lengthMs: ms }),
  z.strictObject({ kind: z.literal('occupy-port'), port: z.number().int().min(1).max(65_535), lengthMs: ms }),
  z.strictObject({ kind: z.literal('outage'), outage: z.enum(['hang', 'refuse']), lengthMs: ms }),
  z.strictObject({ kind: z.literal('silence'), driver: z.string(), lengthMs: ms }),
  z.strictObject({ kind: z.literal('fault'), fault: z.enum(faultKinds), times, delayMs: ms }),
  z.strictObject({
    kind: z.literal('events'),
    mishap: z.enum(['drop', 'duplicate', 'swap-with-next', 'cut', 'late']),
    times,
  }),
  z.strictObject({ kind: z.literal('storage'), trouble: z.enum(storageTroubles), times }),
  z.strictObject({ kind: z.literal('clock'), byMs: z.number().int() }),
  z.strictObject({ kind: z.literal('crash'), lengthMs: ms }),
  z.strictObject({ kind: z.literal('mishap'), mishap: z.enum(mishaps), after: z.number().int().min(0), lengthMs: ms }),
  z.strictObject({ kind: z.literal('reboot'), lengthMs: ms }),
]) satisfies z.ZodType<Act>;

const schedule = z.strictObject({
  seed: z.number().int().min(0),
  storage: z.enum(['memory', 'file']),
  isSlow: z.boolean(),
  beginsInCalm: z.boolean(),
  gusts: z.array(z.strictObject({ act, calmMs: ms })).max(10_000),
}) satisfies z.ZodType<Schedule>;

/** E_DEFINITION when the text is no schedule. */
export function readSchedule(text: string): Schedule {
  try {
    return schedule.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
    throw new BerthError('E_DEFINITION', `this is no schedule of a simulation: ${why}`, { cause: error });
  }
}
