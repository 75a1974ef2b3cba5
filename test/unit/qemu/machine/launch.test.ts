/** A start that cannot be told apart from one that failed, for /proc cannot be read: no QEMU is left. */
import { mkdtemp, rm } from 'node:fs/promises';
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

let folder: string;
let killed: (string | number)[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-launch-'));
  killed = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Its QEMU runs until it is killed, or longer, and cannot be looked at. */
function launch(options: { readonly survives: boolean }): Promise<unknown> {
  let end: (exitCode: null) => void = () => undefined;
  const exited = new Promise<null>((resolve) => {
    end = resolve;
  });
  const host: MachineHost = {
    ...real,
    findProgram: (name) => Promise.resolve(`/usr/bin/${name}`),
    exists: () => Promise.resolve(true),
    run: () => Promise.resolve({ exitCode: 0, output: '', timedOut: false, cancelled: false }),
    readText: (path) => (path === `/proc/${pid}/stat` ? Promise.resolve(undefined) : real.readText(path)),
    startInFolder: () => Promise.resolve({ pid, exited }),
    kill: (number, signal) => {
      killed.push(number, signal);
      if (!options.survives) end(null);
      return true;
    },
  };
  const settings = { qemu: null, startDeadlineMs: 1_000, callDeadlineMs: 20 };
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
