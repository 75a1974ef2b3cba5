/** A console from the command line's side: over a real server, over one that is made up, and on when the agent is gone. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { closeCodes } from '../../../src/api/http/console/close-codes.js';
import { consoleOnward } from '../../../src/api/remote/home-console.js';
import { remoteConsole } from '../../../src/api/remote/remote-console.js';
import { createTransport } from '../../../src/api/remote/transport.js';
import { BerthError } from '../../../src/core/errors.js';
import type { Clock } from '../../../src/core/ports/clock.js';
import type { ConsoleSession } from '../../../src/core/ports/driver.js';
import { eventually } from '../../support/eventually.js';
import { realClock } from '../../support/real-clock.js';
import { startBench, up } from '../api-http/support.js';

const web = { service: 'shop', component: 'web' };
const never = new AbortController().signal;

/** Prints what is typed, until `exit`. */
function echo(): ConsoleSession {
  const chunks: Uint8Array[] = [];
  let over = false;
  let wake = (): void => undefined;
  async function* read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield* chunks.splice(0);
      if (over) return;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const end = (): void => {
    over = true;
    wake();
  };
  return {
    output: read(),
    write: (data) => {
      if (Buffer.from(data).toString() === 'exit') end();
      else chunks.push(data);
      wake();
    },
    written: () => Promise.resolve(),
    close: () => {
      end();
      return Promise.resolve();
    },
  };
}

/** All that comes until there is as much as is asked for, or it ends. */
async function hear(session: ConsoleSession, bytes = Number.POSITIVE_INFINITY): Promise<string> {
  const parts: Buffer[] = [];
  const iterator = session.output[Symbol.asyncIterator]();
  while (Buffer.concat(parts).length < bytes) {
    const next = await iterator.next();
    if (next.done === true) break;
    parts.push(Buffer.from(next.value));
  }
  return Buffer.concat(parts).toString();
}

