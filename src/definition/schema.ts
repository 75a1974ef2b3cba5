/** The definition file as a zod schema: what one value may be. Rules between values live in `rules.ts`. */
import { z } from 'zod';
import { maxNameLength, namePattern } from '../core/names.js';
import { limits, pullPolicies, reconcileModes, restartPolicies, runtimes, updatePolicies } from '../core/spec.js';
import type { Fault } from './fault.js';
import {
  envKeyFault,
  filesFault,
  hostPathFault,
  httpPathFault,
  insidePathFault,
  lineFault,
  nameFault,
  nodeFault,
  portFault,
  textFault,
  userFault,
  volumeFault,
} from './field-faults.js';
import { imageFault } from './image-reference.js';

/** Bounds that only a definition file knows. */
export const probeLimits = Object.freeze({
  seconds: { min: 0.1, max: 3_600 },
  failures: { min: 1, max: 1_000 },
  port: { min: 1, max: 65_535 },
});

/** A text that `check` finds no fault with. */
function text(check: (value: string) => Fault | undefined, description?: string): z.ZodString {
  const checked = z.string().superRefine((value, context) => {
    const fault = check(value);
    if (fault) context.addIssue({ code: 'custom', message: fault.message, params: { suggestion: fault.suggestion } });
  });
  return description === undefined ? checked : checked.meta({ description });
}

interface Range {
  readonly min: number;
  readonly max: number;
}

const whole = (range: Range, description: string): z.ZodInt =>
  z.int().min(range.min).max(range.max).meta({ description });
const real = (range: Range, description: string): z.ZodNumber =>
  z.number().min(range.min).max(range.max).meta({ description });
const listOf = (item: z.ZodString, description: string): z.ZodArray<z.ZodString> =>
  z.array(item).max(limits.entriesPerList).meta({ description });
const name = (description: string): z.ZodString =>
  text(nameFault).meta({ description, pattern: namePattern.source, minLength: 1, maxLength: maxNameLength });

/** Values of variables may be written as text, numbers or truth values. */
const variables = z
  .record(text(envKeyFault), z.union([text(textFault), z.number(), z.boolean()]))
  .refine((map) => Object.keys(map).length <= limits.entriesPerList, {
    params: { suggestion: `at most ${limits.entriesPerList} variables; put more into an env_file` },
    error: 'there are too many variables',
  });

const build = z
  .strictObject({
    context: text(hostPathFault, 'Folder to build from; relative to the folder of this file.'),
    file: text(insidePathFault, 'The Containerfile, inside the context.').optional(),
    args: variables.optional(),
  })
  .meta({ description: 'Builds the image here instead of pulling it.' });

const health = z
  .strictObject({
    http: text(httpPathFault, 'Path that answers 2xx or 3xx when all is well.').optional(),
    tcp: z.literal(true).meta({ description: 'The port takes connections when all is well.' }).optional(),
    log: text(lineFault, 'Text that the log shows when the program is ready.').optional(),
    port: whole(probeLimits.port, 'Port inside the workload that is probed.').optional(),
    interval_s: real(probeLimits.seconds, 'Seconds between two probes.').optional(),
    timeout_s: real(probeLimits.seconds, 'Seconds until a probe counts as failed.').optional(),
    restart_after: whole(probeLimits.failures, 'Failures in a row before a restart; absent: report only.').optional(),
  })
  .meta({ description: 'How to tell that the program answers: one of http, tcp and log.' });

const component = z.strictObject({
  name: name('Name of the component within its service.'),
  runtime: z.enum(runtimes).meta({ description: 'What kind of workload it is; container when absent.' }).optional(),
  image: text(
    imageFault,
    'OCI image reference, or file:/path of a disk for a unikernel; may be absent with build.',
  ).optional(),
  build: build.optional(),
  pull: z
    .enum(pullPolicies)
    .meta({ description: 'When an apply asks the image registry; missing when absent.' })
    .optional(),
  update: z.enum(updatePolicies).meta({ description: 'What to do when the tag moves; pinned when absent.' }).optional(),
  memory_mb: whole(limits.memoryMb, 'Mebibytes; absent: unlimited for a container, 256 for a VM.').optional(),
  vcpus: real(limits.vcpus, 'Cores; whole for a VM; absent: unlimited for a container, 1 for a VM.').optional(),
  command: listOf(text(textFault), "Arguments instead of the image's CMD.").optional(),
  env: variables.meta({ description: 'Environment variables.' }).optional(),
  env_file: listOf(text(hostPathFault), 'Files of KEY=value lines; relative to the folder of this file.').optional(),
  secret_file: listOf(text(hostPathFault), 'As env_file, but never stored or shown.').optional(),
  ports: listOf(text(portFault), 'Published ports: [address:]host-port:port[/udp].').optional(),
  volumes: listOf(text(volumeFault), 'name:/path[:ro|rw,size_mb=N] or /host/path:/path[:ro].').optional(),
  files: listOf(text(filesFault), 'Absolute paths of the image that a unikernel takes along.').optional(),
  user: text(userFault, "user[:group]; absent: the image's.").optional(),
  restart: z.enum(restartPolicies).meta({ description: 'When to run it again; always when absent.' }).optional(),
  ready_timeout_s: whole(limits.readyTimeoutS, 'Seconds until a start counts as failed; 60 when absent.').optional(),
  log_limit_mb: whole(limits.logLimitMb, 'Mebibytes of log kept; 50 when absent.').optional(),
  stop_timeout_s: whole(
    limits.stopTimeoutS,
    'Seconds between asking it to end and killing it; 10 when absent.',
  ).optional(),
  reconcile: z
    .enum(reconcileModes)
    .meta({ description: 'auto heals, observe reports, ignore does neither.' })
    .optional(),
  depends_on: listOf(
    name('A component of the same service.'),
    'Components that run before this one starts.',
  ).optional(),
  health: health.optional(),
});

export const definitionSchema = z
  .strictObject({
    name: name('Name of the service.'),
    node: text(nodeFault, 'The machine it runs on; local when absent.').optional(),
    active: z.boolean().meta({ description: 'false: everything of it is stopped.' }).optional(),
    components: z
      .array(component)
      .min(1)
      .max(limits.componentsPerService)
      .meta({ description: 'The programs of the service.' }),
  })
  .meta({ title: 'Berth definition', description: 'One service with its components.' });

/** A definition file as it is written, checked. */
export type DefinitionDocument = z.output<typeof definitionSchema>;
export type ComponentDocument = DefinitionDocument['components'][number];

const keysOf = (schema: { readonly shape: Readonly<Record<string, unknown>> }): readonly string[] =>
  Object.keys(schema.shape);

/** The keys that may stand at each level, in the order of the schema. */
export const knownKeys = Object.freeze({
  service: keysOf(definitionSchema),
  component: keysOf(component),
  build: keysOf(build),
  health: keysOf(health),
});

/** JSON Schema (2020-12) of the definition file, for editors; what it cannot express is left out. */
export function definitionJsonSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(definitionSchema, { io: 'input' });
}
