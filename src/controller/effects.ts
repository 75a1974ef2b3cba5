/**
 * Carries out steps. Each goes to the driver that it concerns: that of the workload at hand, else that of the runtime
 * that is to be. An intent is in the ledger before anything is made, and the outcome is told in the words of the
 * reconciler; nothing is thrown for what a runtime says.
 */
import type { Step, StepResult } from '../../reconcilers/component/index.js';
import { BerthError, isBerthError, toBerthError } from '../core/errors.js';
import { hostName } from '../core/names.js';
import { scrub, secretsOf, secretsOfWorkload } from '../core/secrets.js';
import type { CreateRequest, Driver } from '../core/ports/driver.js';
import type { ComponentRecord, Registry } from '../core/ports/registry.js';
import type { RuntimeView } from '../core/ports/view.js';
import type { Runtime } from '../core/spec.js';
import { specHash } from '../core/spec-diff.js';
import { completeLedger } from './complete-ledger.js';
import { isWorkload, type LedgerIndex } from './ledger-index.js';
import type { VolumeMover } from './volume-mover.js';

export interface EffectsOptions {
  readonly registry: Registry;
  readonly view: RuntimeView;
  readonly ledger: LedgerIndex;
  readonly mover: VolumeMover;
}

export type RuntimeStep = Exclude<Step, { readonly kind: 'purge' }>;

type Facts = Omit<Extract<StepResult, { readonly ok: true }>, 'ok'>;

export class Effects {
  readonly #registry: Registry;
  readonly #view: RuntimeView;
  readonly #ledger: LedgerIndex;
  readonly #mover: VolumeMover;

  constructor(options: EffectsOptions) {
    this.#registry = options.registry;
    this.#view = options.view;
    this.#ledger = options.ledger;
    this.#mover = options.mover;
  }

  /** Does one step and looks at what it touched. */
  async perform(record: ComponentRecord, step: RuntimeStep, signal: AbortSignal): Promise<StepResult> {
    let driver: Driver | undefined;
    try {
      const at = this.#driverOf(record, step);
      driver = at;
      const act = (): Promise<Facts> => this.#doAndLook(record, at, step, signal);
      if (step.kind !== 'create') return { ok: true, ...(await act()) };
      const maker = { key: record.key, driver: at.name, volumes: step.spec.volumes };
      return { ok: true, ...(await this.#mover.whileMaking(maker, act)) };
    } catch (error) {
      const known = toBerthError(error);
      if (driver) {
        if (isBerthError(error, 'E_DRIVER_TIMEOUT', 'E_DRIVER_UNREACHABLE')) this.#view.relistSoon(driver.name);
        await this.#lookAgain(record, driver, step);
      }
      return {
        ok: false,
        code: known.code,
        message: withoutSecrets(known.message, record, step),
        suggestion: known.suggestion,
      };
    }
  }

  /** Does it, and looks at what it touched. */
  async #doAndLook(record: ComponentRecord, driver: Driver, step: RuntimeStep, signal: AbortSignal): Promise<Facts> {
    const facts = await this.#do(record, driver, step, signal);
    const touched = 'nativeId' in step ? step.nativeId : facts.nativeId;
    if (touched !== undefined) await this.#view.refresh(driver.name, touched);
    return facts;
  }

  /** E_WORKLOAD_MISSING when the workload at hand is not there any more, E_RUNTIME_UNAVAILABLE. */
  #driverOf(record: ComponentRecord, step: RuntimeStep): Driver {
    if (!('nativeId' in step)) return this.#driverFor(step.kind === 'create' ? step.spec.runtime : step.runtime);
    const { nativeId } = step;
    const workload = this.#view
      .workloadsOf(record.key, this.#nameOf(record, 'main'))
      .find((item) => item.nativeId === nativeId);
    const driver = workload && this.#view.driver(workload.driver);
    if (!driver) throw new BerthError('E_WORKLOAD_MISSING', `workload ${nativeId} is gone`);
    return driver;
  }

  #driverFor(runtime: Runtime): Driver {
    const driver = this.#view.driverFor(runtime);
    if (!driver) throw new BerthError('E_RUNTIME_UNAVAILABLE', `no driver of this node serves runtime "${runtime}"`);
    return driver;
  }

