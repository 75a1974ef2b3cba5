/**
 * The configuration file of ops: keys and types as Go's JSON decoder takes them with DisallowUnknownFields. Source:
 * github.com/nanovms/ops types/config.go. Keys match whatever their case, as they do in Go.
 */
import { readFileSync } from 'node:fs';

type Type = 'string' | 'bool' | 'int' | '[]string' | 'map[string]string' | 'any';
type Schema = ReadonlyMap<string, Type | Schema>;

/** What the stand-in uses of it. */
export interface Config {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  readonly dirs: readonly string[];
  readonly mapDirs: Readonly<Record<string, string>>;
  readonly nameServers: readonly string[];
  readonly kernel: string;
  readonly boot: string;
  readonly manifest: Readonly<Record<string, unknown>>;
  readonly network: { readonly address: string; readonly gateway: string; readonly netmask: string };
}

/** The file itself cannot be read: ops says so in red; what is wrong inside goes another way. */
export class Unreadable extends Error {}

const keys = (type: Type, names: string): (readonly [string, Type])[] => names.split(' ').map((name) => [name, type]);

const runConfig: Schema = new Map([
  ...keys('string', 'AtExit BridgeIPAddress BridgeName GPUType Gateway ImageName InstanceGroup InstanceName IPAddress'),
  ...keys('string', 'IPv6Address Kernel Memory Mgmt NetMask TapName'),
  ...keys('bool', 'Accel Bridged CanIPForward Debug Vga AttachVolumeOnInstanceCreate Background BackgroundDetach QMP'),
  ...keys('bool', 'ShowDebug ShowErrors ShowWarnings JSON Verbose'),
  ...keys('int', 'CPUs GPUs GdbPort VolumeSizeInGb ThreadsPerCore'),
  ...keys('[]string', 'Mounts Ports UDPPorts'),
]);

const schema: Schema = new Map<string, Type | Schema>([
  ...keys('string', 'BaseVolumeSz Boot UefiBoot BuildDir home Kernel KlibDir NanosVersion Program ProgramPath'),
  ...keys('string', 'LocalFilesParentDirectory TargetRoot Version Language Description VolumesDir PackageBaseURL'),
  ...keys('string', 'PackageManifestURL'),
  ...keys('bool', 'DisableArgsCopy Uefi Force NightlyBuild RebootOnExit TFSv4'),
  ...keys('[]string', 'Args Debugflags Dirs Files Klibs NameServers NoTrace'),
  ...keys('map[string]string', 'Env MapDirs Mounts TargetConfig'),
  ...keys('any', 'ManifestPassthrough CloudConfig'),
  ['RunConfig', runConfig],
]);

function refusal(message: string): Error {
  const more = 'See more details at https://nanovms.gitbook.io/ops/configuration';
  return new Error(`failed converting configuration file: ${message}\n${more}`);
}

/** Throws `Unreadable`, or an Error for what is wrong inside. */
export function readConfig(path: string | undefined): Config {
  const read = path === undefined ? new Map<string, unknown>() : check(parse(path), schema, 'Config');
  const run = (read.get('RunConfig') ?? new Map()) as ReadonlyMap<string, string>;
  const textOf = (key: string): string => (read.get(key) as string | undefined) ?? '';
  const listOf = (key: string): readonly string[] => (read.get(key) as readonly string[] | undefined) ?? [];
  const mapOf = (key: string) => (read.get(key) as Readonly<Record<string, string>> | undefined) ?? {};
  const nameServers = listOf('NameServers');
  return {
    args: listOf('Args'),
    env: mapOf('Env'),
    files: listOf('Files'),
    dirs: listOf('Dirs'),
    mapDirs: mapOf('MapDirs'),
    nameServers: nameServers.length > 0 ? nameServers : ['8.8.8.8'],
    kernel: textOf('Kernel'),
    boot: textOf('Boot'),
    manifest: mapOf('ManifestPassthrough'),
    network: {
      address: run.get('IPAddress') ?? '',
      gateway: run.get('Gateway') ?? '',
      netmask: run.get('NetMask') ?? '',
    },
  };
}

function parse(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Unreadable(`error reading config: ${String(error)}`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw refusal(String(error));
  }
}

function check(value: unknown, wanted: Schema, where: string): ReadonlyMap<string, unknown> {
  if (kindOf(value) !== 'object') throw refusal(`json: cannot unmarshal ${kindOf(value)} into Go value of ${where}`);
  const names = new Map([...wanted.keys()].map((key) => [key.toLowerCase(), key]));
  const result = new Map<string, unknown>();
  for (const [key, one] of Object.entries(value as object)) {
    const name = names.get(key.toLowerCase());
    const type = name === undefined ? undefined : wanted.get(name);
    if (name === undefined || type === undefined) throw refusal(`json: unknown field "${key}"`);
    if (typeof type !== 'string') result.set(name, check(one, type, name));
    else if (fits(one, type)) result.set(name, one);
    else throw refusal(`json: cannot unmarshal ${kindOf(one)} into Go struct field ${where}.${name} of type ${type}`);
  }
  return result;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return value === null ? 'null' : typeof value;
}

const areStrings = (values: readonly unknown[]): boolean => values.every((value) => typeof value === 'string');

function fits(value: unknown, type: Type): boolean {
  const kind = kindOf(value);
  switch (type) {
    case 'string':
      return kind === 'string';
    case 'bool':
      return kind === 'boolean';
    case 'int':
      return Number.isInteger(value);
    case '[]string':
      return Array.isArray(value) && areStrings(value);
    case 'map[string]string':
      return kind === 'object' && areStrings(Object.values(value as object));
    case 'any':
      return kind === 'object';
  }
}
