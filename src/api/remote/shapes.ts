/**
 * Answers are looked at before they are believed: an agent of another version, or something that is no agent, gives one
 * clear error and not a crash somewhere in a table. Fields that are not known here are let be.
 */
import type { Plan } from '../../core/plan.js';
import type { ServiceBase } from '../../core/plan-replace.js';
import type { ExecResult } from '../../core/ports/driver.js';
import type { ServiceSpec } from '../../core/spec.js';
import type { AppliedResult, ChangeResult, ExportResult, PlanResult, ProgressView, WaitResult } from '../client.js';
import type {
  AgentInfo,
  ComponentView,
  DoctorCheck,
  DoctorReport,
  EventView,
  Explanation,
  GarbageReport,
  GarbageView,
  HistoryView,
  LogEntry,
  StatusReport,
  UsagePoint,
  UsageReport,
} from '../views.js';
import { isObject, notUnderstood } from './problems.js';

/** Answers the value as what it must be; throws E_AGENT_ANSWER with the path of what is wrong. */
export type Shape<T> = (value: unknown, path: string) => T;

const wrong = (path: string, wanted: string): Error =>
  notUnderstood(`the agent’s answer is not what this version of Berth knows: ${path} is not ${wanted}`);

const text: Shape<string> = (value, path) => {
  if (typeof value !== 'string') throw wrong(path, 'a text');
  return value;
};

const number: Shape<number> = (value, path) => {
  if (typeof value !== 'number') throw wrong(path, 'a number');
  return value;
};

const flag: Shape<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw wrong(path, 'true or false');
  return value;
};

const record: Shape<Readonly<Record<string, unknown>>> = (value, path) => {
  if (!isObject(value)) throw wrong(path, 'an object');
  return value;
};

const anything: Shape<unknown> = (value) => value ?? null;

const orNull =
  <T>(shape: Shape<T>): Shape<T | null> =>
  (value, path) =>
    value === null || value === undefined ? null : shape(value, path);

/** A list of such things. */
export const listOf =
  <T>(shape: Shape<T>): Shape<readonly T[]> =>
  (value, path) => {
    if (!Array.isArray(value)) throw wrong(path, 'a list');
    return value.map((item, index) => shape(item, `${path}[${index}]`));
  };

/** One of these words; which, only the newest version knows: any text is taken. */
const word = <T extends string>(): Shape<T> => text as Shape<T>;

/** An object with at least these fields; the others stay as they are. */
export function objectOf<T extends object>(fields: { readonly [K in keyof T]-?: Shape<T[K]> }): Shape<T> {
  const names = Object.keys(fields) as (keyof T & string)[];
  return (value, path) => {
    const known: Partial<Record<keyof T, unknown>> = {};
    const given = record(value, path);
    for (const name of names) known[name] = fields[name](given[name], `${path}.${name}`);
    return { ...given, ...known } as T;
  };
}

/** The list in `items`. */
export const itemsOf =
  <T>(shape: Shape<T>): Shape<readonly T[]> =>
  (value, path) =>
    listOf(shape)(record(value, path)['items'], `${path}.items`);

const componentShape: Shape<ComponentView> = objectOf<ComponentView>({
  service: text,
  component: text,
  workload: text,
  runtime: word(),
  driver: text,
  desired: word(),
  observed: word(),
  phase: word(),
  ready: flag,
  generation: number,
  observedGeneration: number,
  restarts: number,
  exitCode: orNull(number),
  nextTryAt: orNull(text),
  observedAgeMs: orNull(number),
  reason: text,
  message: text,
  startedAt: orNull(text),
  drift: listOf(
    objectOf<ComponentView['drift'][number]>({
      field: text,
      desired: text,
      observed: text,
      since: text,
      evidence: text,
      action: text,
    }),
  ),
});

const agentViewShape = orNull(objectOf<{ readonly pid: number; readonly since: string }>({ pid: number, since: text }));

export const statusShape: Shape<StatusReport> = objectOf<StatusReport>({
  revision: number,
  agent: agentViewShape,
  components: listOf(componentShape),
});

export const eventShape: Shape<EventView> = objectOf<EventView>({
  revision: number,
  at: text,
  severity: word(),
  service: orNull(text),
  component: orNull(text),
  reason: text,
  message: text,
  actor: text,
  data: record,
});

export const historyShape: Shape<HistoryView> = objectOf<HistoryView>({
  revision: number,
  at: text,
  actor: text,
  message: orNull(text),
  request: orNull(text),
  service: orNull(text),
  component: orNull(text),
  op: word(),
  changes: listOf(objectOf<HistoryView['changes'][number]>({ field: text, before: anything, after: anything })),
});

export const logShape: Shape<LogEntry> = objectOf<LogEntry>({
  service: text,
  component: text,
  at: orNull(text),
  stream: word(),
  text,
});

export const explanationShape: Shape<Explanation> = objectOf<Explanation>({
  component: componentShape,
  image: objectOf<Explanation['image']>({ reference: text, digest: orNull(text) }),
  source: orNull(text),
  invalid: orNull(text),
  waitsFor: listOf(text),
  decisions: listOf(eventShape),
  lastChange: orNull(historyShape),
  driverError: orNull(
    objectOf<{ readonly error: string; readonly since: string | null }>({ error: text, since: orNull(text) }),
  ),
  failedGeneration: orNull(number),
  goodGeneration: orNull(number),
  agent: agentViewShape,
});

