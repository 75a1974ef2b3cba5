/**
 * The census: what bears this home's labels and belongs to no component. What the ledger proves to be a
 * leftover of ours is collected; what it does not know (after a restored backup, say) is reported and
 * left alone. Networks go with their service, volumes only when they were deleted by name.
 */
import { messageOf } from '../core/errors.js';
import type { NewEvent } from '../core/event.js';
import { formatKey, parseKey, volumeName } from '../core/names.js';
import type { HostObject, ObservedWorkload } from '../core/observation.js';
import type { Clock } from '../core/ports/clock.js';
import type { Log } from '../core/ports/log.js';
import type { ChangeContext, LedgerRecord, Registry, VolumeKey } from '../core/ports/registry.js';
import type { RuntimeView } from '../core/ports/view.js';
import { completeLedger, isIntentFor } from './complete-ledger.js';
import { isWorkload } from './ledger-index.js';
import type { VolumeMover } from './volume-mover.js';

export interface CollectorOptions {
  readonly registry: Registry;
  readonly view: RuntimeView;
  readonly clock: Clock;
  readonly log: Log;
  readonly context: ChangeContext;
  readonly mover: VolumeMover;
  readonly signal: AbortSignal;
}

/** A runtime may carry out a create long after its caller gave up: the intent is kept until then, in milliseconds. */
const lateCreateMs = 900_000;

export class Collector {
  readonly #options: CollectorOptions;
  /** Orphans already reported in this agent's life, by native id. */
  readonly #reported = new Set<string>();
  #running: Promise<void> | undefined;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** One census; a call during another one joins it. */
  async collect(): Promise<void> {
    this.#running ??= this.#collect().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  /** The last component of a service may have gone: its row and its network go too. */
  async serviceChanged(service: string): Promise<void> {
    const { registry, context } = this.#options;
    if ((await registry.components({ service })).length > 0) return;
    const rows = await registry.ledger();
    await this.#removeObjects(rows.filter((row) => row.service === service && row.kind === 'network'));
    const row = (await registry.services()).find((known) => known.name === service);
    if (row?.deleting) await registry.purgeService(service, context);
  }

  async #collect(): Promise<void> {
    const { registry, view } = this.#options;
    let ledger = await completeLedger(registry, view, await registry.ledger());
    const keys = new Set((await registry.components()).map((record) => formatKey(record.key)));
    const orphans = view.owned().filter(({ owner }) => owner && !keys.has(formatKey(owner)));
    if (orphans.length > 0) ledger = await this.#dealWith(orphans);
    await this.#removeEmptyServices(keys, ledger);
    await this.#forgetGone(keys, ledger);
    await this.#removeVolumes();
    await this.#options.mover.sweep(this.#options.signal);
  }

