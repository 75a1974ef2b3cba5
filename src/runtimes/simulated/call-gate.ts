/** The way from a driver to the host and back: time, deadlines, cancelling, outages and planned faults. */
import { BerthError } from '../../core/errors.js';
import type { Fault } from './fault-plan.js';
import type { SimulatedHost } from './host.js';

interface Call {
  readonly name: string;
  /** The caller has its answer, or waits no more. */
  readonly isSettled: () => boolean;
}

/** What ends a call from outside. */
interface Pending {
  /** Nobody gets an answer. */
  readonly forget: () => void;
  readonly end: () => void;
}

function driverClosed(): BerthError {
  return new BerthError('E_DRIVER_UNREACHABLE', 'the driver was closed');
}

const neverAnswers = <T>(): Promise<T> => new Promise(() => undefined);

const noDelay: Fault = { kind: 'slow-answer', delayMs: 0, error: null };

export class CallGate {
  readonly #host: SimulatedHost;
  readonly #homeId: string;
  readonly #pending = new Set<Pending>();
  #dead = false;
  #closed = false;

  constructor(host: SimulatedHost, homeId: string) {
    this.#host = host;
    this.#homeId = homeId;
  }

  /** The caller has died: nobody gets an answer, nothing is asked any more. */
  get dead(): boolean {
    return this.#dead;
  }

  die(): void {
    this.#dead = true;
    for (const { forget } of [...this.#pending]) forget();
  }

  /** The driver lets go: what is under way ends without an answer, and every later call is refused. */
  close(): void {
    this.#closed = true;
    for (const { end } of [...this.#pending]) end();
  }

  /**
   * One call. Fails with E_DRIVER_TIMEOUT after `deadlineMs` or when `signal` fires; what had reached the host by
   * then is carried out all the same.
   */
  run<T>(name: string, signal: AbortSignal, deadlineMs: number, work: (fault: Fault) => Promise<T>): Promise<T> {
    if (this.#dead) return neverAnswers();
    if (this.#closed) return Promise.reject(driverClosed());
    return new Promise((resolve, reject) => {
      let settled = false;
      const call: Call = { name, isSettled: () => settled };
      const settle = (answer: () => void): void => {
        if (settled) return;
        settled = true;
        cancelDeadline();
        signal.removeEventListener('abort', onAbort);
        this.#pending.delete(pending);
        answer();
      };
      const pending: Pending = {
        forget: () => {
          settle(() => undefined);
        },
        end: () => {
          settle(() => {
            reject(driverClosed());
          });
        },
      };
      const fail = (message: string, cause?: unknown): void => {
        settle(() => {
          reject(new BerthError('E_DRIVER_TIMEOUT', `${name}: ${message}`, { cause }));
        });
      };
      const onAbort = (): void => {
        fail('cancelled by the caller', signal.reason);
      };
      const cancelDeadline = this.#host.clock.after(deadlineMs, () => {
        fail(`no answer within ${deadlineMs} ms`);
      });
      this.#pending.add(pending);
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
      this.#perform(call, work).then(
        (value) => {
          settle(() => {
            resolve(value);
          });
        },
        (error: unknown) => {
          settle(() => {
            reject(error instanceof Error ? error : new Error(String(error)));
          });
        },
      );
    });
  }

  /** Has an effect on the host; a crash test may end the caller right before or after it. */
  effect<T>(action: string, target: string, apply: () => T): T {
    const wasDead = this.#dead;
    return this.#host.effect(this.#homeId, action, target, () => this.#dead && !wasDead, apply);
  }

  /** Between two requests of one call: a dead caller sends no second one. */
  mustLive(): void {
    if (this.#dead) throw new BerthError('E_DRIVER_UNREACHABLE', 'the caller ended');
  }

  async #perform<T>(call: Call, work: (fault: Fault) => Promise<T>): Promise<T> {
    const host = this.#host;
    const fault = call.isSettled() ? undefined : host.faults.take(call.name, this.#homeId);
    await host.takeTime('transport');
    if (call.isSettled()) return neverAnswers();
    await host.whenNotHanging();
    if (call.isSettled() && !host.carriesOutAbandoned) return neverAnswers();
    this.#mustReach(call);
    await this.#before(call, fault);
    // A content that was read once cannot be sent again.
    if (fault?.kind === 'twice' && call.name !== 'writeVolume') await work(fault).catch(() => undefined);
    const value = await work(fault ?? noDelay);
    await this.#after(call, fault);
    await host.takeTime('transport');
    await host.whenNotHanging();
    this.#mustReach(call);
    return value;
  }

  async #before(call: Call, fault: Fault | undefined): Promise<void> {
    switch (fault?.kind) {
      case 'fail-before':
        throw fault.error ?? new BerthError('E_DRIVER_FAILED', `${call.name}: refused, as planned`);
      case 'unreachable':
        throw new BerthError('E_DRIVER_UNREACHABLE', `${call.name}: connection refused, as planned`);
      case 'hang':
        return neverAnswers();
      case 'late':
        return this.#host.sleep(fault.delayMs);
      default:
    }
  }

  async #after(call: Call, fault: Fault | undefined): Promise<void> {
    switch (fault?.kind) {
      case 'lost-answer':
        throw new BerthError(
          'E_DRIVER_UNREACHABLE',
          `${call.name}: the connection broke before the answer, as planned`,
        );
      case 'hang-after':
        return neverAnswers();
      case 'slow-answer':
        return this.#host.sleep(fault.delayMs);
      default:
    }
  }

  #mustReach(call: Call): void {
    if (this.#host.outage !== 'refuse') return;
    throw new BerthError('E_DRIVER_UNREACHABLE', `${call.name}: connection refused`);
  }
}