export const usageShape: Shape<UsageReport> = objectOf<UsageReport>({
  service: text,
  component: text,
  stepS: number,
  memoryLimitMb: orNull(number),
  now: orNull(objectOf<NonNullable<UsageReport['now']>>({ at: text, memoryMb: number, cpuPercent: orNull(number) })),
  points: listOf(
    objectOf<UsagePoint>({ at: text, memoryMb: number, memoryPeakMb: number, cpuPercent: orNull(number) }),
  ),
});

const keyShape = objectOf<{ readonly service: string; readonly component: string }>({ service: text, component: text });

export const changeShape: Shape<ChangeResult> = objectOf<ChangeResult>({
  revision: number,
  components: listOf(keyShape),
});

const listed = <T>(): Shape<readonly T[]> => listOf(record) as unknown as Shape<readonly T[]>;

/** The statements that carry a plan out are the agent's own business, and may be left out. */
const statements: Shape<Plan['changes']> = (value) => (Array.isArray(value) ? (value as Plan['changes']) : []);

const planShape: Shape<Plan> = objectOf<Plan>({
  services: listed(),
  components: listed(),
  conflicts: listed(),
  problems: listed(),
  breaches: listed(),
  changes: statements,
  differs: flag,
});

export const planResultShape: Shape<PlanResult> = objectOf<PlanResult>({ revision: number, plan: planShape });

export const appliedShape: Shape<AppliedResult> = objectOf<AppliedResult>({
  revision: number,
  plan: planShape,
  changed: flag,
});

export const rolledPlanShape: Shape<PlanResult & { readonly to: number }> = objectOf<
  PlanResult & { readonly to: number }
>({ revision: number, plan: planShape, to: number });

export const rolledBackShape: Shape<AppliedResult & { readonly to: number }> = objectOf<
  AppliedResult & { readonly to: number }
>({ revision: number, plan: planShape, changed: flag, to: number });

const baseShape: Shape<ServiceBase> = objectOf<ServiceBase>({
  revision: number,
  generations: record as Shape<ServiceBase['generations']>,
});

export const serviceShape: Shape<ExportResult> = objectOf<ExportResult>({
  spec: record as unknown as Shape<ServiceSpec>,
  text,
  base: baseShape,
});

const execTextShape = objectOf<Omit<ExecResult, 'cut'>>({ exitCode: number, stdout: text, stderr: text });
const cutShape = objectOf<NonNullable<ExecResult['cut']>>({ stdout: number, stderr: number });

export const execShape: Shape<ExecResult> = (value, path) => {
  const { cut } = record(value, path);
  const result = execTextShape(value, path);
  return cut === undefined ? result : { ...result, cut: cutShape(cut, `${path}.cut`) };
};

export const garbageShape: Shape<GarbageReport> = objectOf<GarbageReport>({
  dryRun: flag,
  items: listOf(
    objectOf<GarbageView>({
      driver: text,
      what: text,
      id: text,
      bytes: number,
      usedAt: text,
      removed: flag,
      error: orNull(text),
    }),
  ),
  totalBytes: number,
  unreachable: listOf(objectOf<GarbageReport['unreachable'][number]>({ driver: text, error: text })),
});

export const doctorShape: Shape<DoctorReport> = objectOf<DoctorReport>({
  ok: flag,
  checks: listOf(
    objectOf<DoctorCheck>({ area: text, name: text, ok: flag, level: word(), detail: text, remedy: orNull(text) }),
  ),
});

/** Who answers: `GET /v1/agent`. */
export interface AgentAnswer {
  readonly agent: AgentInfo | null;
  readonly epoch: string;
  readonly revision: number;
}

export const agentShape: Shape<AgentAnswer> = objectOf<AgentAnswer>({
  agent: orNull(objectOf<AgentInfo>({ pid: number, sinceMs: number })),
  epoch: text,
  revision: number,
});

export const namesShape: Shape<readonly string[]> = itemsOf(text);

export const progressShape: Shape<readonly ProgressView[]> = listOf(
  objectOf<ProgressView>({ component: componentShape, progress: word() }),
);

export const waitShape: Shape<WaitResult> = objectOf<WaitResult>({ outcome: word(), views: progressShape });

export const componentMessageShape = objectOf<{ readonly revision: number; readonly component: ComponentView }>({
  revision: number,
  component: componentShape,
});

export const goneMessageShape = objectOf<{
  readonly revision: number;
  readonly service: string;
  readonly component: string;
}>({ revision: number, service: text, component: text });

export const revisionShape = objectOf<{ readonly revision: number }>({ revision: number });

/** What a beat tells of the drivers. */
export interface BeatAnswer {
  readonly now: string;
  readonly drivers: readonly { readonly name: string; readonly lastGoodAt: string | null }[];
}

export const beatShape: Shape<BeatAnswer> = objectOf<BeatAnswer>({
  now: text,
  drivers: listOf(objectOf<BeatAnswer['drivers'][number]>({ name: text, lastGoodAt: orNull(text) })),
});
