/** The service behind the driver: its own, dead, hung, found again; workloads go on whatever happens to it. */
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { isBerthError } from '../../../src/core/errors.js';
import type { Driver, EventSink } from '../../../src/core/ports/driver.js';
import { componentDefaults } from '../../../src/core/spec.js';
import { createNodeHost, createPodmanDriver, type Host } from '../../../src/runtimes/podman/index.js';
import { eventually } from '../../support/eventually.js';
import { halt } from '../../support/halt.js';
import { makePodmanHome, podman, silentLog, type PodmanHome } from '../../support/podman-fixture.js';
import { ensureTestImage, type BuiltImage } from '../../support/podman-image.js';
import { realChance, realClock } from '../../support/real-clock.js';

let image: BuiltImage;
const homes: PodmanHome[] = [];
const patience = (): AbortSignal => AbortSignal.timeout(60_000);
/** Short enough for a test, long enough for a busy machine. */
const quick = { pingEveryMs: 300, pingDeadlineMs: 1_000, replaceServiceAfterMs: 4_000, listDeadlineMs: 3_000 };

beforeAll(async () => {
  image = await ensureTestImage();
});
afterAll(async () => {
  await image.remove();
});
afterEach(async () => {
  for (const home of homes.splice(0)) await home.dispose();
});

async function makeHome(): Promise<PodmanHome> {
  const home = await makePodmanHome(quick);
  homes.push(home);
  return home;
}

interface Service {
  readonly pid: number;
  readonly socket: string;
}

async function serviceOf(home: PodmanHome): Promise<Service> {
  return JSON.parse(await readFile(join(home.stateDir, 'podman', 'podman-service.json'), 'utf8')) as Service;
}

async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) [ZX] /.test(stat);
}

async function run(driver: Driver, component: string): Promise<string> {
  const spec = { ...componentDefaults, name: component, image: image.reference };
  const request = { service: 'svc', spec, role: 'main', generation: 1, specHash: 'x', env: {} } as const;
  const id = await driver.create({ ...request, imageDigest: image.digest }, patience());
  await driver.start(id, patience());
  return id;
}

async function startOf(driver: Driver, id: string): Promise<unknown> {
  const { workloads } = await driver.list(patience());
  const { state, startedAtMs } = workloads.find(({ nativeId }) => nativeId === id) ?? {};
  return { state, startedAtMs };
}

const whenItAnswers = (driver: Driver): Promise<unknown> =>
  eventually(() => driver.list(patience()), { timeoutMs: 30_000, everyMs: 50, describe: 'podman answers again' });

it('a service in a session of its own is stopped by close, and its workloads go on', async () => {
  const home = await makeHome();
  await home.driver.open(patience());
  const { pid } = await serviceOf(home);
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  expect(Number(fields[3])).toBe(pid);
  const id = await run(home.driver, 'web');
  const before = await startOf(home.driver, id);
  await home.driver.close();
  expect(await isRunning(pid)).toBe(false);
  await expect(home.driver.list(patience())).rejects.toMatchObject({ code: 'E_DRIVER_UNREACHABLE' });
  const later = home.again();
  await later.open(patience());
  expect(await startOf(later, id)).toEqual(before);
});

