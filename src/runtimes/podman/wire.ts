/** The parts of libpod's answers that the driver reads; all else is ignored, what may be missing may be missing. */
import { z } from 'zod';
import { BerthError } from '../../core/errors.js';

const text = z.string().nullish();
const bag = z.record(z.string(), z.string()).nullish();

/** One entry of `containers/json`. Times are Unix seconds, `Created` a time in RFC 3339. */
export const listEntrySchema = z.object({
  Id: z.string(),
  Names: z.array(z.string()).nullish(),
  Labels: bag,
  State: z.string(),
  Image: text,
  ImageID: text,
  Pid: z.number().nullish(),
  Created: z.union([z.string(), z.number()]).nullish(),
  StartedAt: z.number().nullish(),
  ExitedAt: z.number().nullish(),
  ExitCode: z.number().nullish(),
});
export type ListEntry = z.infer<typeof listEntrySchema>;

const binding = z.object({ HostIp: text, HostPort: text });

const mountSchema = z.object({
  Type: text,
  Name: text,
  Source: text,
  Destination: z.string(),
  RW: z.boolean().nullish(),
});

/** `containers/{id}/json`. */
export const inspectSchema = z.object({
  Id: z.string(),
  Name: z.string(),
  Created: text,
  Image: z.string(),
  ImageName: text,
  State: z.object({
    Status: z.string(),
    Pid: z.number().nullish(),
    ConmonPid: z.number().nullish(),
    ExitCode: z.number().nullish(),
    OOMKilled: z.boolean().nullish(),
    StartedAt: text,
    FinishedAt: text,
    Error: text,
  }),
  Mounts: z.array(mountSchema).nullish(),
  NetworkSettings: z
    .object({
      Networks: z.record(z.string(), z.object({ IPAddress: text, GlobalIPv6Address: text }).nullable()).nullish(),
    })
    .nullish(),
  Config: z.object({
    Env: z.array(z.string()).nullish(),
    Cmd: z.array(z.string()).nullish(),
    User: text,
    Labels: bag,
  }),
  HostConfig: z
    .object({
      LogConfig: z.object({ Type: text, Path: text }).nullish(),
      PortBindings: z.record(z.string(), z.array(binding).nullable()).nullish(),
    })
    .nullish(),
});
export type Inspection = z.infer<typeof inspectSchema>;
export type InspectedMount = z.infer<typeof mountSchema>;

/** `images/{name}/json`. */
export const imageSchema = z.object({
  Id: z.string(),
  Config: z
    .object({
      Env: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
      User: text,
      Volumes: z.record(z.string(), z.unknown()).nullish(),
    })
    .nullish(),
  User: text,
});
export type InspectedImage = z.infer<typeof imageSchema>;

/** One entry of `images/json`. */
export const imageEntrySchema = z.object({
  Id: z.string(),
  Names: z.array(z.string()).nullish(),
  RepoTags: z.array(z.string()).nullish(),
  RepoDigests: z.array(z.string()).nullish(),
});
export type ImageEntry = z.infer<typeof imageEntrySchema>;

/** One line of the event stream. */
export const eventSchema = z.object({
  Type: text,
  Action: text,
  status: text,
  id: text,
  Actor: z.object({ ID: text, Attributes: bag }).nullish(),
  time: z.number().nullish(),
  timeNano: z.number().nullish(),
});
export type WireEvent = z.infer<typeof eventSchema>;

/** One line of the events file. */
export const fileEventSchema = z.object({
  ID: text,
  Image: text,
  Name: text,
  Status: z.string(),
  Time: z.string(),
  Type: z.string(),
  Attributes: bag,
  ContainerExitCode: z.number().nullish(),
});

/** A network of `networks/json`. */
export const networkSchema = z.object({ name: z.string(), labels: bag });
/** A volume of `volumes/json`. */
export const volumeSchema = z.object({ Name: z.string(), Labels: bag, Mountpoint: text });

export const createdSchema = z.object({ Id: z.string() });

/** `exec/{id}/json`. */
export const execSchema = z.object({ ExitCode: z.number().nullish(), Running: z.boolean().nullish() });

/** `containers/stats`. */
export const statsSchema = z.object({
  Stats: z
    .array(z.object({ ContainerID: z.string(), CPUNano: z.number().nullish(), MemUsage: z.number().nullish() }))
    .nullish(),
});

/** `info`. */
export const infoSchema = z.object({
  host: z.object({
    cgroupManager: text,
    cgroupVersion: text,
    cgroupControllers: z.array(z.string()).nullish(),
    networkBackend: text,
    ociRuntime: z.object({ name: text, path: text, version: text }).nullish(),
    security: z.object({ rootless: z.boolean().nullish() }).nullish(),
  }),
  store: z.object({ graphDriverName: text, graphRoot: text, volumePath: text.nullish() }).nullish(),
  version: z.object({ Version: text, APIVersion: text }).nullish(),
});
export type PodmanInfo = z.infer<typeof infoSchema>;

/** Reads an answer of podman. E_DRIVER_FAILED when it has not the form that every podman since 4.3 gives. */
export function readAnswer<T>(schema: z.ZodType<T>, json: unknown, what: string): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new BerthError('E_DRIVER_FAILED', `podman's answer cannot be understood (${what})`, {
    details: { problems: parsed.error.issues.slice(0, 3).map((issue) => `${issue.path.join('.')}: ${issue.message}`) },
  });
}
