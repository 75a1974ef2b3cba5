/**
 * A hostile neighbour on the loopback interface: whatever it sends, the agent still converges an edit afterwards, and
 * its memory stays bounded. docs/security.md has the table of what happened.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { maskText } from '../../src/core/secrets.js';
import { eventually } from '../support/eventually.js';
import {
  ask,
  isUp,
  open,
  openFiles,
  residentMb,
  sendRaw,
  type Answer,
  type Ask,
  type Wire,
} from '../support/hostile.js';
import { ensureTestImage, type BuiltImage } from '../support/podman-image.js';
import { makeTestHome, type RunningAgent, type TestHome } from '../support/test-home.js';

const secret = 'hunter2-never-shown';
/** What the agent may take at any time; at rest it is about half of it. */
const mostMemoryMb = 350;
const mostConnections = 1_024;

let home: TestHome;
let agent: RunningAgent;
let image: BuiltImage;
let url: URL;
let writer: string;
let reader: string;
let socket: string;

/** Components that nothing is done to: what is told of them fills a connection. */
const crowd = { services: 5, components: 200 };

beforeAll(async () => {
  [home, image] = await Promise.all([
    makeTestHome({ BERTH_RELIST_S: '3', BERTH_API_LISTEN: '127.0.0.1:0' }),
    ensureTestImage(),
  ]);
  agent = await home.startAgent();
  socket = join(home.path, 'berth.sock');
  const address = join(home.path, 'api.json');
  const text = await eventually(() => readFile(address, 'utf8'), { timeoutMs: 20_000, describe: 'the API serves' });
  url = new URL((JSON.parse(text) as { readonly url: string }).url);
  writer = await tokenOf('token', 'show');
  reader = await tokenOf('token', 'add', 'view');
  const shop = `name = "shop"

[[components]]
name = "web"
image = "${image.reference}"
pull = "never"
stop_timeout_s = 1
memory_mb = 64
env = { DB_PASSWORD = "${secret}", SITE = "<script>alert(1)</script>" }
`;
  const many = Array.from(
    { length: crowd.components },
    (_, at) => `[[components]]\nname = "c${at}"\nimage = "localhost/none:1"\nreconcile = "ignore"\n`,
  ).join('\n');
  await replace('shop', shop);
  for (let at = 0; at < crowd.services; at += 1) {
    await replace(
      `crowd${at}`,
      `name = "crowd${at}"
active = false

${many}`,
    );
  }
  await converges();
});

afterAll(async () => {
  // The worst that could happen: its last words say why.
  const log = await readFile(join(home.path, 'agent-0.log'), 'utf8').catch(() => '');
  if (!(await isUp(agent.pid))) process.stderr.write(`the agent died:\n${log.slice(-4_000)}\n`);
  await home.dispose();
  await image.remove();
});

async function tokenOf(...argv: readonly string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await home.berth(...argv);
  expect(exitCode, stderr).toBe(0);
  return stdout.trim();
}

async function overSocket(asked: Ask): Promise<Answer> {
  const answer = await ask(socket, asked);
  expect(answer.status, answer.body).toBe(200);
  return answer;
}

async function replace(service: string, text: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  await overSocket({
    method: 'PUT',
    path: `/v1/services/${service}`,
    headers,
    body: JSON.stringify({ text, force: true }),
  });
}

let memoryMb = 64;

/** An edit, from the registry to the container: the proof that the agent does its work. */
async function converges(): Promise<number> {
  const began = performance.now();
  memoryMb += 1;
  const service = JSON.parse((await overSocket({ path: '/v1/services/shop' })).body) as { readonly text: string };
  await replace('shop', service.text.replace(/memory_mb = \d+/, `memory_mb = ${memoryMb}`));
  await eventually(
    async () => {
      const { body } = await overSocket({ path: '/v1/status?service=shop' });
      const [web] = (JSON.parse(body) as { components: Record<string, unknown>[] }).components;
      expect(web).toMatchObject({ phase: 'running', ready: true, drift: [] });
      expect(web?.['observedGeneration']).toBe(web?.['generation']);
    },
    { timeoutMs: 60_000, describe: 'an edit converges' },
  );
  return performance.now() - began;
}

