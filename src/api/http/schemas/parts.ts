/** Schemas of what requests are made of: names, pages, bodies. */
import { z } from 'zod';
import { limits, runtimes, pullPolicies, reconcileModes, restartPolicies, updatePolicies } from '../../../core/spec.js';
import { pageItems as pageSize } from '../../pages-back.js';
import type { Definition } from '../../../core/ports/definition.js';
import type { PlanScope } from '../../../core/plan-apply.js';
import type { ServiceBase } from '../../../core/plan-replace.js';
import type { ComponentSpec, ServiceSpec } from '../../../core/spec.js';

const longestName = 255;

/** The name of something that may or may not exist: whether it does is for the registry to say. */
const name = z.string().min(1).max(longestName);

export const serviceParams = z.object({ service: name });
export const componentParams = z.object({ service: name, component: name });
export const volumeParams = z.object({ service: name, volume: name });
export const keyList = z.array(z.strictObject({ service: name, component: name })).max(10_000);

/** Kept in the history with the change. */
const message = z.string().max(1_000).nullish();
export const noteBody = z.strictObject({ message });

const flag = z.enum(['true', 'false']);
/** How many items one answer holds. */
const count = (most: number) => z.coerce.number().int().min(1).max(most);
const lines = z.coerce.number().int().min(0).max(100_000);

/** Unix milliseconds, or ISO 8601. */
const instant = z
  .string()
  .max(40)
  .refine((text) => !Number.isNaN(instantMs(text)), 'Unix milliseconds, or a time as 2026-01-31T12:00:00Z');

/** The instant in Unix milliseconds; NaN when it is none. */
export function instantMs(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text);
}

export const statusQuery = z.strictObject({ service: name.optional() });
export const componentsQuery = z.strictObject({
  service: name.optional(),
  phase: z.string().max(200).optional().meta({ description: 'One phase, or several with commas between.' }),
  drift: flag.optional().meta({ description: 'true: only what drifts.' }),
  limit: count(pageSize).default(200),
  cursor: z.string().max(200).optional().meta({ description: '`next` of the page before.' }),
});
export const doctorQuery = z.strictObject({
  drivers: flag.optional().meta({ description: 'false: the runtimes are not asked what they can do; answered soon.' }),
});
const revision = z.coerce.number().int().min(0);
/** Of a list that comes newest first, or the newest of it: a page goes on before the lowest revision of the one before. */
const before = revision.optional().meta({ description: 'Only what came before this revision: the next page.' });
export const historyQuery = z.strictObject({ limit: count(pageSize).default(100), before });
export const eventsQuery = z.strictObject({
  service: name.optional(),
  component: name.optional(),
  severity: z.enum(['info', 'warning', 'error']).optional().meta({ description: 'The least one.' }),
  since: instant.optional(),
  after: revision.optional().meta({ description: 'Only what came after this revision.' }),
  before,
  tail: z.coerce.number().int().min(0).max(pageSize).default(pageSize),
});
export const logsQuery = z.strictObject({
  tail: lines.optional(),
  since: instant.optional(),
  follow: flag.optional(),
});
export const watchQuery = z.strictObject({
  service: name.optional(),
  after: z.string().max(200).optional().meta({ description: 'As the header Last-Event-ID, which goes before.' }),
});

const text = z.string().max(limits.definitionBytes);
export const base = z.strictObject({
  revision: z.int().min(0),
  generations: z.record(name, z.int().min(0)),
}) satisfies z.ZodType<ServiceBase>;

export const replacePlanBody = z.strictObject({ text, base: base.nullish(), force: z.boolean().default(false) });
export const replaceBody = z.strictObject({ ...replacePlanBody.shape, message });
const seenBase = base
  .nullish()
  .meta({ description: '`base` of the plan that was looked at: 412 when the service was changed since.' });
export const rollbackBody = z.strictObject({
  to: z.int().min(0).nullable().default(null),
  dryRun: z.boolean().default(false),
  base: seenBase,
  message,
});
/** Values by field, as a status shows them. */
export const observed = z.record(z.string().max(1_000), z.string());
export const modeBody = z.strictObject({ mode: z.enum(reconcileModes), message });
export const acceptBody = z.strictObject({
  fields: z.array(z.string().min(1).max(1_000)).min(1).max(limits.entriesPerList),
  dryRun: z.boolean().default(false),
  base: seenBase,
  observed: observed.nullish().meta({ description: 'What was seen of each field: 412 when it is another by now.' }),
  message,
});
export const execBody = z.strictObject({ argv: z.array(z.string()).min(1).max(limits.entriesPerList) });
export const parseBody = z.strictObject({ text, path: z.string().max(4_096).default('definition.toml') });
export const waitBody = z.strictObject({ components: keyList, timeoutMs: z.int().min(0).max(600_000) });
export const gcBody = z.strictObject({ dryRun: z.boolean().default(false) });
export const loginLinkBody = z.strictObject({ token: name.nullish() });

const textList = z.array(z.string().max(limits.textLength)).max(limits.entriesPerList);
const texts = z.record(z.string(), z.string().max(limits.textLength));

/** Its shape; whether its values can be is checked as for a file when it would change something. */
const componentSpec = z.strictObject({
  name,
  runtime: z.enum(runtimes),
  image: z.string().max(limits.textLength),
  build: z
    .strictObject({ context: z.string(), file: z.string().exactOptional(), args: texts.exactOptional() })
    .nullable(),
  pull: z.enum(pullPolicies),
  update: z.enum(updatePolicies),
  memoryMb: z.number().nullable(),
  vcpus: z.number().nullable(),
  command: textList.nullable(),
  env: texts,
  envFile: textList,
  secretFile: textList,
  ports: textList,
  volumes: textList,
  files: textList,
  user: z.string().nullable(),
  restart: z.enum(restartPolicies),
  readyTimeoutS: z.number(),
  logLimitMb: z.number(),
  stopTimeoutS: z.number(),
  reconcile: z.enum(reconcileModes),
  dependsOn: textList,
  health: z
    .strictObject({
      http: z.string().exactOptional(),
      tcp: z.boolean().exactOptional(),
      log: z.string().exactOptional(),
      port: z.number().exactOptional(),
      interval_s: z.number().exactOptional(),
      timeout_s: z.number().exactOptional(),
      restart_after: z.number().exactOptional(),
    })
    .nullable(),
}) satisfies z.ZodType<ComponentSpec>;

export const serviceSpec = z.strictObject({
  name,
  node: z.string(),
  active: z.boolean(),
  components: z.array(componentSpec).max(limits.componentsPerService),
}) satisfies z.ZodType<ServiceSpec>;

const path = z.string().max(4_096);
const definition = z.strictObject({
  path,
  contentHash: z.string().max(128),
  spec: serviceSpec,
}) satisfies z.ZodType<Definition>;
const scope = z.strictObject({
  explicit: z.boolean().default(true),
  folder: path.nullable(),
  files: z.array(path).max(10_000),
}) satisfies z.ZodType<PlanScope>;

export const definitionsPlanBody = z.strictObject({
  definitions: z.array(definition).max(10_000),
  scope,
  prune: z.boolean().default(false),
  force: z.boolean().default(false),
});
export const definitionsBody = z.strictObject({ ...definitionsPlanBody.shape, message });
