/** What an image says about running it. Pure. Source: github.com/opencontainers/image-spec, config.md. */
import { posix } from 'node:path';
import { z } from 'zod';
import { BerthError } from '../../../core/errors.js';
import type { GuestUser, ImageConfig } from '../contracts.js';
import { badImage } from './tar.js';

/** Missing and null mean the same. */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const list = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? []);
/** The spec wants lists; some old tools wrote one text. */
const argv = z.union([list, z.string().transform((word) => (word === '' ? [] : [word]))]);

const configSchema = z.object({
  architecture: text,
  os: text,
  config: z
    .object({ Env: list, Entrypoint: argv, Cmd: argv, WorkingDir: text, User: text, StopSignal: text })
    .nullish()
    .transform((value) => value ?? emptyConfig),
});

const emptyConfig = { Env: [], Entrypoint: [], Cmd: [], WorkingDir: '', User: '', StopSignal: '' };

/** The config of an image from its JSON. E_VM_IMAGE when it is none. */
export function readImageConfig(json: string): ImageConfig {
  const parsed = configSchema.safeParse(parseJson(json));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw badImage(`the image's config cannot be understood: ${problems.join('; ')}`);
  }
  const { architecture, os, config } = parsed.data;
  return {
    architecture,
    os,
    env: readEnv(config.Env),
    entrypoint: config.Entrypoint,
    command: config.Cmd,
    workdir: posix.resolve('/', config.WorkingDir),
    user: config.User,
    stopSignal: config.StopSignal === '' ? null : config.StopSignal,
  };
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

function readEnv(lines: readonly string[]): Record<string, string> {
  const pairs = lines.map((line): [string, string] => {
    const at = line.indexOf('=');
    return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
  });
  return Object.fromEntries(pairs.filter(([name]) => name !== ''));
}

/** Node's names of processors, and those of OCI images (Go's). */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', ia32: '386', arm: 'arm' };

/** E_VM_IMAGE unless the image's programs run on this processor (`process.arch`) under Linux. An empty word fits. */
export function checkArchitecture(config: ImageConfig, hostArchitecture: string, reference: string): void {
  const here = architectures[hostArchitecture] ?? hostArchitecture;
  const { architecture, os } = config;
  if ((architecture === '' || architecture === here) && (os === '' || os === 'linux')) return;
  throw new BerthError(
    'E_VM_IMAGE',
    `the image ${reference} is made for ${os || 'linux'}/${architecture || here}, this machine is linux/${here}`,
    { suggestion: `build or pull it for linux/${here}`, details: { architecture, os, here } },
  );
}

/**
 * The whole argument vector: ENTRYPOINT, then the definition's command, or the image's CMD where it has none; as
 * podman does it. E_VM_IMAGE when nothing is left.
 */
export function resolveArgv(config: ImageConfig, command: readonly string[] | null): readonly string[] {
  const whole = [...config.entrypoint, ...(command ?? config.command)];
  if (whole[0] !== undefined && whole[0] !== '') return whole;
  throw new BerthError('E_VM_IMAGE', 'the image names no program: it has neither ENTRYPOINT nor CMD', {
    suggestion: 'set command in the definition, or CMD in the image',
  });
}

/** `/etc/passwd` and `/etc/group` of an image; empty when it has none. */
export interface Accounts {
  readonly passwd: string;
  readonly group: string;
}

interface PasswdLine {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupLine {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

const largestId = 0x7fffffff;

function idOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= largestId ? id : undefined;
}

const fieldsOf = (text: string): string[][] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));

/** Source: man 5 passwd. Lines that are none are passed over. */
function readPasswd(text: string): readonly PasswdLine[] {
  return fieldsOf(text).flatMap(([name, , uid, gid, , home]) => {
    const [owner, group] = [idOf(uid), idOf(gid)];
    return name === undefined || owner === undefined || group === undefined
      ? []
      : [{ name, uid: owner, gid: group, home: home ?? '' }];
  });
}

/** Source: man 5 group. */
function readGroup(text: string): readonly GroupLine[] {
  return fieldsOf(text).flatMap(([name, , gid, members]) => {
    const id = idOf(gid);
    if (name === undefined || id === undefined) return [];
    return [{ name, gid: id, members: (members ?? '').split(',').filter((member) => member !== '') }];
  });
}

function unknownAccount(kind: 'user' | 'group', name: string): BerthError {
  const file = kind === 'user' ? '/etc/passwd' : '/etc/group';
  const text = /^\d+$/.test(name) ? `the ${kind} ${name} is out of range` : `the image has no ${kind} ${name}`;
  return new BerthError('E_VM_IMAGE', text, {
    suggestion: `use a number up to ${largestId}, or add the ${kind} to ${file} of the image`,
    details: { [kind]: name },
  });
}

function resolveGroup(groups: readonly GroupLine[], name: string): number {
  const gid = groups.find((line) => line.name === name)?.gid ?? idOf(name);
  if (gid === undefined) throw unknownAccount('group', name);
  return gid;
}

/**
 * The user that an image or a definition names: `name`, `number`, either with `:group`; empty: root. As podman does
 * it: a number needs no account and has group 0 then, and a group that is named leaves out the supplementary ones.
 * @throws BerthError `E_VM_IMAGE` for a name that the image does not know.
 */
export function resolveUser(accounts: Accounts, user: string): GuestUser {
  const [name = '', group = ''] = user.split(/:(.*)/s, 2);
  const wanted = name === '' ? '0' : name;
  const lines = readPasswd(accounts.passwd);
  const line = lines.find((one) => one.name === wanted) ?? lines.find((one) => one.uid === idOf(wanted));
  const uid = line?.uid ?? idOf(wanted);
  if (uid === undefined) throw unknownAccount('user', wanted);
  const groups = readGroup(accounts.group);
  const home = line && line.home !== '' ? { home: line.home } : uid === 0 ? { home: '/root' } : {};
  if (group !== '') return { uid, gid: resolveGroup(groups, group), groups: [], ...home };
  const gid = line?.gid ?? 0;
  const more = line ? groups.filter(({ members }) => members.includes(line.name)).map((one) => one.gid) : [];
  return { uid, gid, groups: [...new Set(more)].filter((one) => one !== gid), ...home };
}
