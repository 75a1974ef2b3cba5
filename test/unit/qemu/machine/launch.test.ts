/** A start that comes to nothing, or cannot be told apart from one that did, as /proc cannot be read: no QEMU is left. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createMachineHost, type MachineHost } from '../../../../src/runtimes/host/machine-host.js';
import type { MachineSpec } from '../../../../src/runtimes/qemu/contracts.js';
import { launchMachine } from '../../../../src/runtimes/qemu/machine/index.js';
import { realClock } from '../../../support/real-clock.js';

const real = createMachineHost();
const pid = 4_242;
const spec: MachineSpec = {
  ...{ name: 'shop-web', uuid: '11111111-1111-4111-8111-111111111111', accel: 'tcg', machine: 'q35' },
  ...{ memoryMb: 32, vcpus: 1, report: 'virtio-port', boot: { kind: 'bios' }, disks: [] },
  network: { kind: 'user', mac: '52:54:00:12:34:56', forwards: [] },
};

/** What /proc says of it. */
const seen: Readonly<Record<string, string>> = {
  stat: `${pid} (qemu) D 1 ${pid} ${pid} 0 -1 0 1 0 0 0 3 4 0 0 20 0 9 0 777 1000 200\n`,
  cmdline: `qemu\0-uuid\0${spec.uuid}\0`,
};

let folder: string;
let killed: (string | number)[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-launch-'));
  killed = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Its QEMU says nothing and runs until it is killed, or longer; it may be looked at, or not. */
function launch(options: { readonly survives: boolean; readonly isSeen?: boolean }): Promise<unknown> {
  let end: (exitCode: null) => void = () => undefined;
  const exited = new Promise<null>((resolve) => {
    end = resolve;
  });
  const host: MachineHost = {
    ...real,
    findProgram: (name) => Promise.resolve(`/usr/bin/${name}`),
    exists: () => Promise.resolve(true),
    run: () => Promise.resolve({ exitCode: 0, output: '', timedOut: false, cancelled: false }),
    readText: (path) => {
      if (!path.startsWith(`/proc/${pid}/`)) return real.readText(path);
      return Promise.resolve(options.isSeen ? seen[path.slice(`/proc/${pid}/`.length)] : undefined);
    },
    startInFolder: () => Promise.resolve({ pid, exited }),
    kill: (number, signal) => {
      killed.push(number, signal);
      if (!options.survives) end(null);
      return true;
    },
  };
  const settings = { qemu: null, startDeadlineMs: options.isSeen ? 50 : 1_000, callDeadlineMs: 20 };
  return launchMachine({ host, clock: realClock, settings }, { folder, spec, uid: null });
}

it('kills the QEMU that it cannot look at', async () => {
  await expect(launch({ survives: false })).rejects.toMatchObject({ code: 'E_VM_START' });
  expect(killed).toEqual([pid, 'SIGKILL']);
});

it('waits no longer than its deadline for one that survives', async () => {
  await expect(launch({ survives: true })).rejects.toMatchObject({ code: 'E_DRIVER_TIMEOUT' });
  expect(killed).toEqual([pid, 'SIGKILL']);
});

it('keeps one that gave no answer and survives in sight', async () => {
  await expect(launch({ survives: true, isSeen: true })).rejects.toMatchObject({ code: 'E_DRIVER_TIMEOUT' });
  expect(killed).toEqual([pid, 'SIGKILL']);
  expect(JSON.parse(await readFile(join(folder, 'run.json'), 'utf8'))).toMatchObject({ pid, startTicks: '777' });
});
