/** A terminal on a machine's serial console. */
import { BerthError, messageOf } from '../../../core/errors.js';
import type { ConsoleSession } from '../../../core/ports/driver.js';
import type { MachineHost } from '../../host/machine-host.js';
import { machineFiles } from '../contracts.js';
import { throwIfCancelled } from './deadline.js';
import { connectInFolder } from './folder-socket.js';

/**
 * Attaches; the signal lets go. What the guest writes goes to the log all the same. One session at a time: a second one
 * hears nothing until the first lets go. E_WORKLOAD_MISSING: no machine runs here.
 */
export async function attachConsole(
  deps: { host: MachineHost },
  folder: string,
  signal: AbortSignal,
): Promise<ConsoleSession> {
  throwIfCancelled(signal);
  const socket = await connectInFolder(deps.host, folder, machineFiles.consoleSocket).catch((error: unknown) => {
    const message = `there is no console to attach to: ${messageOf(error)}`;
    throw new BerthError('E_WORKLOAD_MISSING', message, { cause: error });
  });
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve();
    });
  });
  const letGo = (): void => {
    socket.destroy();
  };
  socket.on('error', letGo);
  signal.addEventListener('abort', letGo, { once: true });
  if (signal.aborted) letGo();
  void closed.then(() => {
    signal.removeEventListener('abort', letGo);
  });
  return {
    output: outputOf(socket),
    write: (data) => {
      if (socket.writable) socket.write(data);
    },
    close: () => {
      letGo();
      return closed;
    },
  };
}

/** Ends quietly, whether the guest, the session or the host ended it. */
async function* outputOf(socket: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of socket) yield chunk;
  } catch {
    return;
  }
}
