/**
 * Whether the process of a container is really there. Podman believes that a container runs until its
 * conmon says otherwise; a conmon that was killed says nothing, and podman says "running" or "stopping" for ever.
 */
import type { Clock } from '../../core/ports/clock.js';
import type { Host } from '../host/host.js';
import { startTicksOf } from '../host/process-identity.js';

/** How long a process must be gone before podman is not believed: its own clean-up takes a moment. */
const goneAfterMs = 3_000;

/** Remembers since when processes are gone. */
export class ProcessWatch {
  readonly #host: Host;
  readonly #clock: Clock;
  readonly #goneSince = new Map<string, number>();
  /** The process behind each container, as it was first seen: its number may be somebody else's later. */
  readonly #seen = new Map<string, { readonly pid: number; readonly startTicks: string }>();
  /** True once one was seen: a service in another PID namespace has numbers that mean nothing here. */
  #sharesProcesses = false;

  constructor(host: Host, clock: Clock) {
    this.#host = host;
    this.#clock = clock;
  }

  /** True when podman says that `pid` runs, and it has been gone for a while. */
  async isGone(containerId: string, pid: number | null | undefined): Promise<boolean> {
    if (!pid) return false;
    if (await this.#isThere(containerId, pid)) {
      this.#sharesProcesses = true;
      this.#goneSince.delete(containerId);
      return false;
    }
    const since = this.#goneSince.get(containerId) ?? this.#clock.monotonic();
    this.#goneSince.set(containerId, since);
    return this.#sharesProcesses && this.#clock.monotonic() - since >= goneAfterMs;
  }

  /** The container is no more. */
  forget(containerId: string): void {
    this.#goneSince.delete(containerId);
    this.#seen.delete(containerId);
  }

  async #isThere(containerId: string, pid: number): Promise<boolean> {
    const startTicks = await startTicksOf(this.#host, pid);
    if (startTicks === undefined) return false;
    const known = this.#seen.get(containerId);
    if (known?.pid === pid) return known.startTicks === startTicks;
    this.#seen.set(containerId, { pid, startTicks });
    return true;
  }
}