it('where it keeps things is asked once, and told while it does not answer', async () => {
  const home = await makeHome();
  const { driver } = home;
  expect(await driver.stores?.(patience())).toEqual([]);
  await driver.open(patience());
  const told = await driver.stores?.(patience());
  const wanted = await podman('info', '--format', '{{.Store.GraphRoot}} {{.Store.VolumePath}}');
  expect(told?.map(({ path }) => path).join(' ')).toBe(wanted.trim());
  const { pid } = await serviceOf(home);
  await halt(pid);
  try {
    expect(await driver.stores?.(patience())).toEqual(told);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
});

it('a service that an agent left behind is used again', async () => {
  const home = await makeHome();
  await home.driver.open(patience());
  const { pid } = await serviceOf(home);
  const later = home.again();
  await later.open(patience());
  expect((await serviceOf(home)).pid).toBe(pid);
  await later.list(patience());
});

it('a record that names another process starts a new service and signals nobody', async () => {
  const home = await makeHome();
  await home.driver.open(patience());
  const record = await serviceOf(home);
  await home.driver.close();
  const path = join(home.stateDir, 'podman', 'podman-service.json');
  await writeFile(path, JSON.stringify({ ...record, pid: process.pid, startTicks: '1', bootId: 'x', folder: null }));
  const later = home.again();
  await later.open(patience());
  expect((await serviceOf(home)).pid).not.toBe(process.pid);
});

it('a service that died is replaced, events go on, and no workload is touched', async () => {
  const home = await makeHome();
  const { driver } = home;
  await driver.open(patience());
  const id = await run(driver, 'web');
  const before = await startOf(driver, id);
  const seen: string[] = [];
  const control = new AbortController();
  let connected = 0;
  const sink: EventSink = {
    onConnected: () => (connected += 1),
    onEvent: (event) => seen.push(`${event.nativeId} ${event.action}`),
    onLost: () => undefined,
  };
  const following = driver.events(sink, control.signal);
  await eventually(() => connected === 1);
  const { pid } = await serviceOf(home);
  process.kill(pid, 'SIGKILL');
  await eventually(() => connected >= 2, { timeoutMs: 30_000, describe: 'the stream is connected again' });
  expect((await serviceOf(home)).pid).not.toBe(pid);
  expect(await startOf(driver, id)).toEqual(before);
  await driver.stop(id, 5_000, patience());
  await eventually(() => seen.includes(`${id} died`));
  control.abort();
  await following;
});

it('a service that hangs makes calls time out, is replaced, and no workload is touched', async () => {
  const home = await makeHome();
  const { driver } = home;
  await driver.open(patience());
  const id = await run(driver, 'web');
  const before = await startOf(driver, id);
  const { pid } = await serviceOf(home);
  await halt(pid);
  const error = await driver.list(patience()).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(isBerthError(error, 'E_DRIVER_TIMEOUT', 'E_DRIVER_UNREACHABLE'), String(error)).toBe(true);
  await whenItAnswers(driver);
  expect((await serviceOf(home)).pid).not.toBe(pid);
  expect(await isRunning(pid)).toBe(false);
  expect(await startOf(driver, id)).toEqual(before);
});

it('a service that hangs for a moment is left alone', async () => {
  const home = await makeHome();
  const patient = home.again({ replaceServiceAfterMs: 60_000 });
  await patient.open(patience());
  const { pid } = await serviceOf(home);
  await halt(pid);
  await expect(patient.list(patience())).rejects.toMatchObject({ code: 'E_DRIVER_TIMEOUT' });
  process.kill(pid, 'SIGCONT');
  await whenItAnswers(patient);
  expect((await serviceOf(home)).pid).toBe(pid);
});

it('a podman that never answers fails the opening in time, and leaves no process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bp-'));
  try {
    const wrapper = join(folder, 'podman');
    await writeFile(wrapper, '#!/bin/sh\nexec sleep 1000\n');
    await chmod(wrapper, 0o755);
    const pids: number[] = [];
    const real = createNodeHost();
    const host: Host = {
      ...real,
      findProgram: async (name) => (name === 'podman' ? wrapper : real.findProgram(name)),
      startDetached: async (...args) => {
        const child = await real.startDetached(...args);
        pids.push(child.pid);
        return child;
      },
    };
    const driver = createPodmanDriver({
      homeId: realChance.id(),
      namePrefix: 'never-',
      stateDir: join(folder, 'home'),
      clock: realClock,
      chance: realChance,
      host,
      log: silentLog,
      settings: { useSystemSocket: false, startDeadlineMs: 500 },
    });
    await expect(driver.open(patience())).rejects.toMatchObject({ code: 'E_DRIVER_UNREACHABLE' });
    await expect(driver.list(patience())).rejects.toMatchObject({ code: 'E_DRIVER_UNREACHABLE' });
    await driver.close();
    for (const pid of pids) await eventually(async () => !(await isRunning(pid)));
    expect(pids.length).toBeGreaterThan(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it('a short-lived command uses the agent’s service and leaves it running', async () => {
  const home = await makeHome();
  await home.driver.open(patience());
  const { pid } = await serviceOf(home);
  const transient = createPodmanDriver({
    homeId: home.homeId,
    namePrefix: home.namePrefix,
    stateDir: home.stateDir,
    clock: realClock,
    chance: realChance,
    host: createNodeHost(),
    log: silentLog,
    settings: { useSystemSocket: false },
    transient: true,
  });
  await transient.open(patience());
  await transient.list(patience());
  await transient.close();
  expect(await isRunning(pid)).toBe(true);
  await home.driver.list(patience());
});

it('a short-lived command without an agent starts a service of its own and leaves nothing', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'bp-'));
  const transient = createPodmanDriver({
    homeId: realChance.id(),
    namePrefix: 'short-',
    stateDir,
    clock: realClock,
    chance: realChance,
    host: createNodeHost(),
    log: silentLog,
    settings: { useSystemSocket: false },
    transient: true,
  });
  try {
    await transient.open(patience());
    await transient.list(patience());
    await transient.close();
    expect(await readdir(join(stateDir, 'podman'))).toEqual([]);
  } finally {
    await transient.close();
    await rm(stateDir, { recursive: true, force: true });
  }
});

