/** What is too much is refused, and whoever asks for it keeps nobody else from anything. */
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Buckets } from '../../../src/api/http/buckets.js';
import { eventually } from '../../support/eventually.js';
import { startBench, type Bench } from './support.js';

const nested = (depth: number): string => `{"message":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;

function open(bench: Bench): Socket {
  const socket = connect(Number(new URL(bench.server.address.url!).port), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  onTestFinished(() => void socket.destroy());
  return socket;
}

function textOf(socket: Socket): () => string {
  let text = '';
  socket.on('data', (chunk: Buffer) => void (text += chunk.toString()));
  return () => text;
}

const ended = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));

describe('a bucket', () => {
  it('lets so many through at once, and so many a minute after that', () => {
    const buckets = new Buckets({ burst: 3, requestsAMinute: 60 });
    expect([0, 0, 0, 0].map(() => buckets.take('a', 0))).toEqual([0, 0, 0, 1_000]);
    expect(buckets.take('b', 0)).toBe(0);
    expect(buckets.take('a', 500)).toBe(500);
    expect(buckets.take('a', 1_000)).toBe(0);
    expect(buckets.take('a', 1_000)).toBe(1_000);
    expect([1, 2, 3, 4].map(() => buckets.take('a', 3_600_000))).toEqual([0, 0, 0, 1_000]);
  });
});

describe('bodies', () => {
  it('that are too large are refused, whether their length is said or not', async () => {
    const bench = await startBench({ limits: { bodyBytes: 1_000 } });
    const raw = JSON.stringify({ message: 'x'.repeat(2_000) });
    const said = await bench.ask('POST', '/v1/services/x/stop', { raw });
    expect([said.status, said.body.code]).toEqual([413, 'E_TOO_LARGE']);
    const socket = open(bench);
    const text = textOf(socket);
    const head = `POST /v1/parse HTTP/1.1\r\nHost: ${new URL(bench.server.address.url!).host}\r\nAuthorization: Bearer ${await bench.token()}\r\n`;
    socket.write(`${head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`);
    for (let count = 0; count < 20; count += 1) socket.write(`64\r\n${'x'.repeat(100)}\r\n`);
    await eventually(() => text().includes('E_TOO_LARGE'));
    expect(text()).toContain('413');
  });

  it('of definitions may be larger over the socket', async () => {
    const bench = await startBench({ limits: { bodyBytes: 1_000 } });
    const files = Array.from({ length: 100 }, (_, index) => `/some/where/${index}.toml`);
    const body = { definitions: [], scope: { folder: null, files } };
    expect((await bench.ask('POST', '/v1/plan', { body })).status).toBe(200);
    expect((await bench.ask('POST', '/v1/plan', { body, token: await bench.token() })).status).toBe(413);
  });

  it('that are nested too deeply are refused before anything is made of them', async () => {
    const bench = await startBench();
    expect((await bench.ask('POST', '/v1/services/x/stop', { raw: nested(32) })).status).toBe(400);
    expect((await bench.ask('POST', '/v1/services/x/stop', { raw: nested(33) })).status).toBe(413);
    const deep = await bench.ask('POST', '/v1/services/x/stop', { raw: '['.repeat(500_000) });
    expect([deep.status, deep.body.code]).toEqual([413, 'E_TOO_LARGE']);
    // Brackets in a text are no nesting.
    const raw = JSON.stringify({ text: `${'['.repeat(200)}\\"${'{'.repeat(200)}` });
    expect((await bench.ask('POST', '/v1/parse', { raw })).status).toBe(200);
  });

  it('of many faults are answered with some of them', async () => {
    const bench = await startBench();
    const components = Array.from({ length: 5_000 }, () => 7);
    const answer = await bench.ask('POST', '/v1/wait', { body: { components, timeoutMs: 1 } });
    expect(answer.status).toBe(400);
    expect(answer.body.details.problems).toHaveLength(50);
  });
});

describe('addresses and headers', () => {
  it('that are too long are refused', async () => {
    const bench = await startBench();
    const long = await bench.ask('GET', `/v1/status?service=${'x'.repeat(9_000)}`);
    expect([long.status, long.body.code]).toEqual([414, 'E_TOO_LARGE']);
    const headers = await bench.ask('GET', '/v1/status', { headers: { 'x-more': 'x'.repeat(20_000) } });
    expect([headers.status, headers.body.code]).toEqual([431, 'E_TOO_LARGE']);
    expect((await bench.ask('GET', `/v1/services/${'x'.repeat(300)}`)).status).toBeGreaterThanOrEqual(400);
  });

  it('what is no HTTP is told so, and the connection ends', async () => {
    const bench = await startBench();
    const socket = open(bench);
    const text = textOf(socket);
    socket.write('\x16\x03\x01 hello\r\n\r\n');
    await ended(socket);
    expect(text()).toMatch(/^HTTP\/1\.1 400 /);
    expect(text()).toContain('"code":"E_USAGE"');
  });
});

describe('requests', () => {
  it('of one caller over TCP are let through so fast, and nobody else waits for it', async () => {
    const bench = await startBench({ limits: { burst: 5, requestsAMinute: 6 } });
    const token = await bench.token();
    const statuses: number[] = [];
    for (let count = 0; count < 7; count += 1) {
      const answer = await bench.ask('GET', '/v1/names', { token });
      statuses.push(answer.status);
      if (answer.status === 429) {
        expect(answer.body.code).toBe('E_TOO_MANY');
        expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      }
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429]);
    expect((await bench.ask('GET', '/v1/names')).status).toBe(200);
    expect((await bench.ask('GET', '/healthz', { token: null })).status).toBe(200);
  });
});

describe('connections', () => {
  it('beyond the bound take the place of those that are idle for longest', async () => {
    const bench = await startBench({ limits: { connections: 5 } });
    const sockets: Socket[] = [];
    const gone: number[] = [];
    for (let index = 0; index < 12; index += 1) {
      const socket = open(bench);
      socket.once('close', () => gone.push(index));
      sockets.push(socket);
      await eventually(() => bench.server.serving().connections === Math.min(5, index + 1) && !socket.connecting);
    }
    await eventually(() => gone.length === 7);
    expect([...gone].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect((await bench.ask('GET', '/healthz', { token: null })).text).toBe('ok');
  });

  it('that are slow to say what they want end', async () => {
    const bench = await startBench({ limits: { headersTimeoutMs: 200, requestTimeoutMs: 400 } });
    const [silent, slow] = [open(bench), open(bench)];
    const text = textOf(slow);
    slow.write('GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    await Promise.all([ended(silent), ended(slow)]);
    expect(text()).toMatch(/^HTTP\/1\.1 408 /);
    expect(bench.server.serving().connections).toBe(0);
  });

  it('that never send what they announced end', async () => {
    const bench = await startBench({ limits: { headersTimeoutMs: 200, requestTimeoutMs: 400 } });
    const socket = open(bench);
    const host = new URL(bench.server.address.url!).host;
    socket.write(`POST /v1/parse HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${await bench.token()}\r\n`);
    socket.write('Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{');
    await ended(socket);
    expect(bench.server.serving().connections).toBe(0);
  });
});
