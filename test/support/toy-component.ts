/**
 * One component on a toy host: the smallest world in which the reconciler can be driven by hand or at
 * random. Steps change the host at once; anything may happen between two decisions.
 */
import {
  afterStep,
  decide,
  defaultReconcileSettings,
  type Decision,
  type Step,
  type World,
} from '../../reconcilers/component/index.js';
import { phaseOf } from '../../reconcilers/component/machine.js';
import { verbs, type Verb } from '../../reconcilers/component/types.js';
import { hostName } from '../../src/core/names.js';
import type { NewEvent } from '../../src/core/event.js';
import type { ObservedWorkload } from '../../src/core/observation.js';
import type { ComponentRecord } from '../../src/core/ports/registry.js';
import { componentDefaults, effectiveLimits, type ComponentSpec } from '../../src/core/spec.js';
import { imagePinKey } from '../../src/core/spec-diff.js';
import { initialStatus, type Phase } from '../../src/core/status.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type ToyWorkload = Mutable<ObservedWorkload>;

const homeId = '11111111-2222-4333-8444-555555555555';
const key = { service: 'shop', component: 'web' };

/** What a program does when it is started; by image digest. */
export type Programs = Readonly<Record<string, { readonly exitsWith?: number; readonly doesNotStart?: boolean }>>;

/** The verb that leads to a phase. */
function verbOf(phase: Phase): Verb {
  const verb = verbs.find((candidate) => phaseOf[candidate] === phase);
  if (!verb) throw new Error(`no verb leads to ${phase}`);
  return verb;
}

export class ToyComponent {
  nowMs = 1_000_000;
  workloads: ToyWorkload[] = [];
  /** What tags name. */
  tags: Record<string, string> = { 'localhost/web:1': 'sha256:one' };
  programs: Programs = {};
  answering = true;
  /** The code of every create; null: they succeed. */
  createFailsWith: string | null = null;
  envFiles: Mutable<World>['envFiles'] = new Map();
  waitsFor: readonly string[] = [];
  dependentsUp: readonly string[] = [];
  readonly events: NewEvent[] = [];
  readonly steps: Step[] = [];
  /** Each turn of the machine so far, by a decision or the end of its step: the phase that it was taken in, and its verb. */
  readonly turns: (readonly [Phase, Verb])[] = [];
  purged = false;
  record: Mutable<ComponentRecord>;
  #nextId = 1;
  #revision = 10;
  readonly #specs = new Map<number, ComponentSpec>();
  lastDecision: Decision | undefined;

  constructor(spec: Partial<ComponentSpec> = {}) {
    this.record = {
      key,
      workload: 'shop-web',
      spec: { ...componentDefaults, name: 'web', image: 'localhost/web:1', ...spec },
      invalid: null,
      service: { name: 'shop', node: 'local', active: true, revision: 10, deleting: false },
      desired: 'running',
      restartToken: 0,
      imageRefresh: 0,
      deleting: false,
      generation: 10,
      revision: 10,
      source: null,
      dependents: [],
      status: initialStatus,
    };
  }

  get status(): ComponentRecord['status'] {
    return this.record.status;
  }

  get main(): ToyWorkload | undefined {
    return this.workloads.find((item) => item.name === hostName('', 'shop-web', 'main'));
  }

  get running(): readonly ToyWorkload[] {
    return this.workloads.filter((item) => item.state === 'running' || item.state === 'paused');
  }

