/**
 * The console of a real virtual machine through a real agent: by its socket, over TCP with a token, and by the hand of a
 * neighbour who means no good.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { berthMain, root } from '../../../scripts/lib/paths.mjs';
import { ensureExampleImage, exampleImage } from '../../../scripts/lib/podman.mjs';
import { eventually } from '../../support/eventually.js';
import { ask, open, residentMb, type Wire } from '../../support/hostile.js';
import { freePort } from '../../support/podman-fixture.js';
import { row } from '../../support/reading.js';
import { makeTestHome, type CommandResult, type RunningAgent, type TestHome } from '../../support/test-home.js';
import { ensureTestKernel } from '../../support/vm-kernel.js';

let home: TestHome;
let agent: RunningAgent;
let folder: string;
let url: URL;
let writer: string;
let reader: string;
/** What `--host` and its token are. */
let host: readonly string[];

const patience = { timeoutMs: 60_000, everyMs: 100 };
const path = '/v1/components/talk/echo/console';
/** Answers each line; prints without end once it is told to. */
const script = 'while read -r line; do echo \\"got $line\\"; [ \\"$line\\" = flood ] && exec yes flood; done';

beforeAll(async () => {
  const kernel = await ensureTestKernel();
  await ensureExampleImage(() => undefined);
  const port = await freePort();
  home = await makeTestHome({
    ...{ BERTH_RELIST_S: '3', BERTH_BACKOFF_FIRST_S: '0.2', BERTH_API_LISTEN: `127.0.0.1:${String(port)}` },
    ...kernel.env,
  });
  folder = await mkdtemp(join(tmpdir(), 'bh-con-'));
  url = new URL(`http://127.0.0.1:${String(port)}`);
  agent = await home.startAgent();
  const part = (name: string, runtime: string, more: string): string =>
    `[[components]]\nname = "${name}"\nruntime = "${runtime}"\nimage = "${exampleImage}"\npull = "never"\nstop_timeout_s = 1\n${more}`;
  const file = join(folder, 'talk.toml');
  const vm = part('echo', 'microvm', `memory_mb = 96\ncommand = ["sh", "-c", "${script}"]\n`);
  await writeFile(file, `name = "talk"\n${vm}${part('box', 'container', '')}`);
  const deployed = await home.berth('deploy', '-f', file, '--timeout', '120s');
  expect(deployed.exitCode, deployed.stdout + deployed.stderr).toBe(0);
  const serves = async (): Promise<void> => expect((await ask(url, { path: '/healthz' })).status).toBe(200);
  await eventually(serves, patience);
  [writer, reader] = [(await told('token', 'show')).stdout, (await told('token', 'add', 'view')).stdout];
  await writeFile(join(folder, 'token'), writer);
  await writeFile(join(folder, 'view'), reader);
  host = ['--host', url.origin, '--token-file', join(folder, 'token')];
});

afterAll(async () => {
  await home.dispose();
  await rm(folder, { recursive: true, force: true });
});

async function told(...argv: readonly string[]): Promise<CommandResult> {
  const result = await home.berth(...argv);
  expect(result.exitCode, result.stderr).toBe(0);
  return result;
}

