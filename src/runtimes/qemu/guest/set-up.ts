/** Fetches Debian's kernel for virtual machines into the home, and never installs a package on this machine. */
import { join } from 'node:path';
import { BerthError } from '../../../core/errors.js';
import type { Clock } from '../../../core/ports/clock.js';
import type { Folders } from '../../host/folders.js';
import type { Host, RunResult } from '../../host/host.js';
import { homeImage, homeModules, homePrefix } from './kernel.js';
import { throwIfCancelled } from '../machine/deadline.js';

/** Debian's name for the newest kernel made for virtual machines. */
const packageName = 'linux-image-cloud-amd64';
const temporaryPrefix = 'setup-';
const bySetting = 'set vm_kernel and vm_kernel_modules to a kernel of yours';

export interface KernelSetUp {
  readonly host: Host;
  readonly folders: Folders;
  readonly clock: Clock;
  /** `BERTH_HOME/vm/kernel`. */
  readonly folder: string;
  /** For each of the commands. */
  readonly deadlineMs: number;
}

/**
 * Puts the kernel that Debian has now into the folder, in one piece; does nothing when it is there. `say` is told what
 * is being done. E_KERNEL_MISSING, E_DISK_FULL.
 */
export async function setUpKernel(parts: KernelSetUp, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  const { folders, folder } = parts;
  const kernelPackage = await newestPackage(parts, signal);
  const version = kernelPackage.replace(/^linux-image-/, '');
  const place = join(folder, homePrefix + version);
  if (await folders.facts(join(place, homeImage))) {
    say(`the kernel ${version} is here already`);
    return;
  }
  await folders.make(folder);
  await removeLeftovers(parts);
  const temporary = await parts.host.makeTemporaryFolder(join(folder, temporaryPrefix));
  try {
    say(`fetching ${kernelPackage} from Debian`);
    await download(parts, temporary, kernelPackage, signal);
    const archive = (await folders.list(temporary)).find((name) => name.endsWith('.deb'));
    if (archive === undefined) throw failure(`apt-get downloaded nothing for ${kernelPackage}`);
    say(`unpacking ${archive}`);
    const tree = join(temporary, 'tree');
    judge(await run(parts, ['dpkg-deb', '-x', join(temporary, archive), tree], signal), `unpack ${archive}`, signal);
    await settle(folders, tree, version, join(temporary, 'kernel'));
    await folders.rename(join(temporary, 'kernel'), place);
    say(`the kernel ${version} is in ${place}`);
  } finally {
    await folders.remove(temporary);
  }
}

/** Keeps the image and its modules of an unpacked package. */
async function settle(folders: Folders, tree: string, version: string, to: string): Promise<void> {
  await folders.make(to);
  await folders.rename(join(tree, 'boot', `vmlinuz-${version}`), join(to, homeImage));
  // A merged /usr moves the modules in newer Debians.
  const merged = (await folders.facts(join(tree, 'usr', 'lib', 'modules', version))) !== undefined;
  const modules = join(tree, ...(merged ? ['usr'] : []), 'lib', 'modules', version);
  await folders.rename(modules, join(to, homeModules));
}

async function newestPackage(parts: KernelSetUp, signal: AbortSignal): Promise<string> {
  if ((await parts.host.findProgram('apt-cache')) === undefined) {
    throw failure('only on Debian and its kin can a kernel be fetched', bySetting);
  }
  const result = await run(parts, ['apt-cache', 'depends', packageName], signal);
  const found = dependencyOf(result.output);
  if (found !== undefined) return found;
  judge({ ...result, exitCode: result.exitCode ?? 1 }, `ask apt for ${packageName}`, signal);
  throw failure(`apt knows no package ${packageName}`, `run apt-get update and try again, or ${bySetting}`);
}

/** The kernel package that the output of `apt-cache depends` names. Pure. */
export function dependencyOf(output: string): string | undefined {
  return /^\s*Depends: (linux-image-\d\S*)$/m.exec(output)?.[1];
}

async function download(parts: KernelSetUp, to: string, name: string, signal: AbortSignal): Promise<void> {
  // apt writes into the working directory; its own user may not write there, nor does it need to.
  const argv = ['env', '-C', to, 'apt-get', '-q', '-o', 'APT::Sandbox::User=root', 'download', name];
  judge(await run(parts, argv, signal), `download ${name}`, signal);
}

function run({ host, deadlineMs }: KernelSetUp, argv: readonly string[], signal: AbortSignal): Promise<RunResult> {
  return host.run(argv, { timeoutMs: deadlineMs, signal, env: { LC_ALL: 'C' } });
}

function judge(result: RunResult, what: string, signal: AbortSignal): void {
  throwIfCancelled(signal);
  if (result.exitCode === 0) return;
  const words = result.output.trim().slice(-600);
  if (/no space left on device|disk quota exceeded/i.test(words)) {
    throw new BerthError('E_DISK_FULL', `the disk is full: could not ${what}`);
  }
  if (result.timedOut) throw failure(`could not ${what} in time`, 'see whether the network works, then try again');
  if (/could not resolve|temporary failure|unable to connect|could not connect|network is unreachable/i.test(words)) {
    throw failure(
      `could not ${what}: the network does not reach Debian's mirror: ${words}`,
      `try again, or ${bySetting}`,
    );
  }
  throw failure(`could not ${what}: ${words}`, `run apt-get update and try again, or ${bySetting}`);
}

function failure(message: string, suggestion?: string): BerthError {
  return new BerthError('E_KERNEL_MISSING', message, suggestion === undefined ? {} : { suggestion });
}

const leftoverAgeMs = 3_600_000;

/** Of runs that were killed; a younger one may belong to another that runs now. */
async function removeLeftovers({ folders, folder, clock }: KernelSetUp): Promise<void> {
  for (const name of await folders.list(folder)) {
    if (!name.startsWith(temporaryPrefix)) continue;
    const facts = await folders.facts(join(folder, name));
    if (facts && clock.now() - facts.modifiedAtMs > leftoverAgeMs) await folders.remove(join(folder, name));
  }
}
