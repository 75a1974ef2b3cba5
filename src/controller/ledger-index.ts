/**
 * Which drivers may hold a workload of a component, by the ledger. It matters only while some driver does not answer,
 * so it is read then, and kept until something is taken out of the ledger.
 */
import { formatKey, type ComponentKey } from '../core/names.js';
import type { LedgerRecord, Registry } from '../core/ports/registry.js';

export class LedgerIndex {
  readonly #registry: Registry;
  #drivers: Promise<Map<string, Set<string>>> | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Names of the drivers that were asked to make a workload of this component, and may have it still. */
  async driversOf(key: ComponentKey): Promise<readonly string[]> {
    this.#drivers ??= this.#read();
    const drivers = this.#drivers;
    try {
      return [...((await drivers).get(formatKey(key)) ?? [])];
    } catch (error) {
      if (this.#drivers === drivers) this.#drivers = undefined;
      throw error;
    }
  }

  /** An intent was written: `driver` is about to make a workload of this component. */
  async added(key: ComponentKey, driver: string): Promise<void> {
    const drivers = await this.#drivers;
    if (drivers) add(drivers, key, driver);
  }

  /** Something was taken out of the ledger. */
  shrunk(): void {
    this.#drivers = undefined;
  }

  async #read(): Promise<Map<string, Set<string>>> {
    const index = new Map<string, Set<string>>();
    for (const row of await this.#registry.ledger()) {
      if (!isWorkload(row) || row.component === null) continue;
      add(index, { service: row.service, component: row.component }, row.driver);
    }
    return index;
  }
}

function add(index: Map<string, Set<string>>, componentKey: ComponentKey, driver: string): void {
  const key = formatKey(componentKey);
  const known = index.get(key);
  if (known) known.add(driver);
  else index.set(key, new Set([driver]));
}

/** True for a row that stands for a container or a machine. */
export function isWorkload(row: LedgerRecord): boolean {
  return row.kind === 'container' || row.kind === 'vm';
}