  /** Answers the ledger as it is then. */
  async #dealWith(orphans: readonly ObservedWorkload[]): Promise<readonly LedgerRecord[]> {
    const { registry, view, log, signal } = this.#options;
    const ledger = await registry.ledger();
    for (const orphan of orphans) {
      if (signal.aborted) break;
      const driver = view.driver(orphan.driver);
      const { owner } = orphan;
      if (!driver || !owner || (await registry.component(owner))) continue;
      const rows = ledger.filter((row) => isIntentFor(row, orphan));
      if (rows.length === 0) {
        await this.#report(orphan);
        continue;
      }
      log.info({ workload: orphan.name }, 'collects an orphan');
      try {
        await driver.remove(orphan.nativeId, signal);
      } catch (error) {
        // One that does not go must not keep the others.
        log.warn({ workload: orphan.name, err: messageOf(error) }, 'cannot collect an orphan yet');
        continue;
      }
      await view.refresh(driver.name, orphan.nativeId);
      await registry.forget(rows.map((row) => row.id));
      await this.#tell(
        orphan,
        'info',
        'OrphanCollected',
        `${orphan.name} belonged to no component any more and was removed`,
      );
    }
    return registry.ledger();
  }

  async #report(orphan: ObservedWorkload): Promise<void> {
    if (this.#reported.has(orphan.nativeId)) return;
    this.#reported.add(orphan.nativeId);
    const message = `${orphan.name} (${orphan.nativeId.slice(0, 12)}) bears this home's labels, but the registry knows neither it nor its component; it is left alone. Remove it by hand if it is not wanted`;
    await this.#tell(orphan, 'warning', 'OrphanFound', message);
  }

  async #tell(
    orphan: ObservedWorkload,
    severity: NewEvent['severity'],
    reason: NewEvent['reason'],
    message: string,
  ): Promise<void> {
    const { registry, context } = this.#options;
    const { service = null, component = null } = orphan.owner ?? {};
    const event: NewEvent = { service, component, severity, reason, message, data: { nativeId: orphan.nativeId } };
    await registry.addEvents([event], context);
  }

  async #removeEmptyServices(keys: ReadonlySet<string>, ledger: readonly LedgerRecord[]): Promise<void> {
    const { registry, context } = this.#options;
    const inUse = new Set([...keys].map((key) => parseKey(key)?.service));
    const rows = ledger.filter((row) => row.kind === 'network' && !inUse.has(row.service));
    await this.#removeObjects(rows);
    for (const { name, deleting } of await registry.services()) {
      if (deleting && !inUse.has(name)) await registry.purgeService(name, context);
    }
  }

  /** Of workloads that are gone, whoever removed them, no row stays; nor of those that were never made and nobody wants. */
  async #forgetGone(keys: ReadonlySet<string>, ledger: readonly LedgerRecord[]): Promise<void> {
    const { registry, view, signal, clock } = this.#options;
    const seen = new Set(view.owned().map((workload) => workload.nativeId));
    for (const row of ledger.filter(isWorkload)) {
      if (row.nativeId !== null && seen.has(row.nativeId)) continue;
      if (row.nativeId === null && (keys.has(keyOf(row)) || clock.now() - row.intendedAtMs < lateCreateMs)) continue;
      if (signal.aborted || !view.driver(row.driver) || !view.health(row.driver).answering) continue;
      // A list may be partial: it is gone when it was asked for and is not there.
      if (!(await view.refresh(row.driver, row.nativeId ?? row.name))) continue;
      if (!view.owned().some((workload) => isIntentFor(row, workload))) await registry.forget([row.id]);
    }
  }

  async #removeObjects(rows: readonly LedgerRecord[]): Promise<void> {
    const { registry, view, log, signal } = this.#options;
    for (const row of rows) {
      const driver = view.driver(row.driver);
      if (!driver || signal.aborted || !view.health(row.driver).answering) continue;
      try {
        await driver.removeObject(row, signal);
        await registry.forget([row.id]);
      } catch (error) {
        log.warn({ err: messageOf(error), object: row.name }, 'cannot remove it yet');
      }
    }
  }

  async #removeVolumes(): Promise<void> {
    const { registry, view, log, signal, context, mover } = this.#options;
    for (const key of await registry.volumesToRemove()) {
      const { service, volume } = key;
      const name = volumeName(registry.homeId, service, volume);
      const rows = (await registry.ledger()).filter((row) => row.kind === 'volume' && row.name === name);
      if (signal.aborted || !(await this.#allAnswer(key, rows))) continue;
      try {
        for (const driver of view.drivers().filter((known) => view.health(known.name).answering)) {
          const object: HostObject = { kind: 'volume', driver: driver.name, name, service, component: null };
          await driver.removeObject(object, signal);
        }
        const message = `volume ${volume} is deleted`;
        const event: NewEvent = { service, component: null, severity: 'info', reason: 'VolumeDeleted', message };
        await registry.volumeRemoved(service, volume, [event], context);
        await mover.forgotten(key);
        await registry.forget(rows.map((row) => row.id));
      } catch (error) {
        log.warn({ err: messageOf(error), volume: name }, 'cannot remove the volume yet');
      }
    }
  }

  /** True when each driver that may have the volume, or a copy of it, answers. */
  async #allAnswer(key: VolumeKey, rows: readonly LedgerRecord[]): Promise<boolean> {
    const { view, mover } = this.#options;
    const holders = new Set([...rows.map((row) => row.driver), ...(await mover.holdersOf(key))]);
    const silent = view.drivers().filter(({ name }) => !view.health(name).answering);
    return view.drivers().length > silent.length && !silent.some(({ name }) => holders.has(name));
  }
}

function keyOf({ service, component }: LedgerRecord): string {
  return formatKey({ service, component: component ?? '' });
}
