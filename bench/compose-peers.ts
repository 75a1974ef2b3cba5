/** Others that bring 20 containers up: a loop of `podman run`, podman-compose, and `podman kube play`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { exampleImage, probeContainers } from '../scripts/lib/podman.mjs';
import { podman } from '../test/support/test-home.js';
import { timed } from './harness.js';
import { mustSucceed } from './many.js';

/** Longest time of one command of a peer, in milliseconds: podman-compose takes its time. */
const peerMs = 15 * 60_000;

export interface PeerSetting {
  /** A folder of its own for its files. */
  readonly folder: string;
  /** What the names of all it makes begin with. */
  readonly prefix: string;
  readonly count: number;
}

/** One way to bring containers up, and to remove them. */
export interface Peer {
  /** Milliseconds until all run. */
  up(): Promise<number>;
  down(): Promise<void>;
}

async function mustAllRun(filter: string, count: number): Promise<void> {
  const { stdout } = await podman('ps', '--filter', filter, '--filter', 'status=running', '--format', '{{.Names}}');
  const names = stdout.split('\n').filter((name) => name !== '' && !name.endsWith('-infra'));
  if (names.length !== count) throw new Error(`${names.length} of ${count} containers of ${filter} run`);
}

/** `podman run -d`, one after the other, with the flags that this host needs. */
export async function podmanLoop({ prefix, count }: PeerSetting): Promise<Peer> {
  const probe = await probeContainers();
  if (!probe.ok) throw new Error(probe.reason);
  const names = Array.from({ length: count }, (_, index) => `${prefix}loop-${index}`);
  return {
    up: () =>
      timed(async () => {
        for (const name of names) {
          const argv = [...probe.global, 'run', '-d', '--name', name, ...probe.run, exampleImage, 'sleep', '100000'];
          mustSucceed('podman run', await podman(...argv));
        }
      }),
    down: async () => {
      mustSucceed('podman rm', await podman('rm', '-f', '-t', '0', ...names));
    },
  };
}

/**
 * Settings of podman for peers that take no flags of `podman run`: the OCI runtime and limits that this host needs. Soft and
 * hard limits are equal, for podman 4.3 swaps the two for the containers of a pod.
 */
async function settingsFile(folder: string): Promise<Readonly<Record<string, string>>> {
  const probe = await probeContainers();
  if (!probe.ok) throw new Error(probe.reason);
  const limits = probe.run.filter((word) => word !== '--ulimit').map((word) => word.replace(/=\d+:/, '='));
  const lines = [
    '[containers]',
    ...(limits.length > 0
      ? [`default_ulimits = [${limits.map((limit) => JSON.stringify(equalLimits(limit))).join(', ')}]`]
      : []),
    '[engine]',
    ...(probe.global.length > 0 ? [`runtime = ${JSON.stringify(probe.global.at(-1))}`] : []),
  ];
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'containers.conf');
  await writeFile(path, `${lines.join('\n')}\n`);
  return { CONTAINERS_CONF: path };
}

/** `nofile=20000` as `nofile=20000:20000`. */
const equalLimits = (limit: string): string => `${limit}:${limit.split('=')[1] ?? ''}`;

async function runPeer(argv: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<void> {
  const [file = '', ...args] = argv;
  const options = { cwd, env, reject: false, stdin: 'ignore', timeout: peerMs } as const;
  const { exitCode, stdout, stderr } = await execa(file, args, options);
  mustSucceed(argv.slice(0, 3).join(' '), { exitCode, stdout, stderr });
}

/** `podman-compose up -d` of one project. Its second `up` finds that nothing is to be done. */
export async function podmanCompose({ folder, prefix, count }: PeerSetting): Promise<Peer> {
  const own = join(folder, 'compose');
  const env = await settingsFile(own);
  const project = `${prefix}compose`;
  const services = Array.from({ length: count }, (_, index) =>
    [`  c${index}:`, `    image: ${exampleImage}`, '    command: ["sleep", "100000"]'].join('\n'),
  );
  await writeFile(join(own, 'docker-compose.yml'), `version: "3"\nservices:\n${services.join('\n')}\n`);
  const compose = (...args: readonly string[]): Promise<void> =>
    runPeer(['podman-compose', '-p', project, ...args], own, env);
  return {
    up: async () => {
      const ms = await timed(() => compose('up', '-d'));
      await mustAllRun(`label=io.podman.compose.project=${project}`, count);
      return ms;
    },
    down: async () => {
      await compose('down', '-t', '0');
      await podman('network', 'rm', '-f', `${project}_default`);
    },
  };
}

/** `podman kube play` of one file with a pod for each container. */
export async function kubePlay({ folder, prefix, count }: PeerSetting): Promise<Peer> {
  const own = join(folder, 'kube');
  const env = await settingsFile(own);
  const pods = Array.from({ length: count }, (_, index) => `${prefix}kube-${index}`);
  const documents = pods.map((pod) =>
    [
      'apiVersion: v1',
      'kind: Pod',
      `metadata: { name: ${pod} }`,
      'spec:',
      '  containers:',
      `    - { name: c, image: "${exampleImage}", command: ["sleep", "100000"] }`,
    ].join('\n'),
  );
  await writeFile(join(own, 'pods.yaml'), `${documents.join('\n---\n')}\n`);
  return {
    up: async () => {
      const ms = await timed(() => runPeer(['podman', 'play', 'kube', 'pods.yaml'], own, env));
      await mustAllRun(`name=^${prefix}kube-`, count);
      return ms;
    },
    down: () => runPeer(['podman', 'pod', 'rm', '-f', '-t', '0', ...pods], own, env),
  };
}