it('a home whose path is too long for a socket has one elsewhere', async () => {
  const base = await mkdtemp(join(tmpdir(), 'bp-'));
  const stateDir = join(base, 'd'.repeat(100));
  const driver = createPodmanDriver({
    homeId: realChance.id(),
    namePrefix: 'long-',
    stateDir,
    clock: realClock,
    chance: realChance,
    host: createNodeHost(),
    log: silentLog,
    settings: { useSystemSocket: false },
  });
  try {
    await driver.open(patience());
    await driver.list(patience());
    const record = JSON.parse(await readFile(join(stateDir, 'podman/podman-service.json'), 'utf8')) as Service;
    expect(Buffer.byteLength(record.socket)).toBeLessThanOrEqual(107);
  } finally {
    await driver.close();
    await rm(base, { recursive: true, force: true });
  }
});

/** A podman that answers pings and nothing else: what a service looks like whose locks hang. */
const deafPodman = `
const { createServer } = require('node:http');
const socket = process.argv.at(-1).replace('unix://', '');
createServer((request, response) => {
  if (request.url.endsWith('/_ping')) response.end('OK');
}).listen(socket);
`;

it('a service that answers pings but no list is replaced, too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bp-'));
  const wrapper = join(folder, 'podman');
  await writeFile(wrapper, `#!${process.execPath}\n${deafPodman}`);
  await chmod(wrapper, 0o755);
  const real = createNodeHost();
  let starts = 0;
  const host: Host = {
    ...real,
    findProgram: async (name) => (name === 'podman' && starts === 0 ? wrapper : real.findProgram(name)),
    startDetached: (...args) => {
      starts += 1;
      return real.startDetached(...args);
    },
  };
  const driver = createPodmanDriver({
    homeId: realChance.id(),
    namePrefix: 'deaf-',
    stateDir: join(folder, 'home'),
    clock: realClock,
    chance: realChance,
    host,
    log: silentLog,
    settings: { ...quick, useSystemSocket: false, listDeadlineMs: 1_000, replaceServiceAfterMs: 1_500 },
  });
  try {
    await driver.open(patience());
    await expect(driver.list(patience())).rejects.toMatchObject({ code: 'E_DRIVER_TIMEOUT' });
    await eventually(() => starts >= 2, { timeoutMs: 20_000, describe: 'another service is started' });
    await eventually(() => driver.capabilities(patience()), { timeoutMs: 20_000, everyMs: 50 });
  } finally {
    await driver.close();
    await rm(folder, { recursive: true, force: true });
  }
});
