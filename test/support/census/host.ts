/** What the host really has of a home: found by labels, names and processes, never by what the registry says. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { shortHomeId } from '../../../src/core/names.js';
import { leftovers } from '../machines.js';
import { processesOf, type SeenProcess } from './processes.js';

/** A container or a virtual machine that bears the home's identity, or a name that begins with its prefix. */
export interface SeenWorkload {
  readonly driver: 'podman' | 'qemu';
  readonly nativeId: string;
  readonly name: string;
  /** Whose it says it is. */
  readonly homeId: string;
  readonly service: string;
  readonly component: string;
  /** The runtime says that it is up (also paused). */
  readonly isUp: boolean;
  /** Process id of what runs inside, or of its QEMU; 0: none. */
  readonly pid: number;
  /** Unix milliseconds of its last start; null: never. */
  readonly startedAtMs: number | null;
  readonly imageDigest: string;
  /** `KEY=value`. */
  readonly env: readonly string[];
}

export interface SeenObject {
  readonly driver: 'podman' | 'qemu';
  readonly kind: 'network' | 'volume';
  readonly name: string;
}

export interface HostSide {
  readonly workloads: readonly SeenWorkload[];
  readonly objects: readonly SeenObject[];
  readonly processes: readonly SeenProcess[];
  /** Half-made and half-removed folders and files of virtual machines. */
  readonly halves: readonly string[];
  /** Names in the home's `podman` folder. */
  readonly podmanFiles: readonly string[];
  /** `pid` of the service that the home remembers; null: none. */
  readonly servicePid: number | null;
  /** `pid` of the agent that the lock's holder file names; null: none. */
  readonly holderPid: number | null;
  /** Where `api.json` says that the API is, as `tcp 127.0.0.1:7600`; null: nowhere. */
  readonly apiPort: string | null;
}

const deadlineMs = 60_000;

export async function seeHost(home: string, homeId: string, prefix: string): Promise<HostSide> {
  const [containers, machines, processes] = await Promise.all([
    containersOf(homeId, prefix),
    machinesIn(home),
    processesOf(home, prefix),
  ]);
  const workloads = [...containers, ...machines.map((machine) => withProcess(machine, processes))];
  return {
    workloads,
    objects: [...(await podmanObjects(homeId)), ...(await diskVolumes(home))],
    processes,
    halves: (await leftovers(home)).filter((name) => name.includes('/.')),
    podmanFiles: await readdir(join(home, 'podman')).catch(() => []),
    servicePid: await pidIn(join(home, 'podman', 'podman-service.json')),
    apiPort: await apiPortOf(home),
    holderPid: await pidIn(join(home, 'registry.db.agent.json')),
  };
}

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly State: { readonly Status: string; readonly Pid: number; readonly StartedAt: string };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> | null; readonly Env: readonly string[] };
}

async function podmanJson(...argv: readonly string[]): Promise<unknown> {
  const { stdout } = await execa('podman', argv, { timeout: deadlineMs, stdin: 'ignore' });
  return JSON.parse(stdout === '' ? '[]' : stdout);
}

type Labelled = { readonly Labels?: Readonly<Record<string, string>> | null };

async function containersOf(homeId: string, prefix: string): Promise<readonly SeenWorkload[]> {
  const listed = (await podmanJson('ps', '-a', '--format', 'json')) as readonly (Labelled & {
    readonly Id: string;
    readonly Names: readonly string[];
  })[];
  const ids = listed
    .filter(({ Names, Labels }) => Names.some((n) => n.startsWith(prefix)) || Labels?.['berth.owner'] === homeId)
    .map(({ Id }) => Id);
  if (ids.length === 0) return [];
  return ((await podmanJson('inspect', '--type', 'container', ...ids)) as readonly Inspected[]).map(containerSeen);
}