  /** A new revision of the row; of the spec too when `patch` is given. */
  edit(patch: Partial<ComponentSpec> | undefined, row: Partial<ComponentRecord> = {}): void {
    this.#specs.set(this.record.generation, this.record.spec);
    this.#revision += 1;
    this.record = { ...this.record, ...row, revision: this.#revision };
    if (patch) this.record = { ...this.record, spec: { ...this.record.spec, ...patch }, generation: this.#revision };
  }

  world(): World {
    return {
      nowMs: this.nowMs,
      chance: 0.5,
      homeId,
      namePrefix: '',
      settings: defaultReconcileSettings,
      record: this.record,
      driver: {
        name: 'toy',
        answering: this.answering,
        error: this.answering ? null : 'toy hangs',
        lastObserved: 'running',
      },
      workloads: this.workloads,
      imageNow: this.tags[this.record.spec.image],
      envFiles: this.envFiles,
      earlier: this.#earlier(),
      waitsFor: this.waitsFor,
      dependentsUp: this.dependentsUp,
      lastRuntimeEvent: null,
    };
  }

  #earlier(): World['earlier'] {
    const generation = this.main?.owner?.generation ?? this.record.generation;
    const spec = this.#specs.get(generation);
    if (!spec || generation >= this.record.generation || generation <= (this.status.goodGeneration ?? 0)) return null;
    return { generation, spec };
  }

  /** One decision and its step. `fault` says what becomes of them. Answers whether there was a step. */
  turn(fault: 'none' | 'crash-before-step' | 'crash-after-step' | 'step-fails' = 'none'): boolean {
    const decision = decide(this.world());
    const before = this.record.status;
    this.turns.push([before.phase, verbOf(decision.status.phase)]);
    this.lastDecision = decision;
    if (decision.irregular !== null) throw new Error(decision.irregular);
    this.record = { ...this.record, status: decision.status };
    this.events.push(...decision.events);
    const { step } = decision;
    if (!step || fault === 'crash-before-step') return step !== null;
    this.steps.push(step);
    const result =
      fault === 'step-fails'
        ? ({ ok: false, code: 'E_DRIVER_FAILED', message: 'no', suggestion: 'x' } as const)
        : this.#apply(step);
    if (fault === 'crash-after-step') return true;
    const outcome = afterStep({
      key,
      before,
      status: this.record.status,
      step,
      result,
      nowMs: this.nowMs,
      chance: 0.5,
      settings: defaultReconcileSettings,
      imagePinKey: imagePinKey(this.record.spec, this.record.imageRefresh),
    });
    const [decided, phase] = [this.status.phase, outcome.status.phase];
    if (phase !== decided) this.turns.push([decided, verbOf(phase)]);
    this.record = { ...this.record, status: outcome.status };
    this.events.push(...outcome.events);
    return true;
  }

  /** Turns until nothing is left to do now. */
  settle(most = 40): void {
    for (let count = 0; count < most; count += 1) {
      const statusBefore = this.record.status;
      const stepped = this.turn();
      if (this.purged || (!stepped && statusBefore === this.record.status)) return;
    }
    throw new Error(`never settles: ${JSON.stringify(this.steps.slice(-8))} ${JSON.stringify(this.record.status)}`);
  }

  /** Time passes, with decisions whenever one was asked for. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (let count = 0; count < 500; count += 1) {
      this.settle();
      const nextMs = this.lastDecision?.requeueAtMs ?? Infinity;
      if (nextMs > untilMs || this.purged) break;
      this.nowMs = Math.max(nextMs, this.nowMs + 1);
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
    this.settle();
  }

  /** The machine reports that its program was started. */
  report(): void {
    if (this.main) this.main.programStartedAtMs = this.nowMs;
  }

  /** Somebody's hand, or the program itself. null: nobody knows how it ended. */
  end(workload: ToyWorkload, exitCode: number | null): void {
    Object.assign(workload, { state: 'exited', exitCode, finishedAtMs: this.nowMs });
  }

  reasons(): readonly string[] {
    return this.events.map((event) => event.reason);
  }

  #apply(step: Step): Parameters<typeof afterStep>[0]['result'] {
    switch (step.kind) {
      case 'resolve-image': {
        const imageDigest = this.tags[step.reference];
        if (imageDigest !== undefined) return { ok: true, imageDigest };
        return { ok: false, code: 'E_IMAGE_MISSING', message: `no image ${step.reference}`, suggestion: 'build it' };
      }
      case 'create':
        return this.#create(step);
      case 'purge':
        this.purged = true;
        return { ok: true };
      case 'remove':
        this.workloads = this.workloads.filter((item) => item.nativeId !== step.nativeId);
        return { ok: true };
      default:
        return this.#change(step);
    }
  }

  #create(step: Extract<Step, { kind: 'create' }>): Parameters<typeof afterStep>[0]['result'] {
    const code = this.createFailsWith;
    if (code !== null) return { ok: false, code, message: `no: ${code}`, suggestion: 'set it up' };
    const name = hostName('', 'shop-web', step.role);
    if (this.workloads.some((item) => item.name === name))
      return { ok: false, code: 'E_NAME_TAKEN', message: name, suggestion: '' };
    const nativeId = `id${String(this.#nextId++)}`;
    const { spec } = step;
    this.workloads.push({
      driver: 'toy',
      runtime: spec.runtime,
      nativeId,
      name,
      state: 'created',
      createdAtMs: this.nowMs,
      startedAtMs: null,
      finishedAtMs: null,
      exitCode: null,
      oomKilled: false,
      imageDigest: step.imageDigest,
      imageRef: spec.image,
      owner: { homeId, ...key, generation: step.generation, specHash: null },
      addresses: [],
      problem: null,
      ...effectiveLimits(spec),
      ...(spec.runtime === 'container' ? {} : { programStartedAtMs: null }),
      config: {
        env: { PATH: '/bin', ...step.env },
        command: spec.command ?? ['run'],
        user: spec.user ?? '',
        ports: [],
        mounts: [],
        image: { env: { PATH: '/bin' }, command: ['run'], user: '' },
        runtimeEnv: [],
      },
    });
    return { ok: true, nativeId };
  }

  #change(
    step: Exclude<Step, { kind: 'resolve-image' | 'create' | 'purge' | 'remove' }>,
  ): Parameters<typeof afterStep>[0]['result'] {
    const workload = this.workloads.find((item) => item.nativeId === step.nativeId);
    if (!workload) return { ok: false, code: 'E_WORKLOAD_MISSING', message: 'gone', suggestion: '' };
    switch (step.kind) {
      case 'start':
        return this.#start(workload);
      case 'stop':
        if (workload.state !== 'exited' && workload.state !== 'created') this.end(workload, 143);
        return { ok: true };
      case 'update':
        Object.assign(workload, step.limits);
        return { ok: true };
      case 'unpause':
        workload.state = 'running';
        return { ok: true };
      case 'rename': {
        const name = hostName('', 'shop-web', step.role);
        if (this.workloads.some((item) => item.name === name))
          return { ok: false, code: 'E_NAME_TAKEN', message: name, suggestion: '' };
        workload.name = name;
        return { ok: true };
      }
    }
  }

  #start(workload: ToyWorkload): Parameters<typeof afterStep>[0]['result'] {
    const program = this.programs[workload.imageDigest];
    if (program?.doesNotStart)
      return { ok: false, code: 'E_DRIVER_FAILED', message: 'no such executable', suggestion: 'x' };
    this.nowMs += 1;
    Object.assign(workload, { state: 'running', startedAtMs: this.nowMs, finishedAtMs: null });
    if (workload.runtime !== 'container') workload.programStartedAtMs = null;
    if (program?.exitsWith !== undefined) this.end(workload, program.exitsWith);
    return { ok: true };
  }
}
