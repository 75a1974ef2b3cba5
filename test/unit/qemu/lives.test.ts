/** What is followed, and until when. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFolders } from '../../../src/runtimes/host/folders.js';
import { createMachineHost } from '../../../src/runtimes/host/machine-host.js';
import { defaultQemuSettings } from '../../../src/runtimes/qemu/contracts.js';
import { Lives } from '../../../src/runtimes/qemu/lives.js';
import { VmStore } from '../../../src/runtimes/qemu/store.js';
import { realClock } from '../../support/real-clock.js';
import { vmRecord } from './vm-record.js';

let root: string;
let lives: Lives;
const run = { bootId: 'boot', pid: 4_242, startTicks: '777', uuid: 'token', startedAtMs: 0 };
const quiet = (): void => undefined;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bh-lives-'));
  const folders = createFolders();
  lives = new Lives({
    deps: { host: createMachineHost(), clock: realClock, settings: defaultQemuSettings },
    ...{ store: new VmStore(folders, root), folders, tell: quiet, transient: false },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
});
afterEach(async () => {
  lives.close();
  await rm(root, { recursive: true, force: true });
});

it('follows a machine once, and none after the end', () => {
  const life = lives.follow(vmRecord(), run);
  expect(life?.run).toBe(run);
  expect(lives.follow(vmRecord(), run)).toBe(life);
  lives.close();
  expect(lives.follow(vmRecord(), run)).toBeUndefined();
});
