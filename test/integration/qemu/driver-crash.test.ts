/**
 * The agent dies before, or after, each thing that the driver does to the machine in the life of a VM; another driver
 * on the same home finds what is there, brings the life to its end, and leaves nothing.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workloadName } from '../../../src/core/names.js';
import type { CreateRequest, Driver } from '../../../src/core/ports/driver.js';
import { specHash } from '../../../src/core/spec-diff.js';
import { componentDefaults } from '../../../src/core/spec.js';
import { createFolders, type Folders } from '../../../src/runtimes/host/folders.js';
import { createNodeHost } from '../../../src/runtimes/host/host.js';
import { createMachineHost, type MachineHost } from '../../../src/runtimes/host/machine-host.js';
import { echoGuest } from '../../support/boot-sector.js';
import { eventually } from '../../support/eventually.js';
import { leftovers, machinesOf } from '../../support/machines.js';
import { makeQemuHome, type QemuHome } from '../../support/qemu-fixture.js';

/** What changes something on the machine; whatever only looks may happen at any time. */
const acts: ReadonlySet<string> = new Set([
  ...['write', 'make', 'rename', 'remove', 'share', 'link', 'own', 'setMode'],
  ...['startInFolder', 'replaceText', 'setOwner', 'writeNew', 'dropHead', 'kill', 'makeFolder'],
]);

/** A process that dies at one of its acts: nothing that it does after that happens, or answers. */
class Mortal {
  readonly #dieAt: number;
  readonly #when: 'before' | 'after';
  #count = 0;
  #isDead = false;
  readonly died: Promise<'died'>;
  #die: () => void = () => undefined;

  constructor(dieAt: number, when: 'before' | 'after') {
    this.#dieAt = dieAt;
    this.#when = when;
    this.died = new Promise((resolve) => {
      this.#die = () => {
        this.#isDead = true;
        resolve('died');
      };
    });
  }

  get acts(): number {
    return this.#count;
  }

  wrap<T extends object>(thing: T): T {
    return new Proxy(thing, {
      get: (target, name, receiver) => {
        const value: unknown = Reflect.get(target, name, receiver);
        if (typeof value !== 'function' || typeof name !== 'string') return value;
        const act = value as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => this.#call(name, () => act.apply(target, args));
      },
    });
  }

  #call(name: string, work: () => unknown): unknown {
    const never = new Promise(() => undefined);
    if (this.#isDead) return acts.has(name) ? never : work();
    if (!acts.has(name)) return work();
    this.#count += 1;
    if (this.#count !== this.#dieAt) return work();
    if (this.#when === 'before') this.#die();
    else void Promise.resolve(work()).finally(this.#die);
    return never;
  }
}

const service = 'sweep';
const component = 'vm';
const patience = (): AbortSignal => AbortSignal.timeout(60_000);

interface Stage {
  readonly home: QemuHome;
  readonly request: CreateRequest;
}

let folder: string;
const stages: Partial<Record<'before' | 'after', Stage>> = {};

/** A home whose driver has brought one life to its end: what it makes once is made. */
async function makeStage(): Promise<Stage> {
  const home = await makeQemuHome();
  const image = `file:${join(folder, 'guest.img')}`;
  const spec = { ...componentDefaults, name: component, runtime: 'unikernel' as const, image, memoryMb: 16 };
  const imageDigest = await home.driver.pull(image, 'never', patience());
  const request = {
    service,
    spec,
    role: 'main',
    generation: 1,
    specHash: specHash(spec),
    imageDigest,
    env: {},
  } as const;
  await lifeOf(home.driver, request);
  return { home, request };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bh-sweep-'));
  await writeFile(join(folder, 'guest.img'), echoGuest({ obeys: true }));
  stages.before = await makeStage();
  stages.after = await makeStage();
});

afterAll(async () => {
  for (const stage of Object.values(stages)) await stage.home.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** From nothing to nothing. */
async function lifeOf(driver: Driver, request: CreateRequest): Promise<void> {
  const id = await driver.create(request, patience());
  await driver.start(id, patience());
  await driver.stop(id, 5_000, patience());
  await driver.remove(id, patience());
}

function mortalDriver(home: QemuHome, mortal: Mortal): Driver {
  const [host, folders] = [createMachineHost(createNodeHost()), createFolders()];
  return home.again({}, { host: mortal.wrap<MachineHost>(host), folders: mortal.wrap<Folders>(folders) });
}

/** What a later agent does: takes over what is there, makes what is not, and brings it to its end. */
async function afterwards({ home, request }: Stage): Promise<void> {
  const driver = home.again();
  await driver.open(patience());
  try {
    const name = `${home.namePrefix}${workloadName(service, component)}`;
    expect((await driver.list(patience())).workloads.filter((workload) => workload.name === name).length).toBeLessThan(
      2,
    );
    const found = await driver.inspect(name, patience());
    const id = found?.nativeId ?? (await driver.create(request, patience()));
    await driver.start(id, patience());
    expect(await driver.inspect(id, patience())).toMatchObject({ state: 'running' });
    expect(await machinesOf(home.stateDir)).toHaveLength(1);
    await driver.stop(id, 5_000, patience());
    expect(await driver.inspect(id, patience())).toMatchObject({ state: 'exited' });
    await driver.remove(id, patience());
    await eventually(async () => expect(await machinesOf(home.stateDir)).toEqual([]), { timeoutMs: 10_000 });
    expect(await leftovers(home.stateDir)).toEqual([]);
  } finally {
    await driver.close();
  }
}

// Each has a home of its own, and mostly waits for machines.
describe.concurrent('a VM whose agent dies', () => {
  it.each(['before', 'after'] as const)(
    '%s each act of its life comes to a clean end',
    { timeout: 600_000 },
    async (when) => {
      const stage = stages[when];
      if (stage === undefined) throw new Error('there is no home');
      let deaths = 0;
      for (let dieAt = 1; ; dieAt += 1) {
        const mortal = new Mortal(dieAt, when);
        const driver = mortalDriver(stage.home, mortal);
        const end = await Promise.race([lifeOf(driver, stage.request).then(() => 'lived' as const), mortal.died]);
        await driver.close();
        if (end === 'lived') break;
        deaths += 1;
        await afterwards(stage).catch((error: unknown) => {
          throw new Error(`after a death ${when} act ${String(dieAt)}`, { cause: error });
        });
      }
      expect(deaths).toBeGreaterThan(10);
    },
  );
});
