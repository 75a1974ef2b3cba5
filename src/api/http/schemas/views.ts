/** Schemas of what is answered: the views of src/api/views.ts and src/api/client.ts, field by field. */
import { z } from 'zod';
import { phases, observedStates } from '../../../core/status.js';
import { severities } from '../../../core/event.js';
import { runtimes } from '../../../core/spec.js';
import type { DefinitionProblem } from '../../../core/ports/definition.js';
import type { ExecResult } from '../../../core/ports/driver.js';
import type { Plan } from '../../../core/plan.js';
import type { RuleProblem } from '../../../core/rules.js';
import type { ChangeResult, ProgressView, WaitResult } from '../../client.js';
import type {
  AgentInfo,
  ComponentView,
  DoctorReport,
  EventView,
  Explanation,
  GarbageReport,
  HistoryView,
  LogEntry,
  StatusReport,
  UsageReport,
} from '../../views.js';
import type { Problem } from '../contract.js';
import { base, observed, serviceSpec } from './parts.js';

const time = z.string().meta({ description: 'ISO 8601, UTC' });
const data = z.record(z.string(), z.unknown());
const key = z.strictObject({ service: z.string(), component: z.string() });

const drift = z.strictObject({
  field: z.string(),
  desired: z.string(),
  observed: z.string(),
  since: time,
  evidence: z.string(),
  action: z.string(),
});

export const componentView = z.strictObject({
  service: z.string(),
  component: z.string(),
  workload: z.string(),
  runtime: z.enum(runtimes),
  driver: z.string(),
  desired: z.enum(['running', 'stopped', 'deleted']),
  observed: z.enum(observedStates),
  phase: z.enum(phases),
  ready: z.boolean(),
  generation: z.int(),
  observedGeneration: z.int(),
  restarts: z.int(),
  exitCode: z.int().nullable(),
  nextTryAt: time.nullable(),
  observedAgeMs: z.number().nullable(),
  reason: z.string(),
  message: z.string(),
  startedAt: time.nullable(),
  drift: z.array(drift),
}) satisfies z.ZodType<ComponentView>;

const agentView = z.strictObject({ pid: z.int(), since: time }).nullable();
export const agentInfo = z.strictObject({ pid: z.int(), sinceMs: z.number() }) satisfies z.ZodType<AgentInfo>;

export const statusReport = z.strictObject({
  revision: z.int(),
  agent: agentView,
  components: z.array(componentView),
}) satisfies z.ZodType<StatusReport>;

export const eventView = z.strictObject({
  revision: z.int(),
  at: time,
  severity: z.enum(severities),
  service: z.string().nullable(),
  component: z.string().nullable(),
  reason: z.string(),
  message: z.string(),
  actor: z.string(),
  data,
}) satisfies z.ZodType<EventView>;

export const historyView = z.strictObject({
  revision: z.int(),
  at: time,
  actor: z.string(),
  message: z.string().nullable(),
  request: z.string().nullable(),
  service: z.string().nullable(),
  component: z.string().nullable(),
  op: z.enum(['insert', 'update', 'delete']),
  changes: z.array(z.strictObject({ field: z.string(), before: z.unknown(), after: z.unknown() })),
}) satisfies z.ZodType<HistoryView>;

export const logEntry = z.strictObject({
  service: z.string(),
  component: z.string(),
  at: time.nullable(),
  stream: z.enum(['stdout', 'stderr', 'console']),
  text: z.string(),
}) satisfies z.ZodType<LogEntry>;

export const explanation = z.strictObject({
  component: componentView,
  image: z.strictObject({ reference: z.string(), digest: z.string().nullable() }),
  source: z.string().nullable(),
  invalid: z.string().nullable(),
  waitsFor: z.array(z.string()),
  decisions: z.array(eventView),
  lastChange: historyView.nullable(),
  driverError: z.strictObject({ error: z.string(), since: time.nullable() }).nullable(),
  failedGeneration: z.int().nullable(),
  goodGeneration: z.int().nullable(),
  agent: agentView,
}) satisfies z.ZodType<Explanation>;

const usageFigures = {
  at: time,
  memoryMb: z.number().meta({ description: 'MiB' }),
  cpuPercent: z.number().nullable().meta({ description: '100 is one core; null: not known.' }),
};
export const usageReport = z.strictObject({
  service: z.string(),
  component: z.string(),
  stepS: z.number(),
  memoryLimitMb: z.number().nullable(),
  now: z.strictObject(usageFigures).nullable().meta({ description: 'The newest look; null: it does not run.' }),
  points: z
    .array(z.strictObject({ ...usageFigures, memoryPeakMb: z.number().meta({ description: 'MiB' }) }))
    .meta({ description: 'A point a step, oldest first; steps without figures are absent.' }),
}) satisfies z.ZodType<UsageReport>;

export const garbageReport = z.strictObject({
  dryRun: z.boolean(),
  items: z.array(
    z.strictObject({
      driver: z.string(),
      what: z.string(),
      id: z.string(),
      bytes: z.number(),
      usedAt: time,
      removed: z.boolean(),
      error: z.string().nullable(),
    }),
  ),
  totalBytes: z.number(),
  unreachable: z.array(z.strictObject({ driver: z.string(), error: z.string() })),
}) satisfies z.ZodType<GarbageReport>;