function containerSeen({ Id, Name, Image, State, Config }: Inspected): SeenWorkload {
  const bag = Config.Labels ?? {};
  const startedAtMs = Date.parse(State.StartedAt);
  return {
    driver: 'podman',
    nativeId: Id,
    name: Name,
    homeId: bag['berth.owner'] ?? '',
    service: bag['berth.service'] ?? '',
    component: bag['berth.component'] ?? '',
    isUp: !['created', 'configured', 'initialized', 'exited', 'stopped', 'removing'].includes(State.Status),
    pid: State.Pid,
    startedAtMs: startedAtMs > 0 ? startedAtMs : null,
    imageDigest: `sha256:${Image}`,
    env: Config.Env,
  };
}

interface VmFile {
  readonly id: string;
  readonly name: string;
  readonly homeId: string;
  readonly service: string;
  readonly component: string;
  readonly imageDigest: string;
  readonly config: { readonly env: Readonly<Record<string, string>> };
}

/** A VM is a folder; whether it runs, the processes say. */
async function machinesIn(home: string): Promise<readonly SeenWorkload[]> {
  const root = join(home, 'vm', 'run');
  const ids = (await readdir(root).catch(() => [])).filter((name) => !name.startsWith('.'));
  return Promise.all(
    ids.map(async (id) => {
      const record = (await jsonOf(join(root, id, 'vm.json'))) as VmFile | null;
      const run = (await jsonOf(join(root, id, 'm', 'run.json'))) as { readonly startedAtMs: number } | null;
      return {
        driver: 'qemu' as const,
        nativeId: id,
        name: record?.name ?? `${id} (without a record)`,
        homeId: record?.homeId ?? '',
        service: record?.service ?? '',
        component: record?.component ?? '',
        ...{ isUp: false, pid: 0 },
        startedAtMs: run?.startedAtMs ?? null,
        imageDigest: record?.imageDigest ?? '',
        env: Object.entries(record?.config.env ?? {}).map(([key, value]) => `${key}=${value}`),
      };
    }),
  );
}

function withProcess(machine: SeenWorkload, processes: readonly SeenProcess[]): SeenWorkload {
  const own = processes.find(({ kind, of }) => kind === 'qemu' && of === machine.nativeId);
  return own ? { ...machine, isUp: true, pid: own.pid } : machine;
}

async function podmanObjects(homeId: string): Promise<readonly SeenObject[]> {
  const begin = `berth-${shortHomeId(homeId)}.`;
  const networks = (await podmanJson('network', 'ls', '--format', 'json')) as readonly {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
  }[];
  const volumes = (await podmanJson('volume', 'ls', '--format', 'json')) as readonly (Labelled & {
    readonly Name: string;
  })[];
  const found = [
    ...networks.map(({ name, labels }) => ({ kind: 'network' as const, name, labels })),
    ...volumes.map(({ Name, Labels }) => ({ kind: 'volume' as const, name: Name, labels: Labels })),
  ];
  return found
    .filter(({ name, labels }) => name.startsWith(begin) || labels?.['berth.owner'] === homeId)
    .map(({ kind, name }) => ({ driver: 'podman', kind, name }));
}

async function diskVolumes(home: string): Promise<readonly SeenObject[]> {
  const names = (await readdir(join(home, 'vm', 'volumes')).catch(() => [])).filter((name) => !name.startsWith('.'));
  return names.map((name) => ({ driver: 'qemu', kind: 'volume', name: name.replace(/\.ext4$/, '') }));
}

async function jsonOf(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return null;
  }
}

async function apiPortOf(home: string): Promise<string | null> {
  const url = ((await jsonOf(join(home, 'api.json'))) as { readonly url?: unknown } | null)?.url;
  return typeof url === 'string' ? `tcp ${new URL(url).host}` : null;
}

async function pidIn(path: string): Promise<number | null> {
  const pid = ((await jsonOf(path)) as { readonly pid?: unknown } | null)?.pid;
  return typeof pid === 'number' ? pid : null;
}
