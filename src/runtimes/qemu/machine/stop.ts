/** Ends a machine: asked first, then made to. */
import { BerthError, isBerthError } from '../../../core/errors.js';
import { late, throwIfCancelled, within } from './deadline.js';
import type { MachineDeps } from './deps.js';
import { isMachineAlive, killMachine } from './find.js';
import type { QmpSession } from './qmp-session.js';
import type { RunIdentity } from './run-record.js';

export interface StopRequest {
  readonly folder: string;
  readonly run: RunIdentity;
  /** Of this run, started. */
  readonly session: QmpSession;
  /** How long the guest may take; 0: it is not asked. */
  readonly graceMs: number;
}

export interface Stopped {
  /** The guest did not go by itself. */
  readonly forced: boolean;
}

/** A guest that is still booting does not hear the power button: it is pressed again. */
const pressEveryMs = 1_000;
/** For QEMU to quit when told to. */
const quitMs = 1_000;

/** True when QEMU took the command or has gone. */
async function tell(
  session: QmpSession,
  command: string,
  deadlineMs: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await session.execute(command, {}, signal, deadlineMs);
    return true;
  } catch (error) {
    throwIfCancelled(signal);
    // Refused by a QEMU that answers (`cont` of a machine that cannot go on, say).
    return isBerthError(error, 'E_DRIVER_FAILED', 'E_WORKLOAD_MISSING');
  }
}

async function hasEnded(
  deps: MachineDeps,
  session: QmpSession,
  delayMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  return (await within(deps.clock, session.ended, delayMs, signal)) !== late;
}

/** Presses the power button until the guest is off or the grace is over. */
async function ask(deps: MachineDeps, request: StopRequest, signal?: AbortSignal): Promise<'off' | 'on' | 'deaf'> {
  const { session, graceMs } = request;
  const untilMs = deps.clock.monotonic() + graceMs;
  const leftMs = (): number => Math.max(untilMs - deps.clock.monotonic(), 0);
  const callMs = (): number => Math.min(leftMs(), deps.settings.callDeadlineMs);
  // A paused guest hears nothing; one that runs does not mind.
  let answers = await tell(session, 'cont', callMs(), signal);
  while (leftMs() > 0) {
    answers = await tell(session, 'system_powerdown', callMs(), signal);
    if (await hasEnded(deps, session, Math.min(leftMs(), pressEveryMs), signal)) return 'off';
  }
  return answers ? 'on' : 'deaf';
}

/**
 * Returns once the process is gone; a machine that is already gone is fine. A guest that does not obey within the grace
 * is quit, a QEMU that does not answer is killed, and no other process is ever signalled. E_DRIVER_TIMEOUT: it was
 * cancelled, or the process survives SIGKILL.
 */
export async function stopMachine(deps: MachineDeps, request: StopRequest, signal?: AbortSignal): Promise<Stopped> {
  const { session, run, graceMs } = request;
  throwIfCancelled(signal);
  if (!(await isMachineAlive(deps.host, run))) return { forced: false };
  const asked = graceMs > 0 ? await ask(deps, request, signal) : 'on';
  if (asked === 'off') return { forced: false };
  if (asked === 'on') {
    // Together, so that of a cancelled stop neither fails unheard.
    const [ended] = await Promise.all([hasEnded(deps, session, quitMs, signal), tell(session, 'quit', quitMs, signal)]);
    if (ended) return { forced: true };
  }
  await killMachine(deps.host, run);
  if (await hasEnded(deps, session, deps.settings.callDeadlineMs, signal)) return { forced: true };
  if (!(await isMachineAlive(deps.host, run))) return { forced: true };
  throw new BerthError('E_DRIVER_TIMEOUT', `QEMU (process ${run.pid}) is still there after SIGKILL`);
}
