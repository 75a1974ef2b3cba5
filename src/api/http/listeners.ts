/** Where the server is reached: the socket in the home, and a loopback port that may be taken for a while. */
import { chmod, mkdtemp, readFile, rm, rmdir, writeFile, rename } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { ListenOptions } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The kernel keeps the path of a socket in 108 bytes, of which the last is NUL. */
const longestSocketPath = 107;
const socketMode = 0o660;

/** Listens, or fails with the system's own error and listens nowhere. The socket's file is made anew. */
export async function listenOnSocket(server: Server, home: string, setMode = chmod): Promise<string> {
  const path = await socketPath(home);
  await rm(path, { force: true });
  await listen(server, { path });
  try {
    await setMode(path, socketMode);
  } catch (error) {
    // Whoever tries again listens again.
    server.close();
    throw error;
  }
  return path;
}

/** Removes what `listenOnSocket` made. */
export async function removeSocket(home: string, path: string): Promise<void> {
  if (dirname(path) === home) {
    await rm(path, { force: true });
    return;
  }
  await removeElsewhere(path);
  await rm(join(home, 'berth.sock.path'), { force: true });
}

/** The socket and the folder that was made for it, which goes only when it is empty: a path read from a file proves little. */
async function removeElsewhere(path: string): Promise<void> {
  await rm(path, { force: true });
  await rmdir(dirname(path)).catch(() => undefined);
}

/** In the home; where that path is too long for a socket, in a folder of its own that a file in the home names. */
async function socketPath(home: string): Promise<string> {
  const path = join(home, 'berth.sock');
  const note = join(home, 'berth.sock.path');
  const earlier = await readFile(note, 'utf8').catch(() => null);
  // Of an agent that died: only what has the names of ours is removed.
  const leftOver = earlier?.trim() ?? '';
  if (/\/berth-\w{6}\/berth\.sock$/.test(leftOver)) await removeElsewhere(leftOver);
  if (Buffer.byteLength(path) <= longestSocketPath) {
    await rm(note, { force: true });
    return path;
  }
  const elsewhere = join(await mkdtemp(join(tmpdir(), 'berth-')), 'berth.sock');
  await writeWhole(note, elsewhere);
  return elsewhere;
}

/** Listens on `127.0.0.1:PORT` and answers the address that was really bound, as a URL. */
export async function listenOnTcp(server: Server, address: string): Promise<string> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  // It listens already when only its address could not be written down the last time.
  if (!server.listening) await listen(server, { host, port: Number(address.slice(colon + 1)) });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  return `http://${address.slice(0, colon)}:${port}`;
}

function listen(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      server.off('listening', succeeded);
      reject(error);
    };
    const succeeded = (): void => {
      server.off('error', failed);
      resolve();
    };
    server.once('error', failed);
    server.once('listening', succeeded);
    try {
      server.listen(options);
    } catch (error) {
      server.off('error', failed);
      server.off('listening', succeeded);
      throw error;
    }
  });
}

/** Where programs read how the agent is reached over TCP. */
export async function writeAddress(home: string, address: { readonly url: string; readonly pid: number }) {
  await writeWhole(join(home, 'api.json'), `${JSON.stringify(address)}\n`);
}

export async function removeAddress(home: string): Promise<void> {
  await rm(join(home, 'api.json'), { force: true });
}

/** A reader sees the old content or the new, never a part. */
async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, path);
}
