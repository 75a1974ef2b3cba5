/** What the cases share: making workloads under names of their own, and removing them afterwards. */
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { isBerthError, type ErrorCode } from '../../src/core/errors.js';
import { hostName, workloadName, type WorkloadRole } from '../../src/core/names.js';
import type { ObservedWorkload } from '../../src/core/observation.js';
import type { CreateRequest, Driver } from '../../src/core/ports/driver.js';
import { specHash } from '../../src/core/spec-diff.js';
import { componentDefaults, type ComponentSpec } from '../../src/core/spec.js';
import { eventually } from '../support/eventually.js';
import type { Fixture, TestProgram } from './fixture.js';

/** Longer than any correct call of any driver takes on a slow machine. */
const patienceMs = 60_000;

export interface RequestOptions {
  readonly service?: string;
  readonly spec?: Partial<ComponentSpec>;
  readonly program?: TestProgram;
  readonly role?: WorkloadRole;
  readonly generation?: number;
}

/** A signal for one call that gives up only when something is badly wrong. */
export function patience(): AbortSignal {
  return AbortSignal.timeout(patienceMs);
}

export class Bench {
  readonly #created: { readonly driver: Driver; readonly id: string }[] = [];
  readonly #run = randomBytes(3).toString('hex');
  #fixture: Fixture | null = null;
  #names = 0;

  get fixture(): Fixture {
    if (!this.#fixture) throw new Error('the fixture is made before the first case');
    return this.#fixture;
  }

  get driver(): Driver {
    return this.fixture.driver;
  }

  use(fixture: Fixture): void {
    this.#fixture = fixture;
  }

  /** A name that no other case and no other run uses. */
  freshName(): string {
    this.#names += 1;
    return `c${this.#run}-${this.#names}`;
  }

  request(options: RequestOptions = {}): CreateRequest {
    const { image } = this.fixture;
    const { program = { does: 'sleep' }, role = 'main', generation = 1 } = options;
    const name = options.spec?.name ?? this.freshName();
    const command = this.fixture.command(program);
    const own = { ...componentDefaults, ...this.fixture.spec };
    const spec: ComponentSpec = { ...own, image: image.reference, command, ...options.spec, name };
    return {
      service: options.service ?? this.freshName(),
      spec,
      role,
      generation,
      specHash: specHash(spec),
      imageDigest: image.digest,
      env: spec.env,
    };
  }

  /** Creates what a request asks for and remembers to remove it. Answers the native id. */
  async createFrom(request: CreateRequest, driver: Driver = this.driver): Promise<string> {
    const id = await driver.create(request, patience());
    this.#created.push({ driver, id });
    return id;
  }

  /** What another agent of the first home made is removed with the rest. */
  remember(nativeId: string): string {
    this.#created.push({ driver: this.driver, id: nativeId });
    return nativeId;
  }

  create(options: RequestOptions = {}, driver: Driver = this.driver): Promise<string> {
    return this.createFrom(this.request(options), driver);
  }

  /** Creates and starts. */
  async run(options: RequestOptions = {}, driver: Driver = this.driver): Promise<string> {
    const id = await this.create(options, driver);
    await driver.start(id, patience());
    return id;
  }

  hostNameOf(request: CreateRequest): string {
    return hostName(this.fixture.namePrefix, workloadName(request.service, request.spec.name), request.role);
  }

  /** Read afresh; fails the test when there is none. */
  async inspect(idOrName: string): Promise<ObservedWorkload> {
    const workload = await this.driver.inspect(idOrName, patience());
    if (!workload) throw new Error(`${idOrName} is gone`);
    return workload;
  }

  /** The workload in a fresh list; undefined when it is not in it. */
  async listed(nativeId: string, driver: Driver = this.driver): Promise<ObservedWorkload | undefined> {
    const { workloads } = await driver.list(patience());
    return workloads.find((workload) => workload.nativeId === nativeId);
  }

  /** Waits until a fresh list shows the workload as `check` wants it. */
  async untilListed(nativeId: string, check: (workload: ObservedWorkload) => void): Promise<ObservedWorkload> {
    return eventually(
      async () => {
        const workload = await this.listed(nativeId);
        if (!workload) throw new Error('it is not in the list');
        check(workload);
        return workload;
      },
      { timeoutMs: 20_000, everyMs: 50, describe: `the list shows ${nativeId} as wanted` },
    );
  }

  async untilState(nativeId: string, state: ObservedWorkload['state']): Promise<ObservedWorkload> {
    return this.untilListed(nativeId, (workload) => {
      expect(workload.state).toBe(state);
    });
  }

  /** Removes what the case made: what was removed runs no more, whatever the runtime says of it. */
  async sweep(): Promise<void> {
    const created = this.#created.splice(0);
    await Promise.all(created.map(({ driver, id }) => driver.remove(id, patience())));
    await this.untilEnded(created.map(({ id }) => id));
  }

  /** Waits until the host runs nothing for these workloads. */
  async untilEnded(nativeIds: readonly string[]): Promise<void> {
    await eventually(async () => expect(await this.fixture.processesOf(nativeIds)).toEqual([]), {
      timeoutMs: 60_000,
      everyMs: 20,
      describe: 'nothing runs of what was removed',
    });
  }

  /** Removes the networks and volumes of both homes, then whatever the fixture knows of. */
  async finish(): Promise<void> {
    if (!this.#fixture) return;
    try {
      await this.sweep();
      for (const driver of [this.driver, this.fixture.otherHome]) {
        for (const object of await driver.listObjects(patience())) await driver.removeObject(object, patience());
      }
    } finally {
      // Whatever a driver that fails has left.
      await this.fixture.cleanup();
    }
  }
}

/** Fails the test when a call neither answers nor fails in time: a hang has a name. */
export async function within<T>(work: Promise<T>, what: string, withinMs = 20_000): Promise<T> {
  let cancel = (): void => undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what}: no end within ${withinMs} ms`)), withinMs);
    cancel = () => clearTimeout(timer);
  });
  return Promise.race([work, late]).finally(cancel);
}

/** Expects a BerthError of one of `codes`, or of any when none is given. */
export async function expectRefusal(call: Promise<unknown>, ...codes: readonly ErrorCode[]): Promise<void> {
  const error = await call.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error, 'the call should have failed').toBeDefined();
  expect(isBerthError(error, ...codes), `${codes.join(' or ')} expected, got ${String(error)}`).toBe(true);
}
