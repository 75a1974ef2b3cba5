/** Where podman's sockets are, and where one of our own fits. Pure but for the folder that it may make. */
import { join } from 'node:path';
import { shortHomeId } from '../../core/names.js';
import type { Host } from '../host/host.js';

/** A unix socket's path has at most so many bytes (man 7 unix: 108 with the final zero). */
const maxSocketBytes = 107;

/** The system's own sockets for this user, best first. */
export function systemSockets(uid: number, env: Readonly<Record<string, string | undefined>>): readonly string[] {
  if (uid === 0) return ['/run/podman/podman.sock'];
  const runtimeDir = env['XDG_RUNTIME_DIR'] ?? `/run/user/${uid}`;
  return [join(runtimeDir, 'podman/podman.sock')];
}

/** True when a socket may have this path. */
export function fitsSocket(path: string): boolean {
  return Buffer.byteLength(path) <= maxSocketBytes;
}

export interface SocketPlace {
  readonly socket: string;
  /** A folder that was made for it alone and goes with it; null when it is in the state folder. */
  readonly folder: string | null;
}

/** A place for the socket of a service that this home starts: in the home, or somewhere shorter. */
export async function placeSocket(host: Host, stateDir: string, homeId: string, name: string): Promise<SocketPlace> {
  const inHome = join(stateDir, `${name}.sock`);
  if (fitsSocket(inHome)) return { socket: inHome, folder: null };
  const runtimeDir = host.env['XDG_RUNTIME_DIR'];
  if (runtimeDir) {
    const inRuntimeDir = join(runtimeDir, `berth-${shortHomeId(homeId)}-${name}.sock`);
    if (fitsSocket(inRuntimeDir) && (await host.exists(runtimeDir))) return { socket: inRuntimeDir, folder: null };
  }
  const folder = await host.makeTemporaryFolder('/tmp/berth-');
  return { socket: join(folder, 'p.sock'), folder };
}
