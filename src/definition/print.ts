/** A service as TOML, in the order of the schema, without what is default anyway. */
import { componentDefaults, serviceDefaults, type ComponentSpec, type ServiceSpec } from '../core/spec.js';
import { tomlKey, tomlString } from './show.js';
import { builtImageName } from './to-spec.js';

function printValue(value: unknown): string {
  if (typeof value === 'string') return tomlString(value);
  if (Array.isArray(value)) return printList(value.map(printValue));
  if (value !== null && typeof value === 'object') return printInlineTable(value);
  return String(value);
}

const longLine = 100;

function printList(items: readonly string[]): string {
  const line = `[${items.join(', ')}]`;
  if (line.length <= longLine) return line;
  return `[\n${items.map((item) => `  ${item},\n`).join('')}]`;
}

function printInlineTable(table: object): string {
  const members = Object.entries(table)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${tomlKey(key)} = ${printValue(value)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

const isDefault = (value: unknown, standard: unknown): boolean => JSON.stringify(value) === JSON.stringify(standard);

function printComponent(service: string, spec: ComponentSpec): string {
  const lines = ['[[components]]', `name = ${tomlString(spec.name)}`];
  const put = (key: string, value: unknown, standard: unknown): void => {
    if (!isDefault(value, standard)) lines.push(`${key} = ${printValue(value)}`);
  };
  const absent = componentDefaults;
  put('runtime', spec.runtime, absent.runtime);
  put('image', spec.image, spec.build === null ? undefined : builtImageName(service, spec.name));
  put('build', spec.build, absent.build);
  put('pull', spec.pull, absent.pull);
  put('update', spec.update, absent.update);
  put('memory_mb', spec.memoryMb, absent.memoryMb);
  put('vcpus', spec.vcpus, absent.vcpus);
  put('command', spec.command, absent.command);
  const env = printInlineTable(spec.env);
  const isLongEnv = env.length > longLine;
  if (!isLongEnv) put('env', spec.env, absent.env);
  put('env_file', spec.envFile, absent.envFile);
  put('secret_file', spec.secretFile, absent.secretFile);
  put('ports', spec.ports, absent.ports);
  put('volumes', spec.volumes, absent.volumes);
  put('files', spec.files, absent.files);
  put('user', spec.user, absent.user);
  put('restart', spec.restart, absent.restart);
  put('ready_timeout_s', spec.readyTimeoutS, absent.readyTimeoutS);
  put('log_limit_mb', spec.logLimitMb, absent.logLimitMb);
  put('stop_timeout_s', spec.stopTimeoutS, absent.stopTimeoutS);
  put('reconcile', spec.reconcile, absent.reconcile);
  put('depends_on', spec.dependsOn, absent.dependsOn);
  // Tables with a heading come last, for what follows a heading belongs to it.
  if (isLongEnv) lines.push('[components.env]', ...printMembers(spec.env));
  if (spec.health !== null) lines.push('[components.health]', ...printMembers(spec.health));
  return lines.join('\n');
}

function printMembers(table: object): readonly string[] {
  return Object.entries(table)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${tomlKey(key)} = ${printValue(value)}`);
}

/** TOML that parses back to the same spec. */
export function printDefinition(spec: ServiceSpec): string {
  const head = [`name = ${tomlString(spec.name)}`];
  if (spec.node !== serviceDefaults.node) head.push(`node = ${tomlString(spec.node)}`);
  if (spec.active !== serviceDefaults.active) head.push(`active = ${spec.active}`);
  const parts = [head.join('\n'), ...spec.components.map((component) => printComponent(spec.name, component))];
  return `${parts.join('\n\n')}\n`;
}