/** Where an agent would listen: one that does with a console what a test wants. */
async function fakeServer(serve: (socket: WebSocket, request: IncomingMessage) => void) {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

async function consoleAt(
  url: URL,
  { clock = realClock, signal = never }: { clock?: Clock; signal?: AbortSignal } = {},
) {
  const transport = await createTransport({ kind: 'url', url, token: 'a-token' }, clock);
  return remoteConsole({ transport, clock }, web, signal);
}

test('what came together with the yes is heard', async () => {
  const server = createServer();
  server.on('upgrade', (request, socket) => {
    const key = `${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
    socket.once('data', () => socket.end());
    // One write: a binary message of five bytes, and a goodbye (RFC 6455, 5.2).
    const frames = Buffer.from([
      0x82,
      5,
      ...Buffer.from('login'),
      0x88,
      2,
      closeCodes.ended >> 8,
      closeCodes.ended & 255,
    ]);
    socket.write(
      Buffer.concat([Buffer.from([...head, `Sec-WebSocket-Accept: ${accept}`, '', ''].join('\r\n')), frames]),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const session = await consoleAt(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  expect(await hear(session)).toBe('login');
});

describe('over a real server', () => {
  async function world() {
    const bench = await startBench({
      driver: {
        attach: (id) =>
          id === 'c0ffee'
            ? Promise.resolve(echo())
            : Promise.reject(new BerthError('E_NOT_SUPPORTED', 'a container has no console', { suggestion: 'logs' })),
      },
    });
    await bench.applyShop();
    await bench.observe('shop/web', up);
    await bench.observe('shop/db', { ...up, nativeId: 'other' });
    const { socket, url } = bench.server.address;
    const addresses = [
      { kind: 'socket', path: socket!, actor: 'cli:tester' },
      { kind: 'url', url: new URL(url!), token: await bench.token() },
    ] as const;
    return { bench, addresses };
  }

  test('both ways say the same', async () => {
    const { bench, addresses } = await world();
    for (const address of addresses) {
      const transport = await createTransport(address, realClock);
      const session = await remoteConsole({ transport, clock: realClock }, web, never);
      // Longer than one message may be.
      const text = 'ß'.repeat(100_000);
      session.write(Buffer.from(text));
      await session.written();
      expect(await hear(session, Buffer.byteLength(text))).toBe(text);
      await session.close();
      await eventually(() => bench.server.serving().streams === 0);
      const again = await remoteConsole({ transport, clock: realClock }, web, never);
      again.write(Buffer.from('exit'));
      expect(await hear(again)).toBe('');
      await again.close();
      const refused = remoteConsole({ transport, clock: realClock }, { ...web, component: 'db' }, never);
      await expect(refused).rejects.toMatchObject({ code: 'E_NOT_SUPPORTED', suggestion: 'logs' });
      const missing = remoteConsole({ transport, clock: realClock }, { ...web, component: 'wbe' }, never);
      await expect(missing).rejects.toMatchObject({ code: 'E_NOT_FOUND', suggestion: 'did you mean "shop/web"?' });
    }
    expect(bench.logged.join()).toContain('cli:tester');
  });

  test('it is left by its signal, and breaks off when the agent ends', async () => {
    const { bench, addresses } = await world();
    const transport = await createTransport(addresses[1], realClock);
    const stop = new AbortController();
    const left = await remoteConsole({ transport, clock: realClock }, web, stop.signal);
    stop.abort();
    expect(await hear(left)).toBe('');
    await eventually(() => bench.server.serving().streams === 0);
    const cut = await remoteConsole({ transport, clock: realClock }, web, never);
    const heard = hear(cut);
    heard.catch(() => undefined);
    await bench.server.close();
    await expect(heard).rejects.toMatchObject({ code: 'E_AGENT_UNREACHABLE' });
    await expect(heard).rejects.toThrow('the agent ends');
    await expect(remoteConsole({ transport, clock: realClock }, web, never)).rejects.toMatchObject({
      code: 'E_AGENT_UNREACHABLE',
    });
    // What is typed now goes nowhere, and nobody waits for it.
    cut.write(Buffer.from('x'));
    await cut.written();
  });
});

describe('an agent that misbehaves', () => {
  /** On which a long time passes at once. */
  const hasty: Clock = {
    ...realClock,
    after: (delayMs, run) => realClock.after(delayMs > 20_000 ? 1_000 : delayMs, run),
  };

  test('is silent: it is gone', async () => {
    const url = await fakeServer((socket) => {
      socket.pause();
    });
    await expect(hear(await consoleAt(url, { clock: hasty }))).rejects.toMatchObject({ code: 'E_AGENT_UNREACHABLE' });
  });

  test('pings, and nothing else: it is there', async () => {
    let pings = 0;
    const url = await fakeServer((socket, { headers }) => {
      expect(headers.authorization).toBe('Bearer a-token');
      const timer = setInterval(() => {
        socket.ping();
        if ((pings += 1) < 20) return;
        clearInterval(timer);
        socket.close(1_000);
      }, 75);
    });
    expect(await hear(await consoleAt(url, { clock: hasty }))).toBe('');
    expect(pings).toBe(20);
  });

  test('does not say goodbye: leaving does not wait for it for long', async () => {
    const url = await fakeServer((socket) => {
      socket.pause();
    });
    const session = await consoleAt(url, {
      clock: { ...realClock, after: (delayMs, run) => realClock.after(delayMs === 1_000 ? 1 : delayMs, run) },
    });
    await session.close();
    expect(await hear(session)).toBe('');
  });

  test('prints without end: it is read no further than somebody takes it', async () => {
    let sent = 0;
    const url = await fakeServer((socket) => {
      const more = (): void => {
        if (socket.readyState !== socket.OPEN || sent >= 200 * 65_536) return;
        sent += 65_536;
        socket.send(Buffer.alloc(65_536, 'x'), more);
      };
      more();
    });
    const session = await consoleAt(url);
    const before = process.memoryUsage().arrayBuffers;
    await eventually(() => {
      const now = sent;
      return new Promise<boolean>((resolve) => setTimeout(() => resolve(sent === now && sent > 1_048_576), 50));
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 * 1_048_576);
    expect((await hear(session, 200 * 65_536)).length).toBe(200 * 65_536);
    await session.close();
  });
});

describe('a console of a home', () => {
  const broken = (said: string): ConsoleSession => ({
    ...echo(),
    output: (async function* breaks() {
      yield await Promise.resolve(Buffer.from(said));
      throw new BerthError('E_AGENT_UNREACHABLE', 'the agent ends');
    })(),
  });

  test('goes on with the machine itself when the agent has gone', async () => {
    const direct = echo();
    const session = consoleOnward(broken('before '), () => Promise.resolve(direct));
    const output = session.output[Symbol.asyncIterator]();
    expect(Buffer.from((await output.next()).value as Uint8Array).toString()).toBe('before ');
    const next = output.next();
    // Opened anew by then.
    await new Promise(setImmediate);
    session.write(Buffer.from('after'));
    expect(Buffer.from((await next).value as Uint8Array).toString()).toBe('after');
    await session.close();
    expect(await output.next()).toMatchObject({ done: true });
  });

  test('ends with the machine, with another failure, and when it is left', async () => {
    const reopen = (): Promise<ConsoleSession> => Promise.reject(new BerthError('E_WORKLOAD_MISSING', 'it is gone'));
    const ends = echo();
    ends.write(Buffer.from('exit'));
    expect(await hear(consoleOnward(ends, reopen))).toBe('');
    await expect(hear(consoleOnward(broken('x'), reopen))).rejects.toMatchObject({ code: 'E_WORKLOAD_MISSING' });
    const left = consoleOnward(broken('x'), reopen);
    await left.close();
    expect(await hear(left)).toBe('x');
  });
});
