/**
 * Carries out steps. An intent is in the ledger before anything is made, and the outcome is told in
 * the words of the reconciler; nothing is thrown for what a runtime says.
 */
import type { Step, StepResult } from '../../reconcilers/component/index.js';
import { BerthError, isBerthError, toBerthError } from '../core/errors.js';
import { hostName } from '../core/names.js';
import type { CreateRequest, Driver } from '../core/ports/driver.js';
import type { ComponentRecord, Registry } from '../core/ports/registry.js';
import type { RuntimeView } from '../core/ports/view.js';
import { specHash } from '../core/spec-diff.js';

export interface EffectsOptions {
  readonly registry: Registry;
  readonly view: RuntimeView;
}

export type RuntimeStep = Exclude<Step, { readonly kind: 'purge' }>;

export class Effects {
  readonly #registry: Registry;
  readonly #view: RuntimeView;

  constructor(options: EffectsOptions) {
    this.#registry = options.registry;
    this.#view = options.view;
  }

  /** Does one step and looks at what it touched. */
  async perform(record: ComponentRecord, driver: Driver, step: RuntimeStep, signal: AbortSignal): Promise<StepResult> {
    try {
      const result = await this.#do(record, driver, step, signal);
      const touched = 'nativeId' in step ? step.nativeId : result.nativeId;
      if (touched !== undefined) await this.#view.refresh(driver.name, touched);
      return { ok: true, ...result };
    } catch (error) {
      const known = toBerthError(error);
      if (isBerthError(error, 'E_DRIVER_TIMEOUT', 'E_DRIVER_UNREACHABLE')) this.#view.relistSoon(driver.name);
      await this.#lookAgain(record, driver, step);
      return { ok: false, code: known.code, message: known.message, suggestion: known.suggestion };
    }
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

  async #do(
    record: ComponentRecord,
    driver: Driver,
    step: RuntimeStep,
    signal: AbortSignal,
  ): Promise<{ readonly nativeId?: string; readonly imageDigest?: string }> {
    const { service, component } = record.key;
    switch (step.kind) {
      case 'resolve-image':
        return { imageDigest: await this.#resolve(driver, step, signal) };
      case 'create':
        return { nativeId: await this.#create(record, driver, step, signal) };
      case 'start':
        await driver.start(step.nativeId, signal);
        return {};
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
        await this.#remove(driver, step.nativeId, signal);
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
    const [ledgerId] = await this.#registry.recordIntents(intents);
    const nativeId = await createOrSayGone(driver, request, signal);
    if (ledgerId !== undefined) await this.#registry.setNativeId(ledgerId, nativeId);
    return nativeId;
  }

  async #remove(driver: Driver, nativeId: string, signal: AbortSignal): Promise<void> {
    await driver.remove(nativeId, signal);
    const rows = await this.#registry.ledger();
    const gone = rows.filter((row) => row.driver === driver.name && row.nativeId === nativeId).map((row) => row.id);
    if (gone.length > 0) await this.#registry.forget(gone);
  }
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
