/** What is known of a run by what it left, however much it wrote. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFolders } from '../../../src/runtimes/host/folders.js';
import { createMachineHost } from '../../../src/runtimes/host/machine-host.js';
import { defaultQemuSettings, machineFiles } from '../../../src/runtimes/qemu/contracts.js';
import { readStory } from '../../../src/runtimes/qemu/run-story.js';
import { VmStore } from '../../../src/runtimes/qemu/store.js';
import { realClock } from '../../support/real-clock.js';
import { vmRecord } from './vm-record.js';

const record = vmRecord();
const up = '[0.123456] en1: assigned 10.0.2.15\n';
const deps = { host: createMachineHost(), clock: realClock, settings: defaultQemuSettings };
let root: string;
let store: VmStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bh-story-'));
  store = new VmStore(createFolders(), root);
  await mkdir(store.machine(record.id), { recursive: true });
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function story(consoleText: string, beganAt = 0) {
  await writeFile(join(store.machine(record.id), machineFiles.consoleLog), consoleText);
  await store.markBegun(record.id, { consoleBytes: beganAt });
  return readStory({ deps, store }, record, false);
}

describe('a unikernel', () => {
  it.each([0, 10, 65_000, 65_536 - up.length, 65_536, 70_000, 131_072, 200_000, 1_000_000])(
    'is up by its first words, and %i bytes of its program hide nothing',
    async (bytes) => {
      const noise = 'x'
        .repeat(79)
        .concat('\n')
        .repeat(Math.ceil(bytes / 80))
        .slice(0, bytes);
      expect((await story(up + noise)).started).toBe(true);
      const failed = await story(`${up}${noise}\nout: out of memory\n`);
      expect(failed.problem).toBe('the guest ran out of memory');
      // What lies on the border of what is read at once is one line still.
      expect((await story(`${'y'.repeat(65_500)}\n${up}${noise.slice(0, 60_000)}`)).started).toBe(true);
    },
  );

  it('is not up by the words of an earlier run', async () => {
    expect((await story(`${up}hello\n`, up.length)).started).toBe(false);
    expect((await story(up + up, up.length)).started).toBe(true);
  });
});
