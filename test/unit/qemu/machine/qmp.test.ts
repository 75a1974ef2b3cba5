/** The QMP client against a server that can be told to misbehave. */
import { execa } from 'execa';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createMachineHost } from '../../../../src/runtimes/host/machine-host.js';
import { defaultQemuSettings, machineFiles } from '../../../../src/runtimes/qemu/contracts.js';
import { QmpClient, QmpSession, type QmpEvent } from '../../../../src/runtimes/qemu/machine/index.js';
import { eventually } from '../../../support/eventually.js';
import { realClock } from '../../../support/real-clock.js';

const deps = { host: createMachineHost(), clock: realClock };
const greeting = '{"QMP": {"version": {"qemu": {"major": 7}}, "capabilities": ["oob"]}}\r\n';
const call = { deadlineMs: 2_000 };

let folder: string;
let server: Server | undefined;
let client: QmpClient | undefined;
let peers: Socket[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-qmp-'));
  peers = [];
});

afterEach(async () => {
  client?.close();
  for (const peer of peers) peer.destroy();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(null)));
  await rm(folder, { recursive: true, force: true });
});

type Answer = (id: string, command: string, peer: Socket) => void;

async function serve(answer: Answer, first = greeting, name = 'q.sock'): Promise<void> {
  const listening = createServer((peer) => {
    peers.push(peer);
    peer.on('error', () => undefined);
    peer.write(first);
    peer.on('data', (data) => {
      for (const line of data.toString().trim().split('\n')) {
        const { id, execute } = JSON.parse(line) as { id: string; execute: string };
        if (execute === 'qmp_capabilities') peer.write(`{"return": {}, "id": "${id}"}\n`);
        else answer(id, execute, peer);
      }
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(join(folder, name), resolve));
}

function connect(onEvent: (event: QmpEvent) => void = () => undefined, deadlineMs = 2_000): Promise<QmpClient> {
  return QmpClient.connect(deps, { folder, socket: 'q.sock', deadlineMs, onEvent });
}

it('matches answers to commands whatever their order', async () => {
  const held: string[] = [];
  await serve((id, _command, peer) => {
    held.push(id);
    if (held.length < 2) return;
    for (const each of held.reverse()) peer.write(`{"return": "answer ${each}", "id": "${each}"}\n`);
  });
  client = await connect();
  const answers = await Promise.all([client.execute('a', {}, call), client.execute('b', {}, call)]);
  expect(answers).toEqual(['answer 2', 'answer 3']);
});

it('passes over what is no message, in pieces of any size, and goes on', async () => {
  const events: QmpEvent[] = [];
  const noise = '{"half": \n[]\nnull\n42\n{"return": 1, "id": "99"}\n\u0000\n{"event": 7}\n';
  const event = '{"event": "STOP", "timestamp": {"seconds": 2, "microseconds": 5500}, "data": {"é": 1}}\n';
  await serve((id, _command, peer) => {
    const bytes = Buffer.from(`${noise}${event}{"return": {"ok": true}, "id": "${id}"}\n`);
    for (const byte of bytes) peer.write(Buffer.from([byte]));
  });
  client = await connect((item) => events.push(item));
  expect(await client.execute('query-status', {}, call)).toEqual({ ok: true });
  expect(events).toEqual([{ event: 'STOP', data: { é: 1 }, atMs: 2_005 }]);
});

it('gives the words of a refusal', async () => {
  await serve((id, _command, peer) =>
    peer.write(`{"error": {"class": "GenericError", "desc": "no"}, "id": "${id}"}\n`),
  );
  client = await connect();
  await expect(client.execute('x', {}, call)).rejects.toMatchObject({ code: 'E_DRIVER_FAILED', message: 'QEMU: no' });
});

it('ends what waits at once when the other side hangs up', async () => {
  await serve((_id, _command, peer) => peer.destroy());
  client = await connect();
  const beganMs = performance.now();
  await expect(client.execute('x', {}, { deadlineMs: 60_000 })).rejects.toMatchObject({ code: 'E_DRIVER_UNREACHABLE' });
  await client.closed;
  expect(performance.now() - beganMs).toBeLessThan(1_000);
  await expect(client.execute('x', {}, call)).rejects.toMatchObject({ code: 'E_DRIVER_UNREACHABLE' });
});

it('gives up on a line without end', async () => {
  await serve((_id, _command, peer) => peer.write('x'.repeat(3 * 1024 * 1024)));
  client = await connect();
  await expect(client.execute('x', {}, { deadlineMs: 60_000 })).rejects.toMatchObject({
    code: 'E_DRIVER_UNREACHABLE',
    message: expect.stringContaining('a line of more than') as string,
  });
});

it('waits no longer than its deadline, for a greeting or an answer, and stops when it is cancelled', async () => {
  await serve(() => undefined, '');
  await expect(connect(undefined, 50)).rejects.toMatchObject({ code: 'E_DRIVER_TIMEOUT' });
  await new Promise((resolve) => server?.close(resolve));
  await serve(() => undefined);
  client = await connect();
  await expect(client.execute('x', {}, { deadlineMs: 30 })).rejects.toMatchObject({ code: 'E_DRIVER_TIMEOUT' });
  const life = new AbortController();
  const asking = client.execute('x', {}, { deadlineMs: 60_000, signal: life.signal });
  life.abort();
  await expect(asking).rejects.toMatchObject({ code: 'E_DRIVER_TIMEOUT' });
});

it('says that nothing listens', async () => {
  await serve(() => undefined);
  await expect(QmpClient.connect(deps, { folder, socket: 'none.sock', deadlineMs: 100 })).rejects.toMatchObject({
    code: 'E_DRIVER_UNREACHABLE',
  });
});

it('outlives a QEMU that dies between letting it in and being heard', async () => {
  // It listens, and its loop never comes to take a connection: as a QEMU that fails while it starts.
  const script = `require('net').createServer().listen(process.argv[1], () => { for (;;); })`;
  const path = join(folder, 'q.sock');
  const dying = execa(process.execPath, ['-e', script, path], { reject: false });
  await eventually(() => deps.host.exists(path));
  const host = {
    ...deps.host,
    openFolder: async (name: string) => {
      const opened = await deps.host.openFolder(name);
      const close = async (): Promise<void> => {
        dying.kill('SIGKILL');
        await dying;
        // The reset is read meanwhile.
        for (let turn = 0; turn < 10; turn += 1) await nextTurn();
        await opened.close();
      };
      return { ...opened, close };
    },
  };
  await expect(
    QmpClient.connect({ host, clock: realClock }, { folder, socket: 'q.sock', deadlineMs: 10_000 }),
  ).rejects.toMatchObject({ code: 'E_DRIVER_UNREACHABLE', message: expect.stringContaining('QMP') as string });
});

it('holds no connection of a session that is closed in the moment in which it is ready', async () => {
  await serve(() => undefined, greeting, machineFiles.qmp);
  let waits = 0;
  const clock: typeof realClock = {
    ...realClock,
    after: (delayMs, run) => {
      waits += 1;
      const isLast = waits === 2;
      const stop = realClock.after(delayMs, run);
      return () => {
        stop();
        // The greeting is the first wait; when the second is over, nothing is left to wait for but the next microtask.
        if (isLast) queueMicrotask(() => session.close());
      };
    },
  };
  const run = { bootId: 'boot', pid: 4_242, startTicks: '777', uuid: 'token', startedAtMs: 0 };
  const session = new QmpSession({ host: deps.host, clock, settings: defaultQemuSettings }, { folder, run });
  session.start();
  await eventually(() => peers[0]?.destroyed === true);
  expect(waits).toBe(2);
});
