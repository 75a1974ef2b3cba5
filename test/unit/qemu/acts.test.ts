/** What is done to a machine whose driver is closed in that moment. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFolders } from '../../../src/runtimes/host/folders.js';
import { createMachineHost, type MachineHost } from '../../../src/runtimes/host/machine-host.js';
import { VmActs } from '../../../src/runtimes/qemu/acts.js';
import { EventBus } from '../../../src/runtimes/qemu/bus.js';
import { defaultQemuSettings } from '../../../src/runtimes/qemu/contracts.js';
import { Lives } from '../../../src/runtimes/qemu/lives.js';
import { VmStore } from '../../../src/runtimes/qemu/store.js';
import { VmVolumes } from '../../../src/runtimes/qemu/volumes.js';
import { realChance, realClock } from '../../support/real-clock.js';
import { vmRecord } from './vm-record.js';

const real = createMachineHost();
const record = vmRecord();
const pid = 4_242;
const proc: Readonly<Record<string, string>> = {
  [`/proc/${pid}/stat`]: `${pid} (qemu) S 1 ${pid} ${pid} 0 -1 0 1 0 0 0 3 4 0 0 20 0 9 0 777 1000 200\n`,
  [`/proc/${pid}/cmdline`]: 'qemu\0-uuid\0token\0',
  '/proc/sys/kernel/random/boot_id': 'boot\n',
};

let root: string;
let acts: VmActs;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bh-acts-'));
  const [folders, log] = [createFolders(), { debug: quiet, info: quiet, warn: quiet, error: quiet }];
  const store = new VmStore(folders, root);
  const host: MachineHost = {
    ...real,
    // It is closed as soon as the machine is looked at.
    readText: async (path) => {
      if (path in proc) close();
      return proc[path] ?? real.readText(path);
    },
  };
  const deps = { host, clock: realClock, settings: defaultQemuSettings };
  const lives = new Lives({ deps, store, folders, tell: quiet, transient: false, log });
  const volumes = new VmVolumes({ host, folders, homeId: 'home', driver: 'qemu', root, deadlineMs: 1_000 });
  acts = new VmActs({
    ...{ deps, folders, store, volumes, lives, bus: new EventBus('qemu'), chance: realChance, namePrefix: '' },
    accelerator: async () => 'tcg',
  });
  function close(): void {
    store.close();
    acts.close();
    lives.close();
  }
  const machine = store.machine(record.id);
  await mkdir(machine, { recursive: true });
  await writeFile(join(store.folder(record.id), 'vm.json'), JSON.stringify(record));
  const run = { uuid: 'token', bootId: 'boot', pid, startTicks: '777', startedAtMs: 0 };
  await writeFile(join(machine, 'run.json'), JSON.stringify(run));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const quiet = (): void => undefined;

it.each([
  ['a stop', (signal: AbortSignal) => acts.stop(record.id, 1_000, signal)],
  ['a resumption', (signal: AbortSignal) => acts.unpause(record.id, signal)],
])('%s says that it was closed', async (_what, act) => {
  await expect(act(AbortSignal.timeout(10_000))).rejects.toMatchObject({ code: 'E_DRIVER_UNREACHABLE' });
});
