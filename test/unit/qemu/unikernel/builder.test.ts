/** The whole way but for the disk itself: a stand-in for ops that misbehaves in each way it can. */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMachineHost } from '../../../../src/runtimes/host/machine-host.js';
import type { ImageTree, UnikernelRequest } from '../../../../src/runtimes/qemu/contracts.js';
import { createImageCache } from '../../../../src/runtimes/qemu/images/index.js';
import {
  createUnikernelBuilder,
  opsCapability,
  type UnikernelBuilder,
} from '../../../../src/runtimes/qemu/unikernel/index.js';
import { eventually } from '../../../support/eventually.js';
import { installStandIn, type OpsBehaviour, type StandIn } from '../../../support/ops/stand-in.js';
import { realChance, realClock } from '../../../support/real-clock.js';
import { craftElf } from './craft-elf.js';
import { memoryTree } from './memory-tree.js';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const never = new AbortController().signal;

let folder: string;
let standIn: StandIn;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-unikernel-'));
  standIn = await installStandIn(join(folder, 'tools'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const images = (): string => join(folder, 'images');

const request: UnikernelRequest = {
  imageDigest: `sha256:${'a'.repeat(64)}`,
  imageRef: 'localhost/hello:1',
  argv: ['/bin/hello', 'serve'],
  env: { SAYS: 'a=b' },
  files: [],
};

interface Choice {
  readonly tree?: ImageTree;
  readonly deadlineMs?: number;
  readonly ops?: string;
  readonly save?: (digest: string, path: string, signal: AbortSignal) => Promise<void>;
}

function builder(choice: Choice = {}): UnikernelBuilder {
  const host = createMachineHost();
  const { nanosKernel, nanosBoot } = standIn;
  const tree = choice.tree ?? memoryTree({ '/bin/hello': craftElf(), '/etc/motd': 'hi' });
  return createUnikernelBuilder({
    host,
    cache: createImageCache({ host, folder: images(), clock: realClock, chance: realChance, log: silent }),
    source: { save: choice.save ?? ((_digest, path) => writeFile(path, 'archive')) },
    openTree: async () => tree,
    settings: { ops: choice.ops ?? standIn.ops, nanosKernel, nanosBoot, buildDeadlineMs: choice.deadlineMs ?? 30_000 },
    clock: realClock,
    chance: realChance,
    log: silent,
  });
}

async function left(): Promise<readonly string[]> {
  return readdir(images()).catch(() => []);
}

async function calls(): Promise<{ argv: string[]; cwd: string; env: Record<string, string>; config: object }[]> {
  const text = await readFile(standIn.log, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as never);
}

describe('an ops that misbehaves', () => {
  it.each<[OpsBehaviour, string, string]>([
    ['half', 'E_OPS', 'ops ended with code 1: failed creating image file: cannot write root filesystem'],
    ['red', 'E_OPS', 'ops ended with code 0: failed creating image file: something is amiss'],
    ['silent', 'E_OPS', 'ops ended with code 0: it said nothing'],
    ['unbootable', 'E_OPS', 'has no boot signature'],
    ['empty', 'E_OPS', 'has no boot signature'],
    ['full', 'E_DISK_FULL', 'no space left on device'],
  ])('%s is %s, and leaves nothing', async (behaviour, code, words) => {
    await standIn.behave(behaviour);
    const failure = builder().ensure(request, never);
    await expect(failure).rejects.toMatchObject({ code });
    await expect(failure).rejects.toThrow(words);
    expect(await left()).toEqual([]);
  });

  it('is killed with all its children at the deadline', async () => {
    await standIn.behave('hang');
    const failure = builder({ deadlineMs: 1_000 }).ensure(request, never);
    await expect(failure).rejects.toMatchObject({ code: 'E_OPS' });
    await expect(failure).rejects.toThrow(/did not end within \d+ ms and was killed; its last words: downloading/);
    expect(await left()).toEqual([]);
    await eventually(async () => {
      expect(await running(folder)).toEqual([]);
    });
  });

  it('is killed when the agent turns away', async () => {
    await standIn.behave('hang');
    const controller = new AbortController();
    const failure = builder().ensure(request, controller.signal);
    const settled = expect(failure).rejects.toMatchObject({ code: 'E_DRIVER_TIMEOUT' });
    await eventually(async () => (await calls()).length === 1);
    controller.abort();
    await settled;
    await eventually(async () => {
      expect(await running(folder)).toEqual([]);
      expect(await left()).toEqual([]);
    });
  });

  it('has a home, a working directory and an environment of its own', async () => {
    await standIn.behave('silent');
    await builder({ tree: memoryTree({ '/opt/hello': craftElf(), '/bin/hello': { link: '/opt/hello' } }) })
      .ensure(request, never)
      .catch(() => undefined);
    const [call] = await calls();
    const [config, name] = [call!.argv[3], call!.argv[5]];
    expect(call!.argv).toEqual(['build', './opt/hello', '-c', config, '-i', name, '--netmask', '255.255.255.0']);
    expect(config).toMatch(/\/config\.json$/);
    expect(name).toMatch(/^berth-[0-9a-z-]+$/);
    expect(call!.cwd.startsWith(images())).toBe(true);
    expect(call!.env['HOME']!.startsWith(images())).toBe(true);
    expect(call!.env['OPS_HOME']).toBe(call!.env['HOME']);
    expect(call!.env).not.toHaveProperty('SAYS');
    expect(Object.keys(call!.env).filter((name) => /^(VITEST|npm_|BERTH)/.test(name))).toEqual([]);
    expect(call!.config).toMatchObject({
      env: { SAYS: 'a=b' },
      args: ['serve'],
      dirs: ['opt'],
      manifest: { arguments: ['/bin/hello', 'serve'] },
      network: { address: '10.0.2.15', gateway: '10.0.2.2', netmask: '255.255.255.0' },
    });
  });
});

describe('what cannot be built', () => {
  it('is said when ops is missing', async () => {
    await expect(builder({ ops: '/nowhere/ops' }).ensure(request, never)).rejects.toMatchObject({
      code: 'E_RUNTIME_UNAVAILABLE',
      message: 'ops is not at /nowhere/ops, where the settings say it is',
    });
  });

  it('is said when ops is no program', async () => {
    const odd = join(folder, 'odd');
    await writeFile(odd, 'x');
    await expect(builder({ ops: odd }).ensure(request, never)).rejects.toMatchObject({ code: 'E_RUNTIME_UNAVAILABLE' });
    expect(await left()).toEqual([]);
  });

  it.each<[Partial<UnikernelRequest>, string]>([
    [{ argv: ['/bin/none'] }, 'the image has no /bin/none'],
    [{ argv: ['/etc/motd'] }, '/etc/motd is no ELF program'],
    [{ files: ['/srv'] }, 'the image has no /srv'],
    [{ env: { A: 'b\0c' } }, 'a zero byte in "b\\u0000c" cannot be passed on'],
  ])('is said of %j, before ops runs', async (change, message) => {
    const failure = builder().ensure({ ...request, ...change }, never);
    await expect(failure).rejects.toMatchObject({ code: 'E_VM_IMAGE' });
    await expect(failure).rejects.toThrow(message);
    expect(await left()).toEqual([]);
    expect(await calls()).toEqual([]);
  });

  it('is said when the image takes longer to unpack than all may take', async () => {
    const save = (_digest: string, _path: string, signal: AbortSignal) =>
      new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    await expect(builder({ save, deadlineMs: 50 }).ensure(request, never)).rejects.toMatchObject({
      code: 'E_OPS',
      message: 'the unikernel of localhost/hello:1 was not built within 50 ms',
    });
  });

  it('is a full disk, whoever meets it', async () => {
    const save = () => Promise.reject(Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' }));
    await expect(builder({ save }).ensure(request, never)).rejects.toMatchObject({ code: 'E_DISK_FULL' });
  });
});

describe('the capability', () => {
  const probe = (ops: string) => {
    const { nanosKernel, nanosBoot } = standIn;
    const settings = { ops, nanosKernel, nanosBoot };
    const options = { host: createMachineHost(), clock: realClock, settings, folder, deadlineMs: 10_000 };
    return opsCapability(options, never);
  };

  it('tells the version, and leaves nothing behind', async () => {
    const before = await readdir(folder);
    expect(await probe(standIn.ops)).toEqual({
      name: 'ops',
      ok: true,
      detail: `ops 0.0.0-standin at ${standIn.ops}, Nanos kernel ${standIn.nanosKernel}`,
      remedy: null,
    });
    expect(await readdir(folder)).toEqual(before);
  });

  it('names the remedy', async () => {
    const found = await probe(join(folder, randomUUID()));
    expect(found.ok).toBe(false);
    expect(found.remedy).toContain('install ops');
  });

  it('asks for the kernel, too', async () => {
    await rm(standIn.nanosKernel);
    await mkdir(join(folder, 'x'));
    const found = await probe(standIn.ops);
    expect(found).toMatchObject({ ok: false, detail: `the Nanos kernel is not at ${standIn.nanosKernel}` });
  });
});

/** Processes whose working directory is below a folder. */
async function running(below: string): Promise<string[]> {
  const { stdout } = await execa('find', ['/proc', '-maxdepth', '2', '-name', 'cwd', '-lname', `${below}/*`], {
    reject: false,
    timeout: 10_000,
  });
  return stdout.split('\n').filter((line) => line !== '');
}