const bearer = (token: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${token}` });
const json = { 'content-type': 'application/json' };
const overTcp = (asked: Ask): Promise<Answer> => ask(url, asked);

/** Closed when the test ends, whatever came of it. */
function kept<T extends Wire>(wires: readonly T[]): readonly T[] {
  onTestFinished(() => {
    for (const wire of wires) wire.close();
  });
  return wires;
}

/** The agent does its work, answers others over TCP, and has not grown. */
async function unharmed(): Promise<void> {
  expect((await overTcp({ path: '/v1/agent', headers: bearer(reader) })).status).toBe(200);
  await converges();
  const resident = await residentMb(agent.pid);
  process.stderr.write(`hostile: ${expect.getState().currentTestName ?? ''}: ${Math.round(resident)} MiB\n`);
  expect(resident).toBeLessThan(mostMemoryMb);
}

describe('who may not come in', () => {
  it('is refused without a token, with a wrong one, for another host, and from another origin', async () => {
    const authority = url.host;
    const change = { method: 'POST', path: '/v1/services/shop/stop', headers: json, body: '{}' };
    const cases: readonly (readonly [Ask, number])[] = [
      [{ path: '/v1/status' }, 401],
      [{ path: '/metrics' }, 401],
      [{ path: '/v1/watch' }, 401],
      [{ path: '/assets/../v1/status' }, 401],
      [{ path: '/v1/status', headers: bearer('berth_wrong') }, 401],
      [{ path: '/v1/status', headers: { ...bearer(writer), host: 'evil.example' } }, 403],
      [{ path: '/v1/status', headers: { ...bearer(writer), host: `evil.example:${url.port}` } }, 403],
      [{ path: '/healthz', headers: { host: 'rebound.example' } }, 403],
      [{ path: '/v1/status', headers: { ...bearer(writer), origin: 'http://evil.example' } }, 403],
      [{ ...change, headers: { ...json, ...bearer(writer), origin: 'null' } }, 403],
      [{ ...change, headers: { ...bearer(writer), 'content-type': 'text/plain' } }, 403],
      [{ ...change, headers: { ...json, ...bearer(reader) } }, 403],
      [{ method: 'OPTIONS', path: '/v1/status', headers: { origin: 'http://evil.example' } }, 403],
      [{ path: '/v1/status', headers: { ...bearer(writer), host: authority } }, 200],
    ];
    for (const [asked, status] of cases) expect([asked, (await overTcp(asked)).status]).toEqual([asked, status]);
    await unharmed();
  });

  it('is slowed down when it guesses, and shuts nobody else out', async () => {
    const statuses = await Promise.all(
      Array.from({ length: 100 }, (_, at) => overTcp({ path: '/v1/status', headers: bearer(`guess-${at}`) })),
    );
    const counts = [401, 429].map((status) => statuses.filter((answer) => answer.status === status).length);
    expect(counts[0]! + counts[1]!).toBe(100);
    expect(counts[0]).toBeLessThanOrEqual(12);
    await unharmed();
  });
});

describe('who sends what is none', () => {
  it('malformed requests are refused, or the connection ends', async () => {
    const host = `Host: ${url.host}\r\n`;
    const raw: readonly (string | Uint8Array)[] = [
      Uint8Array.from({ length: 4_096 }, (_, at) => (at * 7_919 + 13) % 256),
      // A TLS hello.
      Uint8Array.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
      'GET\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'GET /v1/status HTTP/1.1\r\n\r\n',
      `GET /v1/status HTTP/1.1\r\n${host}Host: evil.example\r\n\r\n`,
      `GET http://evil.example/v1/status HTTP/1.1\r\n${host}\r\n`,
      `GET /\0 HTTP/1.1\r\n${host}\r\n`,
      `GET / HTTP/1.1\r\n${host}X: a\0b\r\n\r\n`,
      `POST /v1/plan HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST /v1/plan HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nzz\r\n`,
      `POST /v1/plan HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`,
      `CONNECT evil.example:80 HTTP/1.1\r\n${host}\r\n`,
      `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
      `GET /v1/status HTTP/1.1\r\n${host}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
    ];
    const lines = await Promise.all(raw.map((bytes) => sendRaw(url, bytes, 3_000)));
    for (const line of lines) expect(line).toMatch(/^(?:closed|HTTP\/1\.1 4\d\d .*)$/);
    await unharmed();
  });

  it('huge and deep ones are refused before anything is made of them', async () => {
    const headers = { ...bearer(writer), ...json };
    const post = { method: 'POST', path: '/v1/parse', headers };
    const deep = `{"text": ${'['.repeat(200_000)}${']'.repeat(200_000)}, "path": "x"}`;
    const cases: readonly (readonly [Ask, readonly number[]])[] = [
      [{ path: `/v1/status?service=${'x'.repeat(10_000)}`, headers: bearer(writer) }, [414, 431]],
      [{ path: '/v1/status', headers: { ...bearer(writer), 'x-long': 'x'.repeat(100_000) } }, [431]],
      [{ ...post, body: deep }, [413]],
      [{ ...post, body: `{"__proto__": {"access": "write"}}` }, [400]],
      [{ ...post, body: '{"text": ' }, [400]],
      [{ ...post, body: Uint8Array.from([0xff, 0xfe, 0x7b]) }, [400]],
      [{ ...post, body: JSON.stringify({ text: 'x'.repeat(1_100_000), path: 'x' }) }, [413]],
    ];
    for (const [asked, statuses] of cases) {
      const answer = await overTcp(asked).catch(() => null);
      // Whoever is still sending when it is refused may see no more than the end of the connection.
      if (answer !== null) expect(statuses).toContain(answer.status);
    }
    const endless = kept(await Promise.all(Array.from({ length: 20 }, () => open(url))));
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    for (const wire of endless) {
      const head = Object.entries({ ...headers, host: url.host, 'transfer-encoding': 'chunked' });
      wire.socket.write(`POST /v1/parse HTTP/1.1\r\n${head.map((pair) => pair.join(': ')).join('\r\n')}\r\n\r\n`);
      for (let count = 0; count < 40; count += 1) wire.socket.write(chunk);
    }
    await eventually(
      () => {
        for (const wire of endless) expect(wire.text() !== '' || wire.socket.destroyed).toBe(true);
      },
      { timeoutMs: 20_000, describe: 'all are refused' },
    );
    await unharmed();
  });

  it('names and values are text wherever they are shown', async () => {
    const { body, headers } = await overTcp({ path: '/', headers: bearer(reader) });
    expect(body).not.toContain('<script>alert');
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    for (const path of [
      '/assets/../../registry.db',
      '/assets/%2e%2e/%2e%2e/tokens.json',
      '/assets/..%2f..%2ftokens.json',
    ]) {
      const answer = await overTcp({ path, headers: bearer(reader) });
      expect([path, answer.status]).toEqual([path, 404]);
    }
    await unharmed();
  });
});

