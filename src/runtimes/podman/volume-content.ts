/**
 * What named volumes hold, read and written where podman keeps it. `podman volume export` leaves out the owner and
 * the mode of the volume's root and cannot speak to a service, so tar does it: without root in podman's user namespace.
 */
import { BerthError, isBerthError } from '../../core/errors.js';
import type { HostObject } from '../../core/observation.js';
import type { VolumeContent } from '../../core/ports/driver.js';
import type { Host } from '../host/host.js';
import type { Pipes } from '../host/pipes.js';
import type { HostObjects } from './host-objects.js';

export interface VolumeContentOptions {
  readonly host: Host;
  readonly pipes: Pipes;
  readonly objects: HostObjects;
  /** Milliseconds for reading or writing one volume. */
  readonly buildDeadlineMs: number;
}

/** Numbers, not names: the accounts of this host have no meaning inside. Source: GNU tar's manual. */
const createFlags = ['--create', '--format=pax', '--pax-option=delete=atime,delete=ctime', '--numeric-owner'];
const extractFlags = [
  '--extract',
  '--numeric-owner',
  '--same-owner',
  '--preserve-permissions',
  '--delay-directory-restore',
];

interface CommandEnd {
  readonly exitCode: number | null;
  readonly output: string;
  readonly timedOut: boolean;
  readonly cancelled: boolean;
}

/** Fails unless a command did what it was for. `what` says what that was: `read the volume x`. */
function mustSucceed(end: CommandEnd, what: string, deadlineMs: number): void {
  if (end.exitCode === 0) return;
  if (end.cancelled) throw new BerthError('E_DRIVER_TIMEOUT', `it was cancelled (${what})`);
  if (end.timedOut) throw new BerthError('E_DRIVER_TIMEOUT', `it took longer than ${deadlineMs} ms (${what})`);
  const code = /no space left on device|disk quota exceeded/i.test(end.output) ? 'E_DISK_FULL' : 'E_DRIVER_FAILED';
  const words = end.output.trim().split('\n').at(-1) ?? '';
  throw new BerthError(code, `could not ${what}: ${words}`, { details: { output: end.output } });
}

async function programAt(host: Host, name: string): Promise<string> {
  const path = await host.findProgram(name);
  if (path) return path;
  throw new BerthError('E_RUNTIME_UNAVAILABLE', `${name} is not installed here, so no volume can be copied`, {
    suggestion: `install the package ${name === 'find' ? 'findutils' : name}`,
  });
}

/** A command that sees the owners as containers do. */
async function command(host: Host, name: string): Promise<readonly string[]> {
  const program = await programAt(host, name);
  return host.uid === 0 ? [program] : [await programAt(host, 'podman'), 'unshare', program];
}

/** The folder of a volume of this home. E_NOT_FOUND, E_NAME_TAKEN (somebody else's), E_NOT_SUPPORTED (elsewhere). */
async function folderOf(options: VolumeContentOptions, object: HostObject, signal: AbortSignal): Promise<string> {
  const folder = await options.objects.volumeFolder(object, signal);
  if (folder === undefined) {
    throw new BerthError('E_NOT_FOUND', `podman has no volume ${object.name}`, {
      suggestion: 'see which there are with: podman volume ls',
    });
  }
  if (folder !== '' && (await options.host.exists(folder))) return folder;
  throw new BerthError('E_NOT_SUPPORTED', `the volume ${object.name} is not on this machine`, {
    suggestion: 'copy it on the machine where its podman runs',
    details: { folder },
  });
}

/** See Driver.readVolume. */
export async function* readVolume(
  options: VolumeContentOptions,
  object: HostObject,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { host, pipes, buildDeadlineMs } = options;
  const folder = await folderOf(options, object, signal);
  const argv = [...(await command(host, 'tar')), ...createFlags, '--directory', folder, '.'];
  const end = yield* pipes.drain(argv, { timeoutMs: buildDeadlineMs, signal });
  mustSucceed(end, `read the volume ${object.name}`, buildDeadlineMs);
}

/** See Driver.writeVolume. */
export async function writeVolume(
  options: VolumeContentOptions,
  object: HostObject,
  content: VolumeContent,
  signal: AbortSignal,
): Promise<void> {
  const { host, pipes, buildDeadlineMs } = options;
  await makeEmpty(options, object, signal);
  const folder = await folderOf(options, object, signal);
  const argv = [...(await command(host, 'tar')), ...extractFlags, '--directory', folder];
  const end = await pipes.feed(argv, content.tar, { timeoutMs: buildDeadlineMs, signal });
  mustSucceed(end, `write the volume ${object.name}`, buildDeadlineMs);
}

/** Made anew; one that a stopped container still names is emptied where it is. */
async function makeEmpty(options: VolumeContentOptions, object: HostObject, signal: AbortSignal): Promise<void> {
  const { host, objects, buildDeadlineMs } = options;
  try {
    await objects.remove(object, signal);
  } catch (error) {
    if (!isBerthError(error, 'E_DRIVER_FAILED') || !/being used/i.test(error.message)) throw error;
    const folder = await folderOf(options, object, signal);
    const argv = [...(await command(host, 'find')), folder, '-mindepth', '1', '-delete'];
    const result = await host.run(argv, { timeoutMs: buildDeadlineMs, signal });
    mustSucceed(result, `empty the volume ${object.name}`, buildDeadlineMs);
  }
  await objects.ensure(object);
}