  /** A step that failed may have happened all the same: look before anything else is decided. */
  async #lookAgain(record: ComponentRecord, driver: Driver, step: RuntimeStep): Promise<void> {
    if (step.kind === 'resolve-image') return;
    const name = step.kind === 'create' ? this.#nameOf(record, step.role) : step.nativeId;
    await this.#view.refresh(driver.name, name);
  }

  #nameOf(record: ComponentRecord, role: 'main' | 'next' | 'previous'): string {
    return hostName(this.#registry.namePrefix, record.workload, role);
  }

  async #do(record: ComponentRecord, driver: Driver, step: RuntimeStep, signal: AbortSignal): Promise<Facts> {
    const { service, component } = record.key;
    switch (step.kind) {
      case 'resolve-image':
        return { imageDigest: await this.#resolve(driver, step, signal) };
      case 'create':
        return { nativeId: await this.#create(record, driver, step, signal) };
      case 'start':
        return this.#start(record, driver, step, signal);
      case 'stop':
        await driver.stop(step.nativeId, step.graceMs, signal);
        return {};
      case 'update':
        await driver.update(step.nativeId, step.limits, signal);
        return {};
      case 'unpause':
        await driver.unpause(step.nativeId, signal);
        return {};
      case 'rename':
        await driver.rename(step.nativeId, service, component, step.role, signal);
        return {};
      case 'remove':
        await this.#remove(record, driver, step.nativeId, signal);
        return {};
    }
  }

  async #resolve(driver: Driver, step: Extract<Step, { kind: 'resolve-image' }>, signal: AbortSignal): Promise<string> {
    if (step.build) return driver.build(step.build, step.reference, signal);
    return driver.pull(step.reference, step.pull, signal);
  }

  async #create(
    record: ComponentRecord,
    driver: Driver,
    step: Extract<Step, { kind: 'create' }>,
    signal: AbortSignal,
  ): Promise<string> {
    const { service, component } = record.key;
    const request: CreateRequest = {
      service,
      spec: step.spec,
      role: step.role,
      generation: step.generation,
      specHash: specHash(step.spec),
      imageDigest: step.imageDigest,
      env: step.env,
    };
    const kind = step.spec.runtime === 'container' ? ('container' as const) : ('vm' as const);
    const own = { kind, driver: driver.name, name: this.#nameOf(record, step.role), service, component };
    const intents = [own, ...driver.objectsFor(request)].map((object) => ({ ...object, generation: step.generation }));
    // A row without an id would be taken for this one's: what it was written for gets it first.
    const others = this.#view.workloadsOf(record.key, this.#nameOf(record, 'main'));
    if (others.length > 0) await completeLedger(this.#registry, this.#view, await this.#registry.ledger(record.key));
    const [ledgerId] = await this.#registry.recordIntents(intents);
    await this.#ledger.added(record.key, driver.name);
    const nativeId = await createOrSayGone(driver, request, signal);
    if (ledgerId !== undefined) await this.#registry.setNativeId(ledgerId, nativeId);
    return nativeId;
  }

  async #start(
    record: ComponentRecord,
    driver: Driver,
    step: Extract<Step, { kind: 'start' }>,
    signal: AbortSignal,
  ): Promise<Facts> {
    const { nativeId, volumes } = step;
    const movedData =
      volumes.length > 0 &&
      (await this.#mover.prepare({ key: record.key, nativeId, driver: driver.name, volumes }, signal));
    await driver.start(nativeId, signal);
    return movedData ? { movedData } : {};
  }

  /** Its row of the ledger goes too, with those of workloads that others have removed. */
  async #remove(record: ComponentRecord, driver: Driver, nativeId: string, signal: AbortSignal): Promise<void> {
    await driver.remove(nativeId, signal);
    const seen = this.#view.workloadsOf(record.key, this.#nameOf(record, 'main')).map((item) => item.nativeId);
    const left = new Set(seen.filter((id) => id !== nativeId));
    const gone = (await this.#registry.ledger(record.key))
      .filter((row) => isWorkload(row) && row.driver === driver.name)
      .filter((row) => row.nativeId !== null && !left.has(row.nativeId));
    if (gone.length === 0) return;
    await this.#registry.forget(gone.map((row) => row.id));
    this.#ledger.shrunk();
  }
}

/** A runtime's own words may repeat what it was given, and go into status, events and log. */
function withoutSecrets(message: string, record: ComponentRecord, step: RuntimeStep): string {
  const made = step.kind === 'create' ? secretsOfWorkload(step.spec, step.env) : [];
  return scrub(message, [...secretsOf(record.spec), ...made]);
}

/** The digest was resolved before: when it is not here, it was removed since. */
async function createOrSayGone(driver: Driver, request: CreateRequest, signal: AbortSignal): Promise<string> {
  try {
    return await driver.create(request, signal);
  } catch (error) {
    if (!isBerthError(error, 'E_IMAGE_MISSING')) throw error;
    const pinned = `${request.imageDigest.slice(0, 19)}… (${request.spec.image})`;
    const message = `image ${pinned}, pinned for generation ${String(request.generation)}, is no longer here`;
    throw new BerthError('E_IMAGE_GONE', message, { cause: error });
  }
}
