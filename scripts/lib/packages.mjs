/** The Debian packages that Berth needs: which are missing, and how they get here. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { lastLines, run } from './run.mjs';

const minuteMs = 60_000;

/** What everybody needs, and why. */
const always = {
  podman: 'runs the containers',
  runc: 'the OCI runtime that works on every cgroup layout',
  iptables: 'podman publishes ports with it',
  netavark: "podman's networks",
  'aardvark-dns': 'components find each other by name',
  'busybox-static': 'the example image is made of it, and init of microVMs mounts with it',
  'qemu-system-x86': 'runs the virtual machines',
  'squashfs-tools': 'disks of images too large for the memory of a microVM',
  e2fsprogs: 'volumes of microVMs',
  sqlite3: 'edits the registry by hand, as the README shows',
};

/** What podman needs besides when it is not root. */
const rootless = {
  uidmap: 'user ids of rootless containers',
  slirp4netns: 'networks of rootless containers',
  'fuse-overlayfs': 'storage of rootless containers',
};

/** What only the tests need besides. */
const forTests = {
  syslinux: 'boots the disks of the stand-in for ops',
  'syslinux-common': 'the modules of that boot loader',
  mtools: 'puts files on those disks without mounting them',
  dosfstools: 'makes the file system of those disks',
  chromium: 'opens the dashboard',
};

/** What only the benchmarks need besides: others that do what Berth does. */
const forBench = {
  'podman-compose': 'brings the same containers up',
  catatonit: 'the program of the pods that podman kube play makes',
  'etcd-server': 'tells of the same edits by its watch',
};

/** Programs that compile better-sqlite3 where npm has no ready-made one, and their packages. */
const compilers = { python3: 'python3', make: 'make', 'g++': 'g++' };

/** @typedef {'start' | 'test' | 'bench'} Purpose What is to be done with the clone: `test` and `bench` need all that `start` does, and more. */

/** The packages that this machine needs. @param {boolean} isRoot @param {Purpose} purpose @returns {string[]} */
export function wantedPackages(isRoot, purpose) {
  const build = Object.entries(compilers).filter(([program]) => !isInPath(program));
  const besides = { start: {}, test: forTests, bench: forBench }[purpose];
  return [...Object.keys({ ...always, ...(isRoot ? {} : rootless), ...besides }), ...build.map(([, name]) => name)];
}

/** @param {string} program */
function isInPath(program) {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => folder !== '' && existsSync(join(folder, program)));
}

/**
 * Those of `wanted` that are not installed, from the output of dpkg-query (`package status` a line,
 * where the status begins with `ii` when all is well).
 * @param {readonly string[]} wanted @param {string} dpkgOutput
 */
export function missingPackages(wanted, dpkgOutput) {
  const installed = new Set(
    dpkgOutput
      .split('\n')
      .filter((line) => / ii\s*$/.test(line))
      .map((line) => line.split(' ')[0]?.split(':')[0]),
  );
  return wanted.filter((name) => !installed.has(name));
}

/**
 * Installs what is missing. Throws an Error for people when it cannot.
 * @param {(line: string) => void} say @param {Purpose} [purpose]
 */
export async function ensurePackages(say, purpose = 'start') {
  const isRoot = process.getuid?.() === 0;
  const wanted = wantedPackages(isRoot, purpose);
  const query = await run(['dpkg-query', '-W', '-f', '${Package} ${db:Status-Abbrev}\\n', ...wanted], {
    deadlineMs: minuteMs / 2,
  });
  if (query.exitCode === null) {
    if (isInPath('podman')) return; // Not Debian, but what matters is here; whatever else is missing shows itself.
    throw new Error(`this is no Debian: install these yourself, then try again: ${wanted.join(' ')}`);
  }
  const missing = missingPackages(wanted, query.output);
  if (missing.length === 0) return;
  const become = isRoot ? [] : await sudo();
  if (become === undefined) throw new Error(withoutRights(missing));
  say(`installing ${missing.join(', ')} (apt)`);
  await install(become, missing);
}

/** How to become root without being asked; undefined when there is no way. */
async function sudo() {
  const probe = await run(['sudo', '-n', 'true'], { deadlineMs: minuteMs / 6 });
  return probe.ok ? ['sudo', '-n'] : undefined;
}

/** @param {readonly string[]} missing */
function withoutRights(missing) {
  const command = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  return `these packages are missing, and neither root nor sudo is at hand. As root, run:\n\n  ${command}\n\nThen try again.`;
}

/** @param {readonly string[]} become @param {readonly string[]} missing */
async function install(become, missing) {
  // The packages must not start services of theirs, nor restart those of others.
  const env = ['env', 'DEBIAN_FRONTEND=noninteractive', 'SYSTEMD_OFFLINE=1', 'NEEDRESTART_SUSPEND=1'];
  const apt = [...become, ...env, 'apt-get', '-o', 'DPkg::Lock::Timeout=120'];
  const update = await run([...apt, 'update'], { deadlineMs: 5 * minuteMs });
  const result = await run([...apt, 'install', '-y', '--no-install-recommends', ...missing], {
    deadlineMs: 15 * minuteMs,
  });
  if (result.ok) return;
  const words = lastLines(`${update.ok ? '' : update.output}${result.output}`, 15);
  throw new Error(`apt could not install ${missing.join(' ')}: ${result.problem}\n${words}`);
}
