/** A console over the API: a WebSocket between whoever may type, and a machine that is made up. */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { createTokenStore, nodeTokenAccess } from '../../../src/api/http/auth/index.js';
import { addToken, removeToken } from '../../../src/api/http/auth/token-file.js';
import { reasonText } from '../../../src/api/http/console/close-codes.js';
import type { ApiLimits } from '../../../src/api/http/limits.js';
import { BerthError } from '../../../src/core/errors.js';
import type { Clock } from '../../../src/core/ports/clock.js';
import type { ConsoleSession, Driver } from '../../../src/core/ports/driver.js';
import { eventually } from '../../support/eventually.js';
import { realClock } from '../../support/real-clock.js';
import { startBench, up, type Bench } from './support.js';

const path = '/v1/components/shop/web/console';

/** The machine's end of a serial line. */
class Machine implements ConsoleSession {
  readonly typed: Buffer[] = [];
  closed = false;
  /** What is typed is taken, and said to be. */
  takes = true;
  /** Bytes that were asked of it. */
  printed = 0;
  readonly output = this.#read();
  #chunks: Uint8Array[] = [];
  #ended: { readonly error: Error | null } | undefined;
  #wake = (): void => undefined;
  #release = (): void => undefined;

  print(bytes: string | Uint8Array): void {
    this.#chunks.push(Buffer.from(bytes as string));
    this.#wake();
  }

