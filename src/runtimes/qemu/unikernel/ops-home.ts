/**
 * Where ops and the Nanos kernel are, and a home of their own for each build. ops looks a newer release up on the
 * internet at every call, without a deadline, and reads settings from the user's home: here it finds neither.
 * Source: github.com/nanovms/ops lepton/const.go, lepton/config.go, lepton/image.go.
 */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { BerthError } from '../../../core/errors.js';
import type { Host } from '../../host/host.js';
import type { QemuSettings } from '../contracts.js';

export interface OpsTool {
  /** Path of ops. */
  readonly ops: string;
  /** Paths of the Nanos kernel and of its boot loader. */
  readonly kernel: string;
  readonly boot: string;
  /** Of Nanos; digits and dots. */
  readonly version: string;
}

export type OpsSettings = Pick<QemuSettings, 'ops' | 'nanosKernel' | 'nanosBoot'>;

/** ops compares versions as numbers; this one stands for a kernel that only the settings name. */
const unnamedVersion = '0.1';
const remedy =
  'install ops (https://ops.city) and run: ops update; or name ops, the Nanos kernel and its boot image in the settings';

/** Throws E_RUNTIME_UNAVAILABLE, which says what is missing. */
export async function findOps(host: Host, settings: OpsSettings): Promise<OpsTool> {
  const home = host.env['OPS_HOME'] ?? host.env['HOME'];
  const opsFolder = home === undefined ? undefined : join(home, '.ops');
  const ops = await findProgram(host, settings.ops, opsFolder);
  const latest = opsFolder === undefined ? undefined : await host.readText(join(opsFolder, 'latest.txt'));
  const version = /^\d+(?:\.\d+)+$/.exec(latest?.trim() ?? '')?.[0];
  const release = opsFolder === undefined || version === undefined ? undefined : join(opsFolder, version);
  const [kernel, boot] = await Promise.all([
    findFile(host, settings.nanosKernel, release, 'kernel.img', 'the Nanos kernel'),
    findFile(host, settings.nanosBoot, release, 'boot.img', 'the boot image of Nanos'),
  ]);
  return { ops, kernel, boot, version: version ?? unnamedVersion };
}

async function findProgram(host: Host, setting: string | null, opsFolder: string | undefined): Promise<string> {
  if (setting !== null) {
    if (await host.exists(setting)) return setting;
    throw unavailable(`ops is not at ${setting}, where the settings say it is`);
  }
  const installed = opsFolder === undefined ? undefined : join(opsFolder, 'bin', 'ops');
  const found = await host.findProgram('ops');
  if (found !== undefined) return found;
  if (installed !== undefined && (await host.exists(installed))) return installed;
  throw unavailable('ops, which builds unikernels, is not installed');
}

async function findFile(
  host: Host,
  setting: string | null,
  release: string | undefined,
  name: string,
  what: string,
): Promise<string> {
  const path = setting ?? (release === undefined ? undefined : join(release, name));
  if (path !== undefined && (await host.exists(path))) return path;
  throw unavailable(path === undefined ? `${what} is not here` : `${what} is not at ${path}`);
}

function unavailable(message: string): BerthError {
  return new BerthError('E_RUNTIME_UNAVAILABLE', message, { suggestion: remedy });
}

/** Makes a home in which ops works without any network, and answers the environment that keeps it there. */
export async function makeOpsHome(folder: string, tool: OpsTool): Promise<Readonly<Record<string, string>>> {
  const [release, temporary, defaults] = [
    join(folder, '.ops', tool.version),
    join(folder, 'tmp'),
    join(folder, 'defaults.json'),
  ];
  await mkdir(release, { recursive: true, mode: 0o700 });
  await mkdir(temporary, { mode: 0o700 });
  await writeFile(join(folder, '.ops', 'latest.txt'), tool.version);
  await symlink(tool.kernel, join(release, 'kernel.img'));
  await symlink(tool.boot, join(release, 'boot.img'));
  // An empty archive: ops would fetch its own, and put certificates and a library of it into every image.
  await writeFile(join(folder, '.ops', 'common.tar.gz'), gzipSync(Buffer.alloc(1024)));
  await writeFile(defaults, '{}');
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    HOME: folder,
    OPS_HOME: folder,
    TMPDIR: temporary,
    OPS_DEFAULT_CONFIG: defaults,
    // Nobody listens there: the look-up of a newer release fails at once, and ops goes on with what is here.
    HTTP_PROXY: 'http://127.0.0.1:1',
    HTTPS_PROXY: 'http://127.0.0.1:1',
  };
}