describe('secrets', () => {
  it('are in no answer, whatever is asked', async () => {
    const paths = [
      ...[
        '/',
        '/docs',
        '/openapi.json',
        '/metrics',
        '/readyz',
        '/v1/agent',
        '/v1/status',
        '/v1/components',
        '/v1/services',
      ],
      ...[
        '/v1/services/shop',
        '/v1/services/shop/history',
        '/v1/components/shop/web',
        '/v1/components/shop/web/history',
      ],
      ...[
        '/v1/events',
        '/v1/doctor',
        '/v1/nodes',
        '/v1/names',
        '/v1/schema',
        '/v1/services/none',
        '/v1/services/shop?reveal=false',
      ],
    ];
    for (const path of paths) {
      const { body } = await overTcp({ path, headers: bearer(reader) });
      expect([path, body.includes(secret), body.includes(writer)]).toEqual([path, false, false]);
    }
    expect((await overTcp({ path: '/v1/services/shop', headers: bearer(reader) })).body).toContain(maskText);
    const reveal = '/v1/services/shop?reveal=true';
    expect((await overTcp({ path: reveal, headers: bearer(reader) })).status).toBe(403);
    expect((await overTcp({ path: reveal, headers: bearer(writer) })).body).toContain(secret);
    const watch = kept([await open(url)])[0]!;
    watch.socket.write(
      `GET /v1/watch?service=shop HTTP/1.1\r\nHost: ${url.host}\r\nAuthorization: Bearer ${reader}\r\n\r\n`,
    );
    await eventually(() => expect(watch.text()).toContain('event: synced'), { timeoutMs: 20_000 });
    await unharmed();
    await eventually(() => expect(watch.text()).toContain('event: changed'), { timeoutMs: 20_000 });
    expect(watch.text()).not.toContain(secret);
    const log = await readFile(join(home.path, 'agent-0.log'), 'utf8');
    expect([secret, writer, reader].filter((value) => log.includes(value))).toEqual([]);
  });
});

