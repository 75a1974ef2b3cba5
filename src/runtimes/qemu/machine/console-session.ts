/** A terminal on a machine's serial console. */
import type { Socket } from 'node:net';
import { BerthError, messageOf } from '../../../core/errors.js';
import type { ConsoleSession } from '../../../core/ports/driver.js';
import type { MachineHost } from '../../host/machine-host.js';
import { machineFiles } from '../contracts.js';
import { WaitingBytes } from './waiting-bytes.js';
import { throwIfCancelled } from './deadline.js';
import { connectInFolder } from './folder-socket.js';

/**
 * Attaches; the signal lets go. What the guest writes goes to the log all the same. One session at a time: a second one
 * hears nothing until the first lets go. While one is attached and much is written, QEMU 7.2 logs some characters twice
 * (chardev/char.c, qemu_chr_write_buffer: what a full socket refused is logged, then sent and logged again).
 * E_WORKLOAD_MISSING: no machine runs here.
 */
export async function attachConsole(
  deps: { host: MachineHost },
  folder: string,
  signal: AbortSignal,
): Promise<ConsoleSession> {
  throwIfCancelled(signal);
  const begin = (socket: Socket): ConsoleSession => sessionOn(socket, signal);
  return connectInFolder(deps.host, folder, machineFiles.consoleSocket, begin).catch((error: unknown) => {
    const message = `there is no console to attach to: ${messageOf(error)}`;
    throw new BerthError('E_WORKLOAD_MISSING', message, { cause: error });
  });
}

function sessionOn(socket: Socket, signal: AbortSignal): ConsoleSession {
  let markTaken = (): void => undefined;
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      markTaken();
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
  let taken: Promise<void> = Promise.resolve();
  return {
    output: outputOf(socket, closed),
    write: (data) => {
      if (!socket.writable) return;
      taken = new Promise((resolve) => {
        markTaken = resolve;
        socket.write(data, () => {
          resolve();
        });
      });
    },
    written: () => taken,
    close: () => {
      letGo();
      return closed;
    },
  };
}

/** What is kept for a reader that is slow; the oldest goes first, and the log has it all. */
const maxWaitingBytes = 1024 * 1024;

/**
 * Always takes what the guest writes, read or not: QEMU waits for a console client that does not, and the guest with
 * it. Ends quietly, whether the guest, the session or the host ended it.
 */
function outputOf(socket: Socket, closed: Promise<void>): AsyncIterable<Uint8Array> {
  const waiting = new WaitingBytes(maxWaitingBytes);
  const state = { isOver: false, wake: (): void => undefined };
  socket.on('data', (chunk: Buffer) => {
    waiting.push(chunk);
    state.wake();
  });
  void closed.then(() => {
    state.isOver = true;
    state.wake();
  });
  return (async function* read() {
    for (;;) {
      const chunk = waiting.shift();
      if (chunk) {
        yield chunk;
        continue;
      }
      if (state.isOver) return;
      await new Promise<void>((resolve) => {
        state.wake = resolve;
      });
    }
  })();
}
