/** A unix socket in front of another that can take everything and pass nothing on. */
import { connect, createServer, type Socket } from 'node:net';

export interface HangingSocket {
  readonly path: string;
  /** From now on nothing gets through, in either direction. */
  hang(): void;
  /** What hung is cut; new connections get through. */
  resume(): void;
  close(): Promise<void>;
}

export async function openHangingSocket(path: string, behind: string): Promise<HangingSocket> {
  const state = { hangs: false };
  const open = new Set<Socket>();
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  const pass = (from: Socket, to: Socket): void => {
    open.add(from);
    from.on('data', (chunk) => {
      if (!state.hangs) to.write(chunk);
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      open.delete(from);
      if (!state.hangs) to.destroy();
    });
  };
  const server = createServer((socket) => {
    const other = connect(behind);
    pass(socket, other);
    pass(other, socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    path,
    hang: () => {
      state.hangs = true;
    },
    resume: () => {
      if (!state.hangs) return;
      cut();
      state.hangs = false;
    },
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
