/**
 * Whether the process of a container is really there. Podman believes that a container runs until its
 * conmon says otherwise; a conmon that was killed says nothing, and podman says "running" or "stopping" for ever.
 */
import type { Clock } from '../../core/ports/clock.js';
import type { Host } from '../host/host.js';
import { pause } from '../host/pause.js';
import { startTicksOf } from '../host/process-identity.js';

/** How long a process must be gone before podman is not believed: its own clean-up takes a moment. */
const goneAfterMs = 3_000;

/** How long a process that was killed may take to be gone, and how often that is looked at. */
const killWaitMs = 2_000;
const killLookMs = 10;

/** The first process of a container, as it was once seen. */
export interface SeenProcess {
  readonly pid: number;
  readonly startTicks: string;
}

/** With the component that it is of, in words; null: it is not of this home. */
interface Seen extends SeenProcess {
  readonly owner: string | null;
}

/** Remembers since when processes are gone. */
export class ProcessWatch {
  readonly #host: Host;
  readonly #clock: Clock;
  readonly #goneSince = new Map<string, number>();
  /** The process behind each container, as it was first seen: its number may be somebody else's later. */
  readonly #seen = new Map<string, Seen>();
  /** True once one was seen: a service in another PID namespace has numbers that mean nothing here. */
  #sharesProcesses = false;

  constructor(host: Host, clock: Clock) {
    this.#host = host;
    this.#clock = clock;
  }

  /** True when podman says that `pid` runs, and it has been gone for a while. `owner`: the component, if of this home. */
  async isGone(containerId: string, pid: number | null | undefined, owner: string | null = null): Promise<boolean> {
    if (!pid) return false;
    if (await this.#isThere(containerId, pid, owner)) {
      this.#sharesProcesses = true;
      this.#goneSince.delete(containerId);
      return false;
    }
    const since = this.#goneSince.get(containerId) ?? this.#clock.monotonic();
    this.#goneSince.set(containerId, since);
    return this.#sharesProcesses && this.#clock.monotonic() - since >= goneAfterMs;
  }

  /** The process that a container was last seen with; undefined: with none. */
  processOf(containerId: string): SeenProcess | undefined {
    const seen = this.#seen.get(containerId);
    return seen && { pid: seen.pid, startTicks: seen.startTicks };
  }

  /** Containers of a component of this home, as far as they were seen, whose process is proven to run. */
  async running(owner: string): Promise<readonly string[]> {
    const ids: string[] = [];
    for (const [id, seen] of this.#seen) if (seen.owner === owner && (await this.#isProven(id, seen))) ids.push(id);
    return ids;
  }

  /**
   * Ends what is left of a container that podman says is down or gone: nobody else will, for podman does not know of it
   * any more. Only what is proven to be that very process of that container is killed. With it goes all that it started,
   * as it is the first of its PID namespace (man 7 pid_namespaces). Returns once it is gone, or was given its time.
   */
  async end(containerId: string, seen: SeenProcess | undefined, signal: AbortSignal): Promise<void> {
    const untilMs = this.#clock.monotonic() + killWaitMs;
    while (seen && (await this.#isProven(containerId, seen))) {
      this.#host.kill(seen.pid, 'SIGKILL');
      if (signal.aborted || this.#clock.monotonic() >= untilMs) return;
      await pause(this.#clock, killLookMs, signal);
    }
  }

  /** A number may be another's by now, or of another host's: the kernel or its parent must name the container. */
  async #isProven(containerId: string, { pid, startTicks }: SeenProcess): Promise<boolean> {
    const cgroups = await this.#host.readText(`/proc/${pid}/cgroup`);
    const isNamed = cgroups?.includes(containerId) === true || (await this.#parentNames(pid, containerId));
    return isNamed && (await startTicksOf(this.#host, pid)) === startTicks;
  }

  /** Where containers have no control groups of their own: its conmon has the id among its arguments. */
  async #parentNames(pid: number, containerId: string): Promise<boolean> {
    const status = (await this.#host.readText(`/proc/${pid}/status`)) ?? '';
    const parent = /^PPid:\s*(\d+)$/m.exec(status)?.[1];
    const argv = parent === undefined ? undefined : await this.#host.readText(`/proc/${parent}/cmdline`);
    return argv?.split('\0').includes(containerId) === true;
  }

  /** All other containers are no more; of this home's, those are remembered whose process runs on all the same. */
  async keepOnly(containerIds: ReadonlySet<string>): Promise<void> {
    for (const id of this.#goneSince.keys()) if (!containerIds.has(id)) this.#goneSince.delete(id);
    for (const [id, seen] of this.#seen) {
      if (containerIds.has(id) || (seen.owner !== null && (await this.#isProven(id, seen)))) continue;
      this.#seen.delete(id);
    }
  }

  async #isThere(containerId: string, pid: number, owner: string | null): Promise<boolean> {
    const startTicks = await startTicksOf(this.#host, pid);
    if (startTicks === undefined) return false;
    const known = this.#seen.get(containerId);
    if (known?.pid === pid) return known.startTicks === startTicks;
    this.#seen.set(containerId, { pid, startTicks, owner });
    return true;
  }
}
