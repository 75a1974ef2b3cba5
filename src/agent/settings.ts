/**
 * The agent's settings: `berth.toml` in the home, over which environment variables count, over which
 * flags count. docs/settings.md lists them all; a test compares the two.
 */
import { parse as parseToml, TomlError } from 'smol-toml';
import { z } from 'zod';
import { BerthError } from '../core/errors.js';
import { namePattern } from '../core/names.js';

const seconds = (least: number, most: number) => z.number().min(least).max(most);

const path = z.string().startsWith('/', 'an absolute path');

/** User ids have 32 bits, of which all ones mean none; machines take theirs from the 24 bits after the first. */
const lastFirstUid = 4_278_000_000;

/** `off`, or a loopback address with a port: the API is never served to a network by a slip of a setting. */
const loopbackAddress = z
  .string()
  .regex(
    /^(?:off|(?:127(?:\.\d{1,3}){3}|localhost|\[::1\]):\d{1,5})$/,
    '"off", or a loopback address as 127.0.0.1:7600',
  )
  .refine((text) => text === 'off' || Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, 'a port up to 65535');

const schema = z.strictObject({
  /** Folder of definition files that feeds the registry. */
  definitions: z.string().min(1).optional(),
  relist_s: seconds(0.2, 3_600).default(10),
  full_pass_s: seconds(1, 86_400).default(300),
  /** Figures are of steps of five minutes: each wants some looks. */
  usage_sample_s: seconds(0, 120)
    .refine((value) => value === 0 || value >= 1, '0 (never), or from 1 to 120')
    .default(30),
  concurrency: z.int().min(1).max(256).default(16),
  name_prefix: z
    .string()
    .max(16)
    .refine((text) => text === '' || namePattern.test(text.replace(/-$/, '')), 'lower-case letters, digits and dashes')
    .default(''),
  log_level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  log_format: z.enum(['auto', 'pretty', 'json']).default('auto'),
  api_listen: loopbackAddress.default('127.0.0.1:7600'),
  /** More names under which the API is reached, with commas between. */
  api_hosts: z
    .string()
    .regex(/^[A-Za-z0-9.,: [\]_-]*$/, 'names of hosts with commas between')
    .default(''),
  settle_s: seconds(0, 3_600).default(1),
  backoff_first_s: seconds(0.01, 3_600).default(1),
  backoff_longest_s: seconds(0.01, 86_400).default(300),
  backoff_forget_s: seconds(1, 86_400).default(600),
  failures_before_put_back: z.int().min(1).max(1_000).default(3),
  stuck_stopping_s: seconds(0.1, 3_600).default(15),
  heals_before_contest: z.int().min(1).max(1_000).default(5),
  contest_window_s: seconds(1, 86_400).default(600),
  podman_socket: z.string().optional(),
  podman_call_timeout_s: seconds(0.1, 3_600).default(30),
  podman_list_timeout_s: seconds(0.1, 600).default(5),
  podman_pull_timeout_s: seconds(1, 86_400).default(600),
  podman_build_timeout_s: seconds(1, 86_400).default(1_800),
  podman_replace_service_s: seconds(1, 3_600).default(20),
  vm_qemu: path.optional(),
  vm_kernel: path.optional(),
  vm_kernel_modules: path.optional(),
  vm_ops: path.optional(),
  vm_nanos_kernel: path.optional(),
  vm_nanos_boot: path.optional(),
  vm_accel: z.enum(['auto', 'kvm', 'tcg']).default('auto'),
  vm_initramfs_limit_mb: z.int().min(1).max(65_536).default(48),
  vm_build_timeout_s: seconds(1, 86_400).default(600),
  vm_start_timeout_s: seconds(1, 3_600).default(15),
  vm_call_timeout_s: seconds(0.1, 600).default(5),
  vm_probe_timeout_s: seconds(1, 3_600).default(30),
  vm_first_uid: z.int().min(65_536).max(lastFirstUid).default(1_900_000_000),
});

export type Settings = z.infer<typeof schema>;
export const settingNames = Object.keys(schema.shape) as readonly (keyof Settings)[];

/** The environment variable of a setting: `relist_s` is `BERTH_RELIST_S`. */
export function variableOf(setting: string): string {
  return `BERTH_${setting.toUpperCase()}`;
}

export interface SettingSources {
  /** The text of `berth.toml`; null when there is none. */
  readonly fileText: string | null;
  readonly filePath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Flags of the command line, by setting. */
  readonly flags: Readonly<Record<string, unknown>>;
}

/** Reads all sources. E_SETTINGS names the file or variable, and every problem in it. */
export function readSettings(sources: SettingSources): Settings {
  const merged: Record<string, unknown> = { ...parseFile(sources) };
  for (const name of settingNames) {
    const text = sources.env[variableOf(name)];
    if (text !== undefined && text !== '') merged[name] = fromText(name, text);
  }
  for (const [name, value] of Object.entries(sources.flags)) {
    if (value !== undefined) merged[name] = typeof value === 'string' ? fromText(name, value) : value;
  }
  const result = schema.safeParse(merged);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`);
  throw new BerthError('E_SETTINGS', `settings are wrong: ${problems.join('; ')}`, {
    suggestion: `correct ${sources.filePath}, the variables ${variableOf('…')} or the flags; see docs/settings.md`,
    details: { problems },
  });
}

function parseFile(sources: SettingSources): Record<string, unknown> {
  if (sources.fileText === null) return {};
  try {
    return parseToml(sources.fileText);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const place = `${sources.filePath}:${String(error.line)}:${String(error.column)}`;
    throw new BerthError('E_SETTINGS', `${place}: this is not TOML`, { cause: error });
  }
}

const textSettings: readonly string[] = [
  'definitions',
  'name_prefix',
  'log_level',
  'log_format',
  'api_listen',
  'api_hosts',
  'podman_socket',
  'vm_qemu',
  'vm_kernel',
  'vm_kernel_modules',
  'vm_ops',
  'vm_nanos_kernel',
  'vm_nanos_boot',
  'vm_accel',
];

function fromText(name: string, text: string): unknown {
  if (textSettings.includes(name)) return text;
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}
