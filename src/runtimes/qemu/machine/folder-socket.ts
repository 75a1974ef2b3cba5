/** Connects to a socket in a VM's folder, however long the folder's path is. */
import { createConnection, type Socket } from 'node:net';
import type { MachineHost } from '../../host/machine-host.js';

/**
 * A unix socket's path ends after 107 bytes (man 7 unix), so the folder is opened and named by its descriptor. Rejects
 * with the system's error when nothing listens. `take` is called in the very moment in which the connection stands, and
 * has to listen for `error`: a QEMU that goes at once resets it, and an error that nobody hears ends the whole agent.
 */
export async function connectInFolder<T>(
  host: MachineHost,
  folder: string,
  name: string,
  take: (socket: Socket) => T,
): Promise<T> {
  const opened = await host.openFolder(folder);
  try {
    return await new Promise((resolve, reject) => {
      const socket = createConnection({ path: `${opened.path}/${name}` });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(take(socket));
      });
    });
  } finally {
    await opened.close();
  }
}