describe('guesses at a secret', () => {
  it('are not told from one another by what they would change', async () => {
    const { body } = await overTcp({ path: '/v1/services/shop', headers: bearer(reader) });
    const { text } = JSON.parse(body) as { readonly text: string };
    const plans = [];
    for (const guess of [secret, 'another', maskText]) {
      const asked = JSON.stringify({ text: text.replace(maskText, guess) });
      const headers = { ...bearer(reader), ...json };
      const planned = await overTcp({ method: 'POST', path: '/v1/services/shop/plan', headers, body: asked });
      expect(planned.status, planned.body).toBe(200);
      plans.push(planned.body);
    }
    expect(new Set(plans).size).toBe(1);
  });
});

describe('who takes its time', () => {
  it('never ends its headers: the connection ends after ten seconds', async () => {
    const slow = kept(await Promise.all(Array.from({ length: 300 }, () => open(url))));
    const drip = setInterval(() => {
      for (const wire of slow) if (!wire.socket.destroyed) wire.socket.write('X-Drip: 1\r\n');
    }, 500);
    onTestFinished(() => {
      clearInterval(drip);
    });
    for (const wire of slow) wire.socket.write(`GET /v1/status HTTP/1.1\r\nHost: ${url.host}\r\n`);
    await unharmed();
    const lastedMs = await Promise.all(slow.map(({ ended }) => ended));
    expect(Math.min(...lastedMs)).toBeGreaterThan(8_000);
    expect(Math.max(...lastedMs)).toBeLessThan(14_000);
    await unharmed();
  });

  it('opens thousands of connections and says nothing: they are bounded in number, and keep nobody out', async () => {
    const files = await openFiles(agent.pid);
    const idle: Wire[] = [];
    onTestFinished(() => {
      for (const wire of idle) wire.close();
    });
    const many = await thousands();
    while (idle.length < many) idle.push(...(await Promise.all(Array.from({ length: 100 }, () => open(url)))));
    expect(await openFiles(agent.pid)).toBeLessThanOrEqual(files + mostConnections + 20);
    await unharmed();
    for (const wire of idle) wire.close();
    await eventually(async () => expect(await openFiles(agent.pid)).toBeLessThanOrEqual(files + 20), {
      timeoutMs: 20_000,
      describe: 'what was open is closed',
    });
  });

  it('watches and never reads: it is dropped, and others are told everything', async () => {
    const head = `GET /v1/watch HTTP/1.1\r\nHost: ${url.host}\r\nAuthorization: Bearer ${reader}\r\n\r\n`;
    const [good, ...deaf] = kept(await Promise.all(Array.from({ length: 11 }, () => open(url))));
    for (const wire of deaf) wire.socket.pause();
    for (const wire of [good!, ...deaf]) wire.socket.write(head);
    await eventually(() => expect(good!.text()).toContain('event: synced'), { timeoutMs: 20_000 });
    let most = 0;
    for (let round = 0; round < 60 && (await droppedWatchers()) < deaf.length; round += 1) {
      await edit(`update components set ready_timeout_s = ${100 + round} where service like 'crowd%'`);
      most = Math.max(most, await residentMb(agent.pid));
    }
    expect(await droppedWatchers()).toBe(deaf.length);
    expect(most).toBeLessThan(mostMemoryMb);
    await unharmed();
    const { revision } = JSON.parse((await overSocket({ path: '/v1/agent' })).body) as { revision: number };
    await eventually(() => expect(lastRevision(good!.text())).toBeGreaterThanOrEqual(revision), { timeoutMs: 20_000 });
  });
});

/** Ten thousand connections, or as many as this process may have open itself. */
async function thousands(): Promise<number> {
  const limit = /^Max open files\s+(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8'))?.[1];
  return Math.min(10_000, Math.max(0, Number(limit ?? 1_024) - 500));
}

/** Of the last message with an id. */
function lastRevision(text: string): number {
  return Number([...text.matchAll(/^id: [^:\n]+:(\d+)$/gm)].at(-1)?.[1] ?? 0);
}

async function droppedWatchers(): Promise<number> {
  const { body } = await overTcp({ path: '/metrics', headers: bearer(reader) });
  return Number(/^berth_\w*dropped\w* (\d+)$/m.exec(body)?.[1] ?? Number.NaN);
}

/** As somebody does in a terminal; the agent has seen it when this returns. */
async function edit(sql: string): Promise<void> {
  const { execa } = await import('execa');
  await execa('sqlite3', ['-cmd', '.timeout 2000', join(home.path, 'registry.db'), sql], { timeout: 10_000 });
}
