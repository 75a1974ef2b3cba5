/**
 * Whether the process of a container is really there. Podman believes that a container runs until its
 * conmon says otherwise; a conmon that was killed says nothing, and podman says "running" or "stopping" for ever.
 */
import type { Clock } from '../../core/ports/clock.js';
import type { Host } from '../host/host.js';
import { isAlive } from '../host/process-identity.js';

/** How long a process must be gone before podman is not believed: its own clean-up takes a moment. */
const goneAfterMs = 3_000;

/** Remembers since when processes are gone. */
export class ProcessWatch {
  readonly #host: Host;
  readonly #clock: Clock;
  readonly #goneSince = new Map<string, number>();
  /** True once one was seen: a service in another PID namespace has numbers that mean nothing here. */
  #sharesProcesses = false;

  constructor(host: Host, clock: Clock) {
    this.#host = host;
    this.#clock = clock;
  }

  /** True when podman says that `pid` runs, and it has been gone for a while. */
  async isGone(containerId: string, pid: number | null | undefined): Promise<boolean> {
    if (!pid) return false;
    if (await isAlive(this.#host, pid)) {
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
  }
}
