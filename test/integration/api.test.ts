/** The API of a real agent: edits converge, it ends and begins with its agent, and what is asked of it delays nothing. */
import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent, request } from 'undici';
import { eventually } from '../support/eventually.js';
import { residentMb } from '../support/hostile.js';
import { ensureTestImage, type BuiltImage } from '../support/podman-image.js';
import { makeTestHome, podman, type RunningAgent, type TestHome } from '../support/test-home.js';

let home: TestHome;
let agent: RunningAgent;
let image: BuiltImage;

beforeAll(async () => {
  [home, image] = await Promise.all([makeTestHome(), ensureTestImage()]);
  agent = await home.startAgent();
});

afterAll(async () => {
  await home.dispose();
  await image.remove();
});

const socketPath = (): string => join(home.path, 'berth.sock');
const addressPath = (): string => join(home.path, 'api.json');
/** Where the agent is reached over TCP. */
const addressOf = (): URL => new URL((JSON.parse(readFileSync(addressPath(), 'utf8')) as { url: string }).url);

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** One request over the socket, on a connection of its own. */
async function ask(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown): Promise<Answer> {
  const dispatcher = new Agent({ connect: { socketPath: socketPath() } });
  try {
    const answer = await request(`http://localhost${path}`, {
      method,
      dispatcher,
      headers: { 'content-type': 'application/json', 'x-berth-actor': 'cli:tester' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, body: text.startsWith('{') ? (JSON.parse(text) as unknown) : text };
  } finally {
    await dispatcher.close();
  }
}

/** Waits by the API, and answers how it ended. */
async function waitFor(component: string): Promise<unknown> {
  const body = { components: [{ service: 'shop', component }], timeoutMs: 60_000 };
  const { body: text } = await ask('POST', '/v1/wait', body);
  return JSON.parse(String(text).trim().split('\n').at(-1) ?? '{}') as unknown;
}

const shop = (memoryMb: number): string =>
  `name = "shop"\n[[components]]\nname = "web"\nimage = "${image.reference}"\npull = "never"\nstop_timeout_s = 1\nmemory_mb = ${memoryMb}\n`;

describe('the API of an agent', () => {
  it('says that it is ready, and where it is reached', async () => {
    await eventually(async () => expect((await ask('GET', '/readyz')).status).toBe(200), { timeoutMs: 30_000 });
    const { url, pid } = JSON.parse(readFileSync(addressPath(), 'utf8')) as { url: string; pid: number };
    expect(pid).toBe(agent.pid);
    const answer = await request(`${url}/healthz`);
    expect(await answer.body.text()).toBe('ok');
    expect((await request(`${url}/v1/status`)).statusCode).toBe(401);
  });

  it('makes what is written so, and runs a program inside', async () => {
    expect((await ask('PUT', '/v1/services/shop', { text: shop(64) })).status).toBe(200);
    expect(await waitFor('web')).toMatchObject({ outcome: 'converged' });
    const { stdout } = await podman('inspect', `${home.prefix}shop-web`, '--format', '{{.HostConfig.Memory}}');
    expect(stdout.trim()).toBe(String(64 * 1_048_576));
    const ran = await ask('POST', '/v1/components/shop/web/exec', { argv: ['/bin/echo', 'hello'] });
    expect(ran).toEqual({ status: 200, body: { exitCode: 0, stdout: 'hello\n', stderr: '' } });
    const metrics = String((await ask('GET', '/metrics')).body);
    expect(metrics).toMatch(/berth_driver_call_seconds_count\{driver="podman",call="create"\} [1-9]/);
    expect(metrics).toMatch(/berth_reconcile_seconds_count\{outcome="done"\} [1-9]/);
  });

  it('answers the first MiB of what a program prints, and how much more there was', async () => {
    const script = (to: string): string => `dd if=/dev/zero bs=1000000 count=10 2>/dev/null | tr '\\000' x ${to}`;
    const before = await residentMb(agent.pid);
    const out = await ask('POST', '/v1/components/shop/web/exec', { argv: ['/bin/busybox', 'sh', '-c', script('')] });
    expect(out.status).toBe(200);
    const { stdout, ...rest } = out.body as { readonly stdout: string };
    expect([stdout.length, /^x*$/.test(stdout)]).toEqual([1_048_576, true]);
    expect(rest).toEqual({ exitCode: 0, stderr: '', cut: { stdout: 10_000_000 - 1_048_576, stderr: 0 } });
    const told = await home.berth('exec', 'shop/web', '--', '/bin/busybox', 'sh', '-c', script('>&2'));
    expect([told.exitCode, told.stdout, told.stderr.length]).toEqual([0, '', expect.any(Number)]);
    expect(told.stderr).toContain('only the first MiB of its stderr is shown: 8.5 MiB were left out');
    expect((await residentMb(agent.pid)) - before).toBeLessThan(100);
  });

  it('heals on, however many connections are open and whatever they do', async () => {
    const url = addressOf();
    const sockets: Socket[] = [];
    try {
      for (let index = 0; index < 1_500; index += 1) {
        const socket = connect(Number(url.port), '127.0.0.1');
        socket.on('error', () => undefined);
        if (index % 3 === 1) socket.write('GET /v1/status HTTP/1.1\r\nHost: ');
        if (index % 3 === 2) socket.write('POST /v1/plan HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{');
        sockets.push(socket);
      }
      await podman('kill', `${home.prefix}shop-web`);
      await eventually(
        async () => {
          const { body } = await ask('GET', '/v1/components/shop/web');
          expect(body).toMatchObject({ component: { phase: 'running', restarts: 1 } });
        },
        { timeoutMs: 30_000 },
      );
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  it('ends with its agent, at once and without a trace, whoever is connected', async () => {
    const sockets = Array.from({ length: 100 }, () => connect(socketPath()));
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      socket.resume();
      socket.write('GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n');
    }
    await eventually(() => sockets.every((socket) => socket.bytesRead > 0), { timeoutMs: 30_000 });
    const beganMs = performance.now();
    expect(await agent.stop()).toBe(0);
    expect(performance.now() - beganMs).toBeLessThan(2_000);
    expect(existsSync(socketPath())).toBe(false);
    expect(existsSync(addressPath())).toBe(false);
    for (const socket of sockets) socket.destroy();
  });

  it('begins again in place of one that was killed', async () => {
    agent = await home.startAgent();
    await eventually(() => existsSync(socketPath()) && existsSync(addressPath()), { timeoutMs: 30_000 });
    await agent.kill();
    expect(existsSync(socketPath())).toBe(true);
    agent = await home.startAgent();
    await eventually(async () => expect((await ask('GET', '/healthz')).body).toBe('ok'), { timeoutMs: 30_000 });
    expect((await ask('GET', '/v1/agent')).body).toMatchObject({ agent: { pid: agent.pid } });
  });

  it('serves on when another agent holds its port', async () => {
    const url = await eventually(addressOf, { timeoutMs: 30_000 });
    const other = await makeTestHome({ BERTH_API_LISTEN: url.host });
    try {
      await other.startAgent();
      // It is asked by its socket as soon as it serves there.
      const says = async (): Promise<void> =>
        expect((await other.berth('doctor', '-o', 'json')).stdout).toContain('EADDRINUSE');
      await eventually(says, { timeoutMs: 20_000 });
    } finally {
      await other.dispose();
    }
  });
});
