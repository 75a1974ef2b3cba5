/** Where it is reached, that it begins and ends whatever happens, and who is let in. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, get } from 'node:http';
import { createServer, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listenOnSocket } from '../../../src/api/http/listeners.js';
import type { Clock } from '../../../src/core/ports/clock.js';
import { eventually } from '../../support/eventually.js';
import { realClock } from '../../support/real-clock.js';
import { startBench } from './support.js';

const portOf = (url: string | null): number => Number(new URL(url ?? '').port);

/** A server of somebody else on a port. */
function listener(port: number): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        close: () => new Promise((done) => server.close(() => done())),
      });
    });
  });
}

describe('the server', () => {
  it('serves on the socket, for its owner and group alone, and on the port that its address file names', async () => {
    const bench = await startBench();
    const { socket, url } = bench.server.address;
    expect(socket).toBe(join(bench.home, 'berth.sock'));
    expect(statSync(socket!).mode & 0o777).toBe(0o660);
    const file = join(bench.home, 'api.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ url, pid: 4711 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await bench.ask('GET', '/v1/status')).status).toBe(200);
    expect((await bench.ask('GET', '/v1/status', { token: await bench.token() })).status).toBe(200);
  });

  it('leaves nothing behind', async () => {
    const bench = await startBench();
    await bench.server.close();
    expect(existsSync(join(bench.home, 'berth.sock'))).toBe(false);
    expect(existsSync(join(bench.home, 'api.json'))).toBe(false);
    await bench.server.close();
  });

  it('takes the place of a socket that a dead agent left', async () => {
    const home = mkdtempSync(join(tmpdir(), 'berth-api-'));
    writeFileSync(join(home, 'berth.sock'), 'left over');
    const bench = await startBench({ home });
    expect((await bench.ask('GET', '/healthz')).text).toBe('ok');
  });

  it('finds a shorter path for a socket in a long folder, and takes it away again', async () => {
    const home = join(mkdtempSync(join(tmpdir(), 'berth-api-')), 'x'.repeat(120));
    mkdirSync(home);
    const bench = await startBench({ home });
    const { socket } = bench.server.address;
    expect(Buffer.byteLength(socket!)).toBeLessThan(108);
    expect(readFileSync(join(home, 'berth.sock.path'), 'utf8').trim()).toBe(socket);
    expect((await bench.ask('GET', '/healthz')).text).toBe('ok');
    await bench.server.close();
    expect(existsSync(socket!)).toBe(false);
    expect(existsSync(join(home, 'berth.sock.path'))).toBe(false);
  });

  it('goes on without a port that is taken, says so, and takes it once it is free', async () => {
    const other = await listener(0);
    const waits: (() => void)[] = [];
    const clock: Clock = {
      ...realClock,
      after: (ms, run) => (ms === 15_000 ? (waits.push(run), () => undefined) : realClock.after(ms, run)),
    };
    const bench = await startBench({ tcp: `127.0.0.1:${other.port}`, clock, driver: { capabilities: async () => [] } });
    expect(bench.server.address.url).toBeNull();
    const doctor = await bench.ask('GET', '/v1/doctor');
    expect(doctor.body.checks).toContainEqual(
      expect.objectContaining({
        area: 'api',
        name: 'tcp',
        ok: false,
        detail: expect.stringContaining('EADDRINUSE') as string,
      }),
    );
    await other.close();
    for (const run of waits.splice(0)) run();
    await eventually(() => bench.server.address.url !== null);
    expect(portOf(bench.server.address.url)).toBe(other.port);
    await eventually(() => existsSync(join(bench.home, 'api.json')));
  });

  it('says where it is reached once that can be written down', async () => {
    const home = mkdtempSync(join(tmpdir(), 'berth-api-'));
    const waits: (() => void)[] = [];
    const clock: Clock = {
      ...realClock,
      after: (ms, run) => (ms === 15_000 ? (waits.push(run), () => undefined) : realClock.after(ms, run)),
    };
    // Nothing can be written there, as on a full disk.
    mkdirSync(join(home, 'api.json.new'));
    const bench = await startBench({ home, clock });
    await eventually(() => waits.length === 1);
    waits.pop()!();
    await eventually(() => waits.length === 1);
    rmdirSync(join(home, 'api.json.new'));
    waits.pop()!();
    await eventually(() => existsSync(join(home, 'api.json')));
    expect(readFileSync(join(home, 'api.json'), 'utf8')).toContain(bench.server.address.url);
  });

  it('serves the socket alone when that is what was set', async () => {
    const bench = await startBench({ tcp: 'off' });
    expect(bench.server.address.url).toBeNull();
    expect((await bench.ask('GET', '/healthz')).status).toBe(200);
    const link = await bench.ask('POST', '/v1/login-links', { body: {} });
    expect(link.body.code).toBe('E_NOT_SUPPORTED');
  });

  it('serves the socket alone though the address of an earlier agent cannot be taken away', async () => {
    const home = mkdtempSync(join(tmpdir(), 'berth-api-'));
    mkdirSync(join(home, 'api.json'));
    const bench = await startBench({ home, tcp: 'off' });
    expect((await bench.ask('GET', '/healthz')).status).toBe(200);
    expect(bench.logged.join()).toContain('the address of an earlier agent cannot be taken away');
  });

  it('listens nowhere while its socket cannot be shut off from others, and again at the next try', async () => {
    const home = mkdtempSync(join(tmpdir(), 'berth-api-'));
    const server = createHttpServer((_request, response) => response.end('here'));
    onTestFinished(() => {
      server.close();
      rmSync(home, { recursive: true });
    });
    const refuse = () => Promise.reject(new Error('EIO: no'));
    for (let count = 0; count < 3; count += 1) {
      await expect(listenOnSocket(server, home, refuse)).rejects.toThrow('EIO: no');
      expect([server.listening, existsSync(join(home, 'berth.sock'))]).toEqual([false, false]);
    }
    const socketPath = await listenOnSocket(server, home);
    expect(statSync(socketPath).mode & 0o777).toBe(0o660);
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      get({ socketPath, agent: false }, (response) => resolve(response.resume().statusCode)).on('error', reject);
    });
    expect(answer).toBe(200);
    // What cannot be listened on leaves nobody behind who waits for it.
    await expect(listenOnSocket(server, home)).rejects.toMatchObject({ code: 'ERR_SERVER_ALREADY_LISTEN' });
    expect(server.listenerCount('error')).toBe(0);
  });

  it('ends at once, whatever goes on', async () => {
    const bench = await startBench({
      driver: { inspect: () => new Promise(() => undefined), list: () => new Promise(() => undefined) },
    });
    await bench.applyShop();
    const open: Socket[] = [];
    onTestFinished(() => open.forEach((socket) => socket.destroy()));
    const { socket, url } = bench.server.address;
    const wait = JSON.stringify({ components: [{ service: 'shop', component: 'web' }], timeoutMs: 600_000 });
    const requests = [
      'GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET /v1/services/shop/logs?follow=true HTTP/1.1\r\nHost: x\r\n\r\n',
      `POST /v1/wait HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${wait.length}\r\n\r\n${wait}`,
      'POST /v1/parse HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{',
      'GET / HT',
      '',
    ];
    const ended: Promise<void>[] = [];
    for (const text of [...requests, '', 'GET / HT']) {
      const way = open.length < requests.length ? connect(socket!) : connect(portOf(url), '127.0.0.1');
      open.push(way);
      way.on('error', () => undefined);
      way.resume();
      ended.push(new Promise((resolve) => way.once('close', () => resolve())));
      way.write(text);
    }
    await eventually(() => bench.server.serving().connections === open.length);
    const beganMs = performance.now();
    await bench.server.close();
    await Promise.all(ended);
    expect(performance.now() - beganMs).toBeLessThan(1_000);
    expect(bench.server.serving().connections).toBe(0);
  });
});

