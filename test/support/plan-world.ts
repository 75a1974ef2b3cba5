/** A registry's records in memory, changed as `Registry.change` would: for tests of plans, which are pure. */
import { canonicalJson, shortHash } from '../../src/core/hash.js';
import { formatKey } from '../../src/core/names.js';
import type { Plan, PlanRecords } from '../../src/core/plan.js';
import type { PlanApplyInput } from '../../src/core/plan-apply.js';
import type { Definition } from '../../src/core/ports/definition.js';
import type { Change, ComponentRecord, ServiceRecord, SourceRecord } from '../../src/core/ports/registry.js';
import { diffSpecs } from '../../src/core/spec-diff.js';
import { componentDefaults, type ComponentSpec, type ServiceSpec } from '../../src/core/spec.js';
import { initialStatus } from '../../src/core/status.js';

/** A component with defaults for all that is not said. */
export function componentSpec(name: string, patch: Partial<ComponentSpec> = {}): ComponentSpec {
  return { ...componentDefaults, name, image: 'localhost/a:1', ...patch };
}

/** A service that is active on this node. */
export function serviceSpec(
  name: string,
  components: readonly ComponentSpec[],
  patch: Partial<ServiceSpec> = {},
): ServiceSpec {
  return { name, node: 'local', active: true, components, ...patch };
}

/** A definition file whose hash follows from what it says. */
export function definition(path: string, spec: ServiceSpec): Definition {
  return { path, contentHash: shortHash(canonicalJson(spec)), spec };
}

/** What `planApply` is asked when a person applies single files. */
export function applyInput(
  world: PlanWorld,
  definitions: readonly Definition[],
  options: {
    readonly prune?: boolean;
    readonly force?: boolean;
    readonly explicit?: boolean;
    readonly folder?: string;
  } = {},
): PlanApplyInput {
  return {
    definitions,
    records: world.records(),
    sources: world.sources(),
    prune: options.prune ?? false,
    force: options.force ?? false,
    scope: {
      explicit: options.explicit ?? true,
      folder: options.folder ?? null,
      files: definitions.map((item) => item.path),
    },
  };
}

export class PlanWorld {
  revision = 0;
  readonly #services = new Map<string, ServiceRecord>();
  readonly #components = new Map<string, ComponentRecord>();
  readonly #sources = new Map<string, SourceRecord>();

  records(): PlanRecords {
    return { services: [...this.#services.values()], components: [...this.#components.values()] };
  }

  sources(): readonly SourceRecord[] {
    return [...this.#sources.values()];
  }

  record(key: string): ComponentRecord | undefined {
    return this.#components.get(key);
  }

  carryOut(plan: Pick<Plan, 'changes'>): void {
    const puts = plan.changes.filter((change) => change.kind === 'put-source');
    for (const change of plan.changes) if (change.kind !== 'put-source') this.change(change);
    for (const change of puts) this.change(change);
  }

  /** The agent removed the workloads: what is marked goes. */
  purge(): void {
    for (const [key, record] of this.#components) if (record.deleting) this.#components.delete(key);
    for (const [name, row] of this.#services) {
      if (row.deleting && !this.#of(name).some((record) => !record.deleting)) this.#services.delete(name);
    }
  }

  /** Somebody writes a spec by hand. */
  edit(service: string, spec: ComponentSpec): void {
    const source = this.#components.get(`${service}/${spec.name}`)?.source ?? null;
    if (!this.#services.has(service)) this.change({ kind: 'put-service', name: service, node: 'local', active: true });
    this.change({ kind: 'put-component', service, spec, source });
  }

  /** The agent's answer about one component. */
  patch(key: string, patch: Partial<ComponentRecord>): void {
    const record = this.#components.get(key);
    if (record) this.#components.set(key, { ...record, ...patch });
  }

  change(change: Change): void {
    switch (change.kind) {
      case 'put-service':
        this.#putService(change);
        break;
      case 'put-component':
        this.#putComponent(change);
        break;
      case 'delete-component':
        this.#mark(formatKey(change.key));
        break;
      case 'delete-service':
        this.#deleteService(change.name);
        break;
      case 'put-source':
        this.#sources.set(change.source.service, { ...change.source, appliedRevision: this.revision });
        break;
      case 'delete-source':
        this.#sources.delete(change.service);
        break;
      default:
        throw new Error(`no plan makes ${change.kind}`);
    }
  }

  #of(service: string): readonly ComponentRecord[] {
    return [...this.#components.values()].filter((record) => record.key.service === service);
  }

  #putService({ name, node, active }: Extract<Change, { kind: 'put-service' }>): void {
    this.revision += 1;
    const row = { name, node, active, revision: this.revision, deleting: false };
    this.#services.set(name, row);
    for (const record of this.#of(name)) this.patch(formatKey(record.key), { service: row });
  }

  #putComponent({
    service,
    spec,
    source,
    ifGeneration,
    refreshImage,
  }: Extract<Change, { kind: 'put-component' }>): void {
    const key = formatKey({ service, component: spec.name });
    const old = this.#components.get(key);
    const isNone = old === undefined || (old.deleting && ifGeneration === 0);
    if (ifGeneration !== undefined && (isNone ? 0 : old.generation) !== ifGeneration) {
      throw new Error(`conflict at ${key}`);
    }
    const row = this.#services.get(service);
    if (!row) throw new Error(`no service for ${key}`);
    this.revision += 1;
    const same = old !== undefined && !old.deleting && diffSpecs(old.spec, spec).length === 0;
    const generation = old !== undefined && same ? old.generation : this.revision;
    const fresh = { desired: 'running', imageRefresh: 0, status: initialStatus } as const;
    const { desired, imageRefresh, status } = old ?? fresh;
    this.#components.set(key, {
      key: { service, component: spec.name },
      workload: key,
      spec,
      invalid: null,
      service: row,
      desired,
      restartToken: 0,
      imageRefresh: imageRefresh + (refreshImage === true ? 1 : 0),
      deleting: false,
      generation,
      revision: this.revision,
      source,
      dependents: [],
      status,
    });
  }

  #mark(key: string): void {
    if (!this.#components.has(key)) throw new Error(`no component ${key}`);
    this.revision += 1;
    this.patch(key, { deleting: true, revision: this.revision });
  }

  #deleteService(name: string): void {
    const row = this.#services.get(name);
    if (!row) throw new Error(`no service ${name}`);
    this.revision += 1;
    this.#services.set(name, { ...row, deleting: true, revision: this.revision });
    for (const record of this.#of(name)) this.#mark(formatKey(record.key));
  }
}