/** `berth console talk/echo`, with what it has shown. */
function terminal(...more: readonly string[]) {
  const child = execa(process.execPath, [berthMain, 'console', 'talk/echo', ...more], {
    env: home.env,
    cwd: root,
    reject: false,
    timeout: 120_000,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let heard = '';
  child.stdout.on('data', (chunk: Buffer) => (heard += chunk.toString('utf8')));
  const says = async (line: string): Promise<void> => {
    await eventually(() => {
      child.stdin.write(`${line}\n`);
      return heard.includes(`got ${line}`);
    }, patience);
  };
  const leave = async (): Promise<number | undefined> => {
    child.stdin.end();
    return (await child).exitCode;
  };
  return { child, says, leave };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const wish = {
  ...{ connection: 'Upgrade', upgrade: 'websocket' },
  ...{ 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' },
};

/** Opens it by hand. */
async function upgraded(): Promise<Wire> {
  const wire = await open(url);
  onTestFinished(() => {
    wire.close();
  });
  const head = Object.entries({ host: url.host, ...bearer(writer), ...wish });
  wire.socket.write(`GET ${path} HTTP/1.1\r\n${head.map((pair) => pair.join(': ')).join('\r\n')}\r\n\r\n`);
  await eventually(() => expect(wire.text()).toContain('HTTP/1.1 101 '), patience);
  return wire;
}

/** Nobody is at the console any more. */
async function isFree(withinMs = 10_000): Promise<void> {
  const streams = async (): Promise<void> => {
    const { body } = await ask(url, { path: '/metrics', headers: bearer(reader) });
    expect(body).toMatch(/^berth_http_streams 0$/m);
  };
  await eventually(streams, { timeoutMs: withinMs, everyMs: 100, describe: 'the console is free' });
}

describe('the console of a machine', () => {
  it('is the same by the socket and over TCP, and what is typed is kept nowhere', async () => {
    for (const way of [[], host]) {
      const { says, leave } = terminal(...way);
      await says(`secretly-typed-${String(way.length)}`);
      expect(await leave()).toBe(0);
      await isFree();
    }
    const kept = await Promise.all([
      told('events', '--since', '1h', '-o', 'json').then(({ stdout }) => stdout),
      told('history', 'talk', '-o', 'json').then(({ stdout }) => stdout),
      readFile(join(home.path, 'agent-0.log'), 'utf8'),
    ]);
    expect(kept.join()).not.toContain('secretly-typed');
    expect(kept[2]).toMatch(/a console was opened/);
    for (const actor of ['"cli:', '"token:default"']) expect(kept[2]).toContain(`"actor":${actor}`);
  });

  it('has one end, and is refused with the reason', async () => {
    const { says, leave } = terminal(...host);
    await says('first');
    for (const way of [[], host]) {
      const second = await home.berth('console', 'talk/echo', ...way);
      expect([second.exitCode, second.stderr.split(':')[0]]).toEqual([5, 'error E_CONFLICT']);
    }
    expect(await leave()).toBe(0);
    await isFree();
    const refusals = [
      [['talk/box', ...host], 2, 'E_NOT_SUPPORTED'],
      [['talk/box'], 2, 'E_NOT_SUPPORTED'],
      [['talk/ehco', ...host], 4, 'E_NOT_FOUND'],
      [['talk/echo', ...host.slice(0, 3), join(folder, 'view')], 1, 'E_FORBIDDEN'],
      [['talk/echo', ...host.slice(0, 2)], 1, 'E_FORBIDDEN'],
    ] as const;
    for (const [argv, exitCode, code] of refusals) {
      const refused = await home.berth('console', ...argv);
      expect([argv, refused.exitCode, refused.stdout, refused.stderr.split(':')[0]]).toEqual([
        argv,
        exitCode,
        '',
        `error ${code}`,
      ]);
    }
  });

  it('ends with the agent over TCP, at once, and goes on without it on the machine itself', async () => {
    const far = terminal(...host);
    await far.says('far');
    expect(await agent.stop()).toBe(0);
    const { exitCode, stderr } = await far.child;
    expect([exitCode, stderr.includes('error E_AGENT_UNREACHABLE')]).toEqual([1, true]);
    agent = await home.startAgent();
    await eventually(async () => expect(await row(home, 'echo')).toMatchObject({ phase: 'running' }), patience);
    await eventually(async () => expect((await ask(url, { path: '/healthz' })).status).toBe(200), patience);
    const near = terminal();
    await near.says('near');
    const beganMs = performance.now();
    expect(await agent.stop()).toBe(0);
    expect(performance.now() - beganMs).toBeLessThan(3_000);
    await near.says('still-near');
    expect(await near.leave()).toBe(0);
    agent = await home.startAgent();
    await eventually(async () => expect(await row(home, 'echo')).toMatchObject({ phase: 'running' }), patience);
    await eventually(async () => expect((await ask(url, { path: '/healthz' })).status).toBe(200), patience);
  });
});

describe('a hostile neighbour', () => {
  it('is refused before anything is opened', async () => {
    const origin = { origin: 'http://evil.example' };
    const cases = [
      [{}, 403],
      [{ origin: url.origin }, 401],
      [bearer('berth_wrong'), 401],
      [bearer(reader), 403],
      [{ ...bearer(writer), ...origin }, 403],
      [{ ...bearer(writer), host: `evil.example:${url.port}` }, 403],
      [{ cookie: 'berth-00000000=1.x.1.x', ...origin }, 403],
    ] as const;
    for (const [headers, status] of cases) {
      const answer = await ask(url, { path, headers: { ...wish, ...headers } });
      expect([headers, answer.status]).toEqual([headers, status]);
      expect(answer.headers['content-type']).toContain('application/problem+json');
    }
    await isFree();
  });

  it('sends a message that is too long: the console is left, and free for others', async () => {
    const socket = new WebSocket(`ws://${url.host}${path}`, { headers: bearer(writer) });
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.on('error', reject);
    });
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    socket.send(Buffer.alloc(65_537, 'x'));
    expect(await closed).toBe(1_009);
    await isFree();
  });

  it('never reads while the machine writes without end: it is dropped, and the machine is not held up', async () => {
    const { says, child } = terminal();
    await says('flood');
    // It is never silent, which the end of what is piped in would wait for.
    child.kill('SIGINT');
    expect((await child).exitCode).toBe(0);
    await isFree();
    const before = await residentMb(agent.pid);
    const deaf = await upgraded();
    deaf.socket.pause();
    let most = 0;
    await eventually(
      async () => {
        most = Math.max(most, await residentMb(agent.pid));
        const { body } = await ask(url, { path: '/metrics', headers: bearer(reader) });
        expect(body).toMatch(/^berth_http_streams 0$/m);
      },
      { timeoutMs: 90_000, everyMs: 250, describe: 'it is dropped' },
    );
    process.stderr.write(`console: agent ${Math.round(before)} MiB before, at most ${Math.round(most)} MiB\n`);
    expect(most - before).toBeLessThan(60);
    // It writes on.
    const socket = new WebSocket(`ws://${url.host}${path}`, { headers: bearer(writer) });
    onTestFinished(() => {
      socket.terminate();
    });
    await new Promise((resolve, reject) => {
      socket.once('message', resolve);
      socket.on('error', reject);
    });
    const closed = new Promise((resolve) => socket.once('close', (code, why) => resolve([code, why.toString()])));
    // The end of the machine is the end of the console, with the reason.
    await told('stop', 'talk/echo', '--wait', '--timeout', '60s');
    expect(await closed).toEqual([1_000, 'the machine has ended']);
    const gone = await ask(url, { path, headers: { ...wish, ...bearer(writer) } });
    expect([gone.status, gone.body.includes('E_WORKLOAD_MISSING')]).toEqual([409, true]);
  });
});
