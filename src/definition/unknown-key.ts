/** What to say of a key that nobody knows: the nearest known one, or the place where it belongs. */
import type { Fault } from './fault.js';
import { nearest } from '../core/nearest.js';
import type { FieldPath } from './positions.js';
import { knownKeys } from './schema.js';
import { formatPath, quote, tomlKey } from './show.js';

type Level = keyof typeof knownKeys;

/** What other tools call the same thing. */
const aliases: Readonly<Record<Level, Readonly<Record<string, string>>>> = {
  service: { service: 'name', component: 'components', services: 'components', enabled: 'active' },
  component: {
    memory: 'memory_mb',
    mem: 'memory_mb',
    mem_limit: 'memory_mb',
    cpu: 'vcpus',
    cpus: 'vcpus',
    environment: 'env',
    cmd: 'command',
    args: 'command',
    entrypoint: 'command',
    publish: 'ports',
    mounts: 'volumes',
    secrets: 'secret_file',
    healthcheck: 'health',
    restart_policy: 'restart',
    pull_policy: 'pull',
    stop_grace_period: 'stop_timeout_s',
  },
  build: { dockerfile: 'file', containerfile: 'file', path: 'context' },
  health: { path: 'http', url: 'http', interval: 'interval_s', timeout: 'timeout_s', retries: 'restart_after' },
};

const belongs: Readonly<Record<Level, string>> = {
  service: 'belongs to the service: write it above the first [[components]]',
  component: 'belongs to a component: write it right below its [[components]] heading',
  build: 'belongs to build, for example build = { context = "." }',
  health: 'belongs to health: write it below [components.health]',
};

/** The level that a path of the document stands for. */
function levelOf(path: FieldPath): Level {
  if (path.length === 0) return 'service';
  if (path.length === 2) return 'component';
  return path[2] === 'build' ? 'build' : 'health';
}

function nearestKey(key: string, level: Level): string | undefined {
  const words: Readonly<Record<string, string>> = aliases[level];
  const near = nearest(key, [...knownKeys[level], ...Object.keys(words)]);
  return near === undefined || knownKeys[level].includes(near) ? near : words[near];
}

function suggestKey(key: string, level: Level): string {
  const alias = Object.hasOwn(aliases[level], key) ? aliases[level][key] : undefined;
  if (alias !== undefined) return `did you mean ${alias}?`;
  const elsewhere = (Object.keys(knownKeys) as Level[]).find(
    (other) => other !== level && knownKeys[other].includes(key),
  );
  const near = nearestKey(key, level);
  const hints = [
    ...(near === undefined ? [] : [`did you mean ${near}?`]),
    ...(elsewhere === undefined ? [] : [`${key} ${belongs[elsewhere]}`]),
  ];
  if (hints.length > 0) return hints.join(' ');
  return `the keys here are ${knownKeys[level].join(', ')}`;
}

/** The fault of an unknown key in the table at `path`. */
export function unknownKeyFault(path: FieldPath, key: string): Fault {
  const where = path.length === 0 ? 'the service' : formatPath(path);
  const shown = key.length > 60 ? quote(key) : tomlKey(key);
  return { message: `${where} has no key ${shown}`, suggestion: suggestKey(key, levelOf(path)) };
}