  /** Writes for as long as it is read. */
  babble(): void {
    const chunk = Buffer.alloc(16_384, 'x');
    const more = (): void => {
      if (this.closed) return;
      if (this.#chunks.length === 0) this.print(chunk);
      setImmediate(more);
    };
    more();
  }

  end(error: Error | null = null): void {
    this.#ended ??= { error };
    this.#wake();
    this.#release();
  }

  text(): string {
    return Buffer.concat(this.typed).toString();
  }

  write(data: Uint8Array): void {
    this.typed.push(Buffer.from(data));
  }

  written(): Promise<void> {
    if (this.takes || this.closed) return Promise.resolve();
    return new Promise((resolve) => (this.#release = resolve));
  }

  /** Takes what is typed again. */
  take(): void {
    this.takes = true;
    this.#release();
  }

  close(): Promise<void> {
    this.closed = true;
    this.end();
    return Promise.resolve();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      for (const chunk of this.#chunks.splice(0)) {
        this.printed += chunk.length;
        yield chunk;
      }
      if (this.#chunks.length > 0) continue;
      if (this.#ended?.error) throw this.#ended.error;
      if (this.#ended) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

interface Consoles extends Bench {
  /** Those that were attached to, the newest last. */
  readonly machines: Machine[];
  machine(): Machine;
}

/** No other deadline of the server has this length. */
const consoleBeatMs = 12_345;

/** The machine's clock, but that it is the test that says when a console is asked whether it is still there. */
class Beats implements Clock {
  readonly now = realClock.now;
  readonly monotonic = realClock.monotonic;
  #due: (() => void)[] = [];

  readonly after = (delayMs: number, run: () => void): (() => void) => {
    if (delayMs !== consoleBeatMs) return realClock.after(delayMs, run);
    this.#due.push(run);
    return () => (this.#due = this.#due.filter((other) => other !== run));
  };

  beat(): void {
    for (const run of this.#due.splice(0)) run();
  }

  /** So many times, each time when the last answer of each has come. */
  async beatAndAnswer(bench: Bench, clients: readonly Client[], times: number): Promise<void> {
    const pings = clients.map(() => 0);
    clients.forEach(({ socket }, at) => socket.on('ping', () => (pings[at]! += 1)));
    for (let time = 1; time <= times; time += 1) {
      this.beat();
      await eventually(() => pings.every((count) => count === time));
      // The answers were on their way before this was asked, so that they have come when it is answered.
      await bench.ask('GET', '/healthz');
    }
  }
}

async function consoles(
  limits: Partial<ApiLimits> = {},
  driver: Partial<Driver> = {},
  clock: Clock = realClock,
): Promise<Consoles> {
  const machines: Machine[] = [];
  const attach = (): Promise<ConsoleSession> => {
    const machine = new Machine();
    machines.push(machine);
    return Promise.resolve(machine);
  };
  const bench = await startBench({ driver: { attach, ...driver }, limits, clock });
  await bench.applyShop();
  for (const key of ['shop/web', 'shop/db']) await bench.observe(key, up);
  return { ...bench, machines, machine: () => machines.at(-1)! };
}

const storeOf = (bench: Bench) =>
  createTokenStore({
    ...{ path: join(bench.home, 'tokens.json'), files: nodeTokenAccess, clock: realClock, randomBytes },
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  });

interface Client {
  readonly socket: WebSocket;
  heard(): string;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** Opens it, over TCP with or without a token, or else over the socket; fails with what it is refused with. */
async function open(
  bench: Bench,
  options: { readonly token?: string | null; readonly headers?: Record<string, string>; readonly to?: string } = {},
): Promise<Client> {
  const { socket: file, url } = bench.server.address;
  const { token, headers = {}, to = path } = options;
  const host = token === undefined ? 'localhost' : new URL(url!).host;
  const socket = new WebSocket(`ws://${host}${to}`, {
    headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
    ...(token === undefined ? { createConnection: () => connect(file!) } : {}),
  });
  onTestFinished(() => {
    socket.terminate();
  });
  let heard = '';
  socket.on('message', (data: Buffer) => (heard = (heard + data.toString()).slice(-100_000)));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => undefined);
  return { socket, heard: () => heard, closed };
}

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const wish = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': key };

/** Asks for an upgrade by hand, over TCP, and answers the connection once it stands. */
async function openRaw(bench: Bench): Promise<{ readonly socket: Socket; readonly closed: Promise<void> }> {
  const { host, port } = new URL(bench.server.address.url!);
  const socket = connect(Number(port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const head = Object.entries({ host, authorization: `Bearer ${await bench.token()}`, ...wish });
  socket.write(`GET ${path} HTTP/1.1\r\n${head.map((pair) => pair.join(': ')).join('\r\n')}\r\n\r\n`);
  await new Promise<void>((resolve, reject) => {
    socket.once('data', (data: Buffer) => {
      if (data.toString().startsWith('HTTP/1.1 101 ')) resolve();
      else reject(new Error(data.toString()));
    });
  });
  return { socket, closed };
}

const isFree = async (bench: Consoles): Promise<void> => {
  await eventually(() => {
    expect(bench.machine().closed).toBe(true);
    expect(bench.server.serving().streams).toBe(0);
  });
};

describe('a console', () => {
  it.each(['socket', 'token'])('shows what the machine prints and types into it, by %s', async (way) => {
    const bench = await consoles();
    const client = await open(bench, way === 'token' ? { token: await bench.token() } : {});
    bench.machine().print('login: ');
    await eventually(() => client.heard() === 'login: ');
    client.socket.send('root\r');
    client.socket.send(Uint8Array.from([0x1d, 0x00, 0xff]));
    await eventually(() => Buffer.concat(bench.machine().typed).length === 8);
    expect(Buffer.concat(bench.machine().typed)).toEqual(Buffer.from([...Buffer.from('root\r'), 0x1d, 0x00, 0xff]));
    expect(bench.server.serving().streams).toBe(1);
    client.socket.close();
    expect((await client.closed).code).toBe(1_005);
    await isFree(bench);
  });

  it('says nothing of what is typed in the history, the events and the log, but who was there', async () => {
    const bench = await consoles();
    const client = await open(bench, { token: await bench.token() });
    client.socket.send('hush-hush-typed');
    await eventually(() => bench.machine().text() === 'hush-hush-typed');
    client.socket.close();
    await isFree(bench);
    const [events, history] = [
      await bench.ask('GET', '/v1/events'),
      await bench.ask('GET', '/v1/services/shop/history'),
    ];
    expect([events.text, history.text, ...bench.logged].join()).not.toContain('hush-hush-typed');
    expect(bench.logged.filter((line) => line.includes('console') && line.includes('token:default'))).toHaveLength(2);
    const metrics = (await bench.ask('GET', '/metrics')).text;
    expect(metrics).toContain('berth_http_requests_total{operation="console",status="101"} 1');
  });

  it('ends with the machine, and says why', async () => {
    const bench = await consoles();
    const client = await open(bench);
    bench.machine().print('bye');
    bench.machine().end();
    expect(await client.closed).toEqual({ code: 1_000, reason: 'the machine has ended' });
    expect(client.heard()).toBe('bye');
    await isFree(bench);
    const failing = await open(bench);
    bench.machine().end(new Error(`the line is cut ${'ü'.repeat(200)}`));
    const end = await failing.closed;
    expect(end.code).toBe(1_011);
    expect(end.reason).toMatch(/^the line is cut ü+$/);
    expect(Buffer.byteLength(reasonText(end.reason))).toBeLessThanOrEqual(123);
  });

  it('says in the log who left: the other side, and not the agent', async () => {
    const bench = await consoles();
    const client = await open(bench);
    await eventually(() => bench.machines.length === 1);
    client.socket.terminate();
    await isFree(bench);
    await eventually(() => bench.logged.some((line) => line.includes('a console was left')));
    expect(bench.logged.find((line) => line.includes('a console was left'))).toContain('the other side left');
  });

  it('ends at once with the agent, with a word', async () => {
    const bench = await consoles();
    const clients = [await open(bench), await open(bench, { to: path.replace('web', 'db') })];
    bench.machine().babble();
    clients[1]!.socket.pause();
    await bench.server.close();
    expect(await clients[0]!.closed).toEqual({ code: 1_001, reason: 'the agent ends' });
    clients[1]!.socket.resume();
    expect([1_001, 1_006]).toContain((await clients[1]!.closed).code);
    expect(bench.machines.map((machine) => machine.closed)).toEqual([true, true]);
  });

  it('ends when the token is taken away, and not before', async () => {
    const clock = new Beats();
    const bench = await consoles({ consoleBeatMs }, {}, clock);
    const store = storeOf(bench);
    await store.update((file) => addToken(file, { name: 'typist', access: 'write' }, randomBytes, 0));
    const client = await open(bench, { token: await bench.token('typist') });
    const local = await open(bench, { to: path.replace('web', 'db') });
    await clock.beatAndAnswer(bench, [client, local], 4);
    expect(client.socket.readyState).toBe(client.socket.OPEN);
    await store.update((file) => removeToken(file, 'typist'));
    clock.beat();
    expect(await client.closed).toEqual({ code: 1_008, reason: 'the token is no longer good for this' });
    expect(local.socket.readyState).toBe(local.socket.OPEN);
  });

  it('has one end: a second one is refused until the first has left', async () => {
    const bench = await consoles();
    const first = await open(bench, { token: await bench.token() });
    const second = await bench.ask('GET', path, { headers: wish });
    expect([second.status, second.body.code]).toEqual([409, 'E_CONFLICT']);
    expect(second.body.detail).toContain('token:default is at the console');
    first.socket.terminate();
    await isFree(bench);
    await open(bench);
  });

  it('is free again after a handshake that comes to nothing', async () => {
    const bench = await consoles();
    await expect(open(bench, { headers: { 'sec-websocket-protocol': 'a,a' } })).rejects.toThrow('400');
    await isFree(bench);
    await open(bench);
  });

  it('is free again when whoever asked went while the machine was looked for', async () => {
    const reached: (() => void)[] = [];
    const machine = new Machine();
    const attach = async (): Promise<ConsoleSession> => {
      await new Promise<void>((resolve) => void reached.push(resolve));
      return machine;
    };
    const bench = await consoles({}, { attach });
    const { host, port } = new URL(bench.server.address.url!);
    const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    const head = Object.entries({ host, authorization: `Bearer ${await bench.token()}`, ...wish });
    // It says that it has no more to say, and leaves its own side open.
    socket.end(`GET ${path} HTTP/1.1\r\n${head.map((pair) => pair.join(': ')).join('\r\n')}\r\n\r\n`);
    await eventually(() => reached.length === 1);
    reached[0]!();
    await eventually(() => {
      expect(machine.closed).toBe(true);
      expect(bench.server.serving().streams).toBe(0);
    });
  });
});

describe('who may not have a console', () => {
  it('is told so before anything else, in a problem document', async () => {
    const bench = await consoles();
    await bench.ask('PUT', '/v1/services/idle', {
      body: { text: 'name = "idle"\n[[components]]\nname = "one"\nimage = "localhost/one:1"\n' },
    });
    const token = await bench.token();
    const { origin } = new URL(bench.server.address.url!);
    const cookie = (
      await bench.ask('POST', '/login', {
        token: null,
        raw: new URLSearchParams({ token }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin, host: new URL(origin).host },
      })
    ).headers['set-cookie']![0]!.split(';')[0]!;
    const evil = 'http://evil.example';
    const cases = [
      [{ token: null }, path, 403, 'E_FORBIDDEN'],
      [{ token: null, headers: { origin } }, path, 401, 'E_UNAUTHENTICATED'],
      [{ token: 'wrong' }, path, 401, 'E_UNAUTHENTICATED'],
      [{ token, headers: { host: 'evil.example' } }, path, 403, 'E_FORBIDDEN'],
      [{ token, headers: { origin: evil } }, path, 403, 'E_FORBIDDEN'],
      // A page of another site, whose browser sends our cookie along: cross-site WebSocket hijacking.
      [{ token: null, headers: { cookie, origin: evil } }, path, 403, 'E_FORBIDDEN'],
      [{ token: null, headers: { cookie, origin: 'null' } }, path, 403, 'E_FORBIDDEN'],
      [{ token: null, headers: { cookie } }, path, 403, 'E_FORBIDDEN'],
      [{ token: null, headers: { cookie, origin, 'sec-fetch-site': 'same-site' } }, path, 403, 'E_FORBIDDEN'],
      [
        { token: null, headers: { cookie, origin, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } },
        path,
        403,
        'E_FORBIDDEN',
      ],
      // A browser behind a proxy before the socket.
      [{ headers: { origin } }, path, 403, 'E_FORBIDDEN'],
      [{}, path.replace('web', 'wbe'), 404, 'E_NOT_FOUND'],
      [{}, '/v1/components/idle/one/console', 409, 'E_WORKLOAD_MISSING'],
      [{ headers: { 'sec-websocket-key': 'short' } }, path, 400, 'E_USAGE'],
      [{ headers: { 'sec-websocket-version': '8' } }, path, 426, 'E_USAGE'],
    ] as const;
    for (const [{ headers, ...options }, to, status, code] of cases as readonly (readonly [
      { readonly token?: string | null; readonly headers?: Record<string, string> },
      string,
      number,
      string,
    ])[]) {
      const answer = await bench.ask('GET', to, { ...options, headers: { ...wish, ...headers } });
      expect([headers, to, answer.status, answer.body.code]).toEqual([headers, to, status, code]);
      expect(answer.headers['content-type']).toContain('application/problem+json');
    }
    expect(bench.machines).toEqual([]);
    expect(bench.server.serving().streams).toBe(0);
    // The page of the agent itself may.
    const page = await open(bench, { token: null, headers: { cookie, origin } });
    page.socket.send('x');
    await eventually(() => bench.machine().text() === 'x');
  });

  it('is whoever may only read, and whoever asks for no WebSocket', async () => {
    const bench = await consoles();
    await storeOf(bench).update((file) => addToken(file, { name: 'view', access: 'read' }, randomBytes, 0));
    const reader = await bench.ask('GET', path, { token: await bench.token('view'), headers: wish });
    expect([reader.status, reader.body.code]).toEqual([403, 'E_FORBIDDEN']);
    expect(bench.machines).toEqual([]);
    const plain = await bench.ask('GET', path);
    expect([plain.status, plain.body.code, plain.headers.upgrade]).toEqual([426, 'E_USAGE', 'websocket']);
  });

  it('is told what the driver says, and that a machine did not answer', async () => {
    const none = await consoles(
      {},
      { attach: () => Promise.reject(new BerthError('E_NOT_SUPPORTED', 'a container has no console')) },
    );
    const refused = await none.ask('GET', path, { headers: wish });
    expect([refused.status, refused.body.code]).toEqual([501, 'E_NOT_SUPPORTED']);
    expect(none.server.serving().streams).toBe(0);
    const late = new Machine();
    let give: (session: ConsoleSession) => void = () => undefined;
    const slow = await consoles({ consoleOpenMs: 50 }, { attach: () => new Promise((resolve) => (give = resolve)) });
    const answer = await slow.ask('GET', path, { headers: wish });
    expect([answer.status, answer.body.code]).toEqual([503, 'E_DRIVER_TIMEOUT']);
    expect(slow.server.serving().streams).toBe(0);
    give(late);
    await eventually(() => late.closed);
  });

  it('is one too many', async () => {
    const bench = await consoles({ streams: 1 });
    await open(bench);
    const answer = await bench.ask('GET', path.replace('web', 'db'), { headers: wish });
    expect([answer.status, answer.body.code]).toEqual([429, 'E_TOO_MANY']);
  });
});

describe('what is too much for a console', () => {
  it('is a message that is too long', async () => {
    const bench = await consoles({ consoleFrameBytes: 1_000 });
    const client = await open(bench);
    client.socket.send('x'.repeat(1_000));
    await eventually(() => bench.machine().text().length === 1_000);
    client.socket.send('y'.repeat(1_001));
    expect((await client.closed).code).toBe(1_009);
    await isFree(bench);
    // One that only says that it is: nothing is waited for.
    const { socket, closed } = await openRaw(bench);
    socket.write(Uint8Array.from([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4]));
    socket.resume();
    await closed;
    expect(bench.machine().text()).toBe('');
  });

  it('is a reader that takes nothing: it is dropped, and the machine is not held up', async () => {
    const bench = await consoles({ consoleStalledMs: 200, consoleWaitingBytes: 65_536 });
    const { socket } = await openRaw(bench);
    socket.pause();
    const machine = bench.machine();
    machine.babble();
    await isFree(bench);
    // What the kernel keeps, and no more than waits.
    expect(machine.printed).toBeLessThan(64 * 1_048_576);
    expect(bench.logged.join()).toContain('takes nothing of what the machine writes');
  });

  it('is a side that vanished: it does not answer a ping, and is dropped', async () => {
    const clock = new Beats();
    const bench = await consoles({ consoleBeatMs }, {}, clock);
    const { socket } = await openRaw(bench);
    socket.pause();
    clock.beat();
    expect(bench.machine().closed).toBe(false);
    clock.beat();
    await isFree(bench);
    expect(bench.logged.join()).toContain('does not answer any more');
    const alive = await open(bench);
    await clock.beatAndAnswer(bench, [alive], 6);
    expect(alive.socket.readyState).toBe(alive.socket.OPEN);
  });

  it('is what a machine does not take: it is waited for, and nothing more is read meanwhile', async () => {
    const bench = await consoles({ consoleWaitingBytes: 100_000, consoleStalledMs: 60_000 });
    const client = await open(bench);
    await eventually(() => bench.machines.length === 1);
    const machine = bench.machine();
    machine.takes = false;
    const chunk = Buffer.alloc(50_000, 'z');
    const chunks = 400;
    for (let count = 0; count < chunks; count += 1) client.socket.send(chunk);
    await eventually(() => machine.text().length >= 100_000);
    await eventually(async () => {
      const before = machine.text().length;
      await bench.ask('GET', '/healthz');
      expect(machine.text().length).toBe(before);
    });
    expect(machine.text().length).toBeLessThan(1_000_000);
    machine.take();
    await eventually(() => machine.text().length === chunks * chunk.length, { timeoutMs: 20_000 });
  });

  it('is a machine that never takes anything: whoever types is dropped', async () => {
    const bench = await consoles({ consoleWaitingBytes: 1_000, consoleStalledMs: 100 });
    const client = await open(bench);
    bench.machine().takes = false;
    client.socket.send('q'.repeat(2_000));
    expect((await client.closed).code).toBe(1_006);
    await isFree(bench);
  });

  it('is a flood of pings by who does not read the answers', async () => {
    const bench = await consoles();
    const { socket, closed } = await openRaw(bench);
    socket.pause();
    const ping = Buffer.concat([Buffer.from([0x89, 0xfd, 1, 2, 3, 4]), Buffer.alloc(125)]);
    const many = Buffer.concat(Array.from({ length: 500 }, () => ping));
    const flood = (): void => {
      while (!socket.destroyed && socket.write(many));
    };
    socket.on('drain', flood);
    flood();
    await isFree(bench);
    socket.resume();
    await closed;
  });
});

describe('another upgrade', () => {
  it('is passed over: what was asked is answered, a body and all', async () => {
    const bench = await consoles();
    const h2c = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' };
    expect((await bench.ask('GET', '/healthz', { headers: h2c })).text).toBe('ok');
    const stop = await bench.ask('POST', '/v1/services/shop/stop', {
      body: { message: 'x'.repeat(900) },
      headers: h2c,
    });
    expect([stop.status, stop.text.includes('revision')]).toEqual([200, true]);
    const elsewhere = await bench.ask('GET', '/v1/status', { headers: wish, token: await bench.token() });
    expect(elsewhere.status).toBe(200);
    const posted = await bench.ask('POST', path, { headers: wish, body: {} });
    expect([posted.status, posted.headers.allow]).toEqual([405, 'GET, OPTIONS']);
    expect(bench.server.serving().streams).toBe(0);
    await eventually(() => bench.server.serving().connections === 0);
  });

  it('is passed over as often as it comes on one connection, and leaves nothing behind', async () => {
    const bench = await consoles();
    const { host, port } = new URL(bench.server.address.url!);
    const socket = connect(Number(port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket.on('data', (data: Buffer) => (text += data.toString()));
    // What was pipelined before a console is not answered yet: the connection ends, and nothing else.
    const early = connect(Number(port), '127.0.0.1');
    early.on('error', () => undefined);
    const earlyEnded = new Promise<void>((resolve) => early.once('close', () => resolve()));
    early.resume();
    const head = Object.entries({ host, authorization: `Bearer ${await bench.token()}` });
    const lines = (more: object): string =>
      [...head, ...Object.entries(more)].map((pair) => pair.join(': ')).join('\r\n');
    early.write(`GET /v1/doctor HTTP/1.1\r\n${lines({})}\r\n\r\nGET ${path} HTTP/1.1\r\n${lines(wish)}\r\n\r\n`);
    await earlyEnded;
    expect(bench.machines).toEqual([]);
    const warnings: Error[] = [];
    const warn = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warn);
    onTestFinished(() => void process.off('warning', warn));
    const one = `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: h2c\r\n\r\n`;
    for (let count = 0; count < 100; count += 1) {
      const before = text.length;
      socket.write(one);
      await eventually(() => text.length > before);
    }
    await eventually(() => expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(100));
    expect(warnings).toEqual([]);
    expect(bench.server.serving().connections).toBe(1);
    socket.destroy();
    await eventually(() => bench.server.serving().connections === 0);
  });
});
