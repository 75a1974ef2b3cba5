/** What tests read through the command line of a throw-away home. */
import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { eventually } from './eventually.js';
import { podman, root, type TestHome } from './test-home.js';

export interface StatusRow {
  readonly service: string;
  readonly component: string;
  readonly workload: string;
  readonly desired: string;
  readonly observed: string;
  readonly phase: string;
  readonly ready: boolean;
  readonly generation: number;
  readonly observedGeneration: number;
  readonly restarts: number;
  readonly exitCode: number | null;
  readonly reason: string;
  readonly message: string;
  readonly observedAgeMs: number | null;
  readonly drift: readonly { readonly field: string; readonly desired: string; readonly observed: string }[];
}

/** `berth status -o json`. */
export async function status(home: TestHome): Promise<readonly StatusRow[]> {
  const { stdout } = await home.berth('status', '-o', 'json');
  return (JSON.parse(stdout) as { readonly components: readonly StatusRow[] }).components;
}

/** One component's row. */
export async function row(home: TestHome, component: string): Promise<StatusRow> {
  const found = (await status(home)).find((item) => item.component === component);
  if (!found) throw new Error(`no component ${component}`);
  return found;
}

/** What identifies a run of a container: its id and its start. */
export async function runOf(name: string): Promise<string> {
  const { stdout, stderr } = await podman(
    'inspect',
    '--format',
    '{{.Id}} {{.State.StartedAt}} {{.State.Status}}',
    name,
  );
  if (stdout === '') throw new Error(stderr);
  return stdout;
}

/** Names of all containers of a home, sorted. */
export async function containersOf(home: TestHome): Promise<readonly string[]> {
  const { stdout } = await podman('ps', '-a', '--filter', `name=^${home.prefix}`, '--format', '{{.Names}}');
  return stdout
    .split('\n')
    .filter((name) => name !== '')
    .sort();
}

export interface SeenEvent {
  /** When its line arrived here, by the monotonic clock, in milliseconds. */
  readonly arrivedMs: number;
  readonly reason: string;
  readonly component: string | null;
  readonly message: string;
  readonly severity: string;
}

export interface Follower {
  readonly events: readonly SeenEvent[];
  /** Waits for an event that `fits`, and takes it and all before it off. */
  take(fits: (event: SeenEvent) => boolean, describe: string): Promise<SeenEvent>;
  stop(): Promise<void>;
}

/** `berth events -f -o json`, from now on. */
export async function followEvents(home: TestHome): Promise<Follower> {
  const child = execa(process.execPath, [`${root}/dist/src/main.js`, 'events', '-f', '-o', 'json'], {
    env: home.env,
    cwd: root,
    reject: false,
    buffer: false,
    cleanup: true,
  });
  const events: SeenEvent[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines)
      events.push({ arrivedMs: performance.now(), ...(JSON.parse(line) as Omit<SeenEvent, 'arrivedMs'>) });
  });
  // Over the agent's socket what is new comes after what was there; on the file, once that is open.
  await eventually(() => events.length > 0 || isFollowing(child.pid ?? 0), {
    timeoutMs: 30_000,
    describe: 'events -f follows',
  });
  return {
    events,
    take: async (fits, describe) => {
      const found = await eventually(() => first(events, fits), {
        timeoutMs: 40_000,
        describe: () => `${describe}; seen: ${events.map((event) => event.reason).join(' ')}`,
      });
      events.splice(0, events.indexOf(found) + 1);
      return found;
    },
    stop: async () => {
      child.kill('SIGTERM');
      await child;
    },
  };
}

function first(events: readonly SeenEvent[], fits: (event: SeenEvent) => boolean): SeenEvent {
  const found = events.find(fits);
  if (!found) throw new Error('not yet');
  return found;
}

/** The registry is open in that process: it has printed what was there, or is about to. */
function isFollowing(pid: number): boolean {
  return readFileSync(`/proc/${String(pid)}/maps`, 'utf8').includes('registry.db-shm');
}
