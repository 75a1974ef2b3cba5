/** A build that nobody waits for any more, from the moment in which ops is started. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createMachineHost, type MachineHost } from '../../../../src/runtimes/host/machine-host.js';
import { askOpsVersion } from '../../../../src/runtimes/qemu/unikernel/ops.js';
import { realClock } from '../../../support/real-clock.js';

const tool = { ops: '/usr/bin/ops', kernel: '/nowhere/kernel.img', boot: '/nowhere/boot.img', version: '0.1' };
const pid = 4_242;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-ops-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('is killed with its group when it is cancelled while ops is started', async () => {
  const life = new AbortController();
  const killed: (string | number)[] = [];
  let end: (exitCode: null) => void = () => undefined;
  const exited = new Promise<null>((resolve) => {
    end = resolve;
  });
  const host: MachineHost = {
    ...createMachineHost(),
    startInFolder: () => {
      life.abort();
      return Promise.resolve({ pid, exited });
    },
    kill: (number, signal) => {
      killed.push(number, signal);
      end(null);
      return true;
    },
  };
  const asking = askOpsVersion({ host, clock: realClock }, tool, folder, 600_000, life.signal);
  await expect(asking).rejects.toMatchObject({ code: 'E_DRIVER_TIMEOUT' });
  expect(killed).toEqual([-pid, 'SIGKILL']);
});
