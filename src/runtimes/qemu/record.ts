/**
 * What is kept of one VM on disk, so that any later agent finds it again. `vm.json` says what it was made with;
 * `owner.json` repeats whose it is, so that a VM whose record cannot be read is still known to be somebody's.
 */
import { z } from 'zod';
import { runtimes } from '../../core/spec.js';

const textMap = z.record(z.string(), z.string());
const texts = z.array(z.string());

const ownerSchema = z.object({
  /** The name on the host. */
  name: z.string(),
  homeId: z.string(),
  service: z.string(),
  component: z.string(),
  generation: z.number().int().nullable(),
  specHash: z.string().nullable(),
});
export type VmOwner = z.infer<typeof ownerSchema>;

const diskSchema = z.object({
  file: z.string(),
  serial: z.string(),
  format: z.enum(['raw', 'qcow2']),
  access: z.enum(['read-only', 'snapshot', 'write']),
});

const recordSchema = ownerSchema.extend({
  version: z.literal(1),
  id: z.string(),
  runtime: z.enum(runtimes),
  imageDigest: z.string(),
  imageRef: z.string(),
  createdAtMs: z.number(),
  /** As `ObservedConfig`. */
  config: z.object({
    env: textMap,
    command: texts,
    user: z.string(),
    ports: texts,
    mounts: z.array(
      z.object({ kind: z.enum(['named', 'host']), source: z.string(), target: z.string(), readOnly: z.boolean() }),
    ),
    image: z.object({ env: textMap, command: texts, user: z.string() }),
    runtimeEnv: texts,
  }),
  memoryMb: z.number().int(),
  vcpus: z.number().int(),
  logLimitMb: z.number(),
  /** User id that its QEMU runs under; null: the agent's own. */
  uid: z.number().int().nullable(),
  boot: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('linux'), kernel: z.string(), initrd: z.string() }),
    z.object({ kind: z.literal('bios') }),
  ]),
  disks: z.array(diskSchema),
  /** Named volumes among the disks: the host's volume name and the least size of its disk, by serial. */
  volumes: z.array(z.object({ name: z.string(), serial: z.string(), file: z.string(), sizeMb: z.number().int() })),
  mac: z.string(),
  forwards: z.array(
    z.object({
      protocol: z.enum(['tcp', 'udp']),
      hostIp: z.string(),
      hostPort: z.number().int(),
      guestPort: z.number().int(),
    }),
  ),
});
/** `vm.json`. */
export type VmRecord = z.infer<typeof recordSchema>;

const markSchema = z.object({ uuid: z.string(), atMs: z.number() });
/** `started.json`: when the program of the run with this token was reported started. */
export type StartedMark = z.infer<typeof markSchema>;

const endSchema = markSchema.extend({
  exitCode: z.number().int().nullable(),
  /** What is known beside the code; null: nothing. */
  problem: z.string().nullable(),
});
/** `end.json`: how the run with this token ended. */
export type EndMark = z.infer<typeof endSchema>;

const begunSchema = z.object({ consoleBytes: z.number() });
/** `begun.json`: how much of the console's log is of earlier runs. */
export type BegunMark = z.infer<typeof begunSchema>;

/** Names of the files beside a VM's machine folder; only the agent's own user can change them. */
export const recordFiles = Object.freeze({
  record: 'vm.json',
  owner: 'owner.json',
  begun: 'begun.json',
  started: 'started.json',
  end: 'end.json',
  /** The machine's folder: QEMU's working directory. */
  machine: 'm',
});

function parse<T>(schema: z.ZodType<T>, text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** undefined: it is no record. */
export const readRecord = (text: string | undefined): VmRecord | undefined => parse(recordSchema, text);
export const readOwner = (text: string | undefined): VmOwner | undefined => parse(ownerSchema, text);
export const readBegun = (text: string | undefined): BegunMark | undefined => parse(begunSchema, text);
export const readStarted = (text: string | undefined): StartedMark | undefined => parse(markSchema, text);
export const readEnd = (text: string | undefined): EndMark | undefined => parse(endSchema, text);

/** The part of a record that `owner.json` repeats. */
export function ownerOf(record: VmOwner): VmOwner {
  const { name, homeId, service, component, generation, specHash } = record;
  return { name, homeId, service, component, generation, specHash };
}