export const doctorReport = z.strictObject({
  ok: z.boolean(),
  checks: z.array(
    z.strictObject({
      area: z.string(),
      name: z.string(),
      ok: z.boolean(),
      detail: z.string(),
      remedy: z.string().nullable(),
      level: z.enum(['ok', 'warning', 'error']),
    }),
  ),
}) satisfies z.ZodType<DoctorReport>;

export const definitionProblem = z.strictObject({
  path: z.string(),
  line: z.int(),
  column: z.int(),
  field: z.string(),
  message: z.string(),
  suggestion: z.string(),
}) satisfies z.ZodType<DefinitionProblem>;

const action = z.enum(['create', 'update', 'delete', 'unchanged', 'kept', 'conflict']);
const changeEffects = ['replace', 'update', 'none'] as const;
const difference = { field: z.string(), before: z.unknown(), after: z.unknown() };

const ruleProblem = z.strictObject({
  rule: z.enum(['value', 'workload-name', 'port', 'volume', 'dependency-missing', 'dependency-cycle']),
  code: z.string(),
  key,
  other: key.nullable(),
  field: z.string(),
  message: z.string(),
  suggestion: z.string(),
}) satisfies z.ZodType<Omit<RuleProblem, 'code'>>;

export const plan = z.strictObject({
  services: z.array(
    z.strictObject({
      service: z.string(),
      source: z.string().nullable(),
      action,
      differences: z.array(z.strictObject(difference)),
    }),
  ),
  components: z.array(
    z.strictObject({
      service: z.string(),
      component: z.string(),
      action,
      effect: z.enum([...changeEffects, 'create', 'remove']),
      differences: z.array(z.strictObject({ ...difference, effect: z.enum(changeEffects) })),
      refreshImage: z.enum(['moved', 'always']).nullable(),
      note: z.string().nullable(),
    }),
  ),
  conflicts: z.array(
    z.strictObject({
      service: z.string(),
      component: z.string().nullable(),
      revision: z.int(),
      appliedRevision: z.int().nullable(),
      message: z.string(),
    }),
  ),
  problems: z.array(definitionProblem),
  breaches: z.array(ruleProblem),
  differs: z.boolean(),
}) satisfies z.ZodType<Omit<Plan, 'changes' | 'breaches'>>;

const planResult = z.strictObject({ revision: z.int(), plan });
const appliedResult = z.strictObject({ ...planResult.shape, changed: z.boolean() });
export const planAnswer = planResult;
export const appliedAnswer = appliedResult;
/** Of what can be tried first: `changed` is there when it was done, else what to send along to have just that done. */
export const triedAnswer = z.strictObject({
  ...planResult.shape,
  changed: z.boolean().optional(),
  base: base.optional(),
  observed: observed.optional(),
});
export const rollbackAnswer = z.strictObject({
  ...planResult.shape,
  changed: z.boolean().optional(),
  to: z.int(),
  base: base.optional(),
});

export const changeAnswer = z.strictObject({
  revision: z.int(),
  components: z.array(key),
}) satisfies z.ZodType<ChangeResult>;

const progressView = z.strictObject({
  component: componentView,
  progress: z.enum(['waiting', 'converged', 'failed']),
}) satisfies z.ZodType<ProgressView>;

const waitResult = z.strictObject({
  outcome: z.enum(['converged', 'failed', 'timeout', 'aborted']),
  views: z.array(progressView),
}) satisfies z.ZodType<WaitResult>;

/** How far it is, again and again, and last how it ended. */
export const waitLine = z.union([z.array(progressView), waitResult]);

export const execResult = z.strictObject({
  exitCode: z.int(),
  stdout: z.string(),
  stderr: z.string(),
  cut: z
    .strictObject({ stdout: z.int(), stderr: z.int() })
    .exactOptional()
    .meta({ description: 'Bytes that were left out at the end of each; absent: it is whole.' }),
}) satisfies z.ZodType<ExecResult>;

export const serviceText = z.strictObject({
  service: z.string(),
  text: z.string(),
  base,
  spec: serviceSpec,
  components: z.array(componentView),
});

export const problem = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  suggestion: z.string(),
  instance: z.string(),
  details: data,
}) satisfies z.ZodType<Problem>;

/** Schemas that the OpenAPI document names and refers to. */
export const namedSchemas = {
  Component: componentView,
  Status: statusReport,
  Event: eventView,
  HistoryEntry: historyView,
  LogLine: logEntry,
  Explanation: explanation,
  UsageReport: usageReport,
  GarbageReport: garbageReport,
  DoctorReport: doctorReport,
  DefinitionProblem: definitionProblem,
  Plan: plan,
  PlanResult: planAnswer,
  AppliedResult: appliedAnswer,
  TriedResult: triedAnswer,
  RollbackResult: rollbackAnswer,
  ChangeResult: changeAnswer,
  WaitLine: waitLine,
  ExecResult: execResult,
  Service: serviceText,
  Problem: problem,
} as const;