describe('who is let in over TCP', () => {
  it('nobody without a token, but to see that it is alive', async () => {
    const bench = await startBench();
    expect((await bench.ask('GET', '/healthz', { token: null })).text).toBe('ok');
    for (const path of ['/', '/v1/status', '/metrics', '/docs', '/openapi.json', '/readyz', '/nothing', '/v1/watch']) {
      const answer = await bench.ask('GET', path, { token: null });
      expect([path, answer.status, answer.body.code]).toEqual([path, 401, 'E_UNAUTHENTICATED']);
    }
    const change = await bench.ask('POST', '/v1/services/x/stop', { token: 'wrong', body: {} });
    expect(change.status).toBe(401);
    expect(change.headers['www-authenticate']).toContain('Bearer');
  });

  it('a browser is shown the way in, and the dashboard behind it', async () => {
    const bench = await startBench();
    const html = { accept: 'text/html' };
    const sent = await bench.ask('GET', '/', { token: null, headers: html });
    expect([sent.status, sent.headers.location]).toEqual([303, '/login']);
    const form = await bench.ask('GET', '/login', { token: null, headers: html });
    expect(form.text).toContain('<form');
    const { body } = await bench.ask('POST', '/v1/login-links', { body: {} });
    const link = new URL(body.url);
    const login = await bench.ask('GET', `${link.pathname}${link.search}`, { token: null, headers: html });
    const cookie = login.headers['set-cookie']![0]!.split(';')[0]!;
    const page = await bench.ask('GET', '/', { token: null, headers: { ...html, cookie } });
    expect(page.text).toContain('0 components');
    expect(page.headers['content-security-policy']).toContain("default-src 'self'");
    const asset = await bench.ask('GET', '/assets/main.js', { token: null, headers: { cookie } });
    expect([asset.text, asset.headers['cache-control']]).toEqual(['1', 'private, max-age=31536000, immutable']);
    expect((await bench.ask('GET', '/assets/../tokens.json', { token: null, headers: { cookie } })).status).toBe(404);
    expect((await bench.ask('GET', '/assets/%2e%2e/tokens.json', { token: null, headers: { cookie } })).status).toBe(
      404,
    );
  });

  it('a form logs in, too', async () => {
    const bench = await startBench();
    const raw = new URLSearchParams({ token: await bench.token() }).toString();
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      origin: bench.server.address.url!,
      host: new URL(bench.server.address.url!).host,
    };
    const answer = await bench.ask('POST', '/login', { token: null, raw, headers });
    expect([answer.status, answer.headers.location]).toEqual([303, '/']);
    expect(answer.headers['set-cookie']![0]).toMatch(/HttpOnly/);
  });

  it('every answer bears what a browser needs to know', async () => {
    const bench = await startBench();
    for (const path of ['/healthz', '/v1/status', '/nothing']) {
      const { headers } = await bench.ask('GET', path);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'cache-control': 'no-store',
        'content-security-policy': expect.stringContaining("default-src 'none'") as string,
      });
    }
  });

  it('it is not ready before each driver was asked once', async () => {
    const bench = await startBench();
    bench.health = { answering: false, error: null, lastGoodAtMs: null, failingSinceMs: null };
    const answer = await bench.ask('GET', '/readyz');
    expect([answer.status, answer.body.code]).toEqual([503, 'E_RUNTIME_UNAVAILABLE']);
    expect(answer.headers['retry-after']).toBe('5');
    bench.health = { answering: false, error: 'no answer', lastGoodAtMs: null, failingSinceMs: 1 };
    expect((await bench.ask('GET', '/readyz')).status).toBe(200);
  });
});
