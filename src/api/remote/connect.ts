/** Which agent a command talks to: that of a home on this machine, if it answers at once, or the one that was named. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError, messageOf } from '../../core/errors.js';
import type { Clock } from '../../core/ports/clock.js';
import type { DefinitionReader } from '../../core/ports/definition.js';
import type { BerthClient } from '../client.js';
import { apiPrefix } from '../http/contract.js';
import { createHomeClient } from './home-client.js';
import { isObject } from './problems.js';
import { createRemoteClient } from './remote-client.js';
import { createTransport, type Address } from './transport.js';

export interface HomeAgentOptions {
  /** The home's folder. */
  readonly home: string;
  /** Of this program: an agent of another version is not asked. */
  readonly version: string;
  /** `cli:NAME`. */
  readonly actor: string;
  /** Opens the registry file, for what the agent does not do. */
  readonly openLocal: () => Promise<BerthClient>;
  readonly reader: () => Promise<DefinitionReader>;
  readonly clock: Clock;
}

/** An agent that is busy for longer than this is not waited for: the file says the same. Milliseconds. */
const answerWithinMs = 300;
/** On one machine whatever takes longer hangs. */
const homeDeadlineMs = 15_000;
/** Over a network, and a slow line. */
const hostDeadlineMs = 60_000;

/** A client of the agent that serves a home; null when there is none that answers at once. Never throws. */
export async function connectToHome(options: HomeAgentOptions): Promise<BerthClient | null> {
  const { home, version, actor, openLocal, reader, clock } = options;
  const path = await socketOf(home);
  if (path === null) return null;
  const transport = await createTransport({ kind: 'socket', path, actor }, clock);
  try {
    const answer = await transport.json({
      method: 'GET',
      path: `${apiPrefix}/agent`,
      deadlineMs: answerWithinMs,
    });
    if (!isObject(answer) || answer['version'] !== version) throw new Error('another version');
  } catch {
    transport.close();
    return null;
  }
  const remote = createRemoteClient({ transport, reader, clock, reconnect: false, callDeadlineMs: homeDeadlineMs });
  return createHomeClient({ remote, openLocal, clock });
}

/** Where the agent of a home listens: in the home, or where a note in it says. null: nowhere. */
export async function socketOf(home: string): Promise<string | null> {
  const path = join(home, 'berth.sock');
  const usual = await stat(path).catch(() => null);
  if (usual !== null) return usual.isSocket() ? path : null;
  const elsewhere = (await readFile(join(home, 'berth.sock.path'), 'utf8').catch(() => '')).trim();
  if (elsewhere === '') return null;
  const [socket, folder] = await Promise.all([stat(elsewhere).catch(() => null), stat(home).catch(() => null)]);
  // A folder for all may have got another owner's socket in its place, after the note was left behind.
  return socket?.isSocket() === true && (socket.uid === folder?.uid || socket.uid === 0) ? elsewhere : null;
}

export interface HostAgentOptions {
  /** `http://127.0.0.1:7600`. */
  readonly url: string;
  /** Absolute path of a file that holds a token and nothing else; null: none. */
  readonly tokenFile: string | null;
  readonly reader: () => Promise<DefinitionReader>;
  readonly clock: Clock;
}

/** What a user named, as an address with its token. E_USAGE. */
export async function addressOf({ url, tokenFile }: Pick<HostAgentOptions, 'url' | 'tokenFile'>): Promise<Address> {
  return { kind: 'url', url: parseAddress(url), token: await readToken(tokenFile) };
}

/** A client of the agent at an address. Nothing is asked yet. E_USAGE for an address or a token file that is none. */
export async function connectToHost({ url, tokenFile, reader, clock }: HostAgentOptions): Promise<BerthClient> {
  const address = await addressOf({ url, tokenFile });
  const transport = await createTransport(address, clock);
  return createRemoteClient({ transport, reader, clock, reconnect: true, callDeadlineMs: hostDeadlineMs });
}

function parseAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const suggestion = 'name it as in: --host http://127.0.0.1:7600';
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    throw new BerthError('E_USAGE', `"${text}" is no address of an agent`, { suggestion });
  }
  if (url.username !== '' || url.password !== '') {
    throw new BerthError('E_USAGE', 'an address holds neither user nor password', {
      suggestion: 'put the token into a file, and name it with: --token-file FILE',
    });
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new BerthError('E_USAGE', `the address "${text}" has more than a host and a port`, { suggestion });
  }
  return url;
}

/** Of a token, in characters; whatever is longer is another file. */
const longestToken = 4_096;

async function readToken(path: string | null): Promise<string | null> {
  if (path === null) return null;
  let token: string;
  try {
    token = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw new BerthError('E_USAGE', `the token file cannot be read: ${messageOf(error)}`, { cause: error });
  }
  if (/^[\x21-\x7e]+$/.test(token) && token.length <= longestToken) return token;
  throw new BerthError('E_USAGE', `${path} does not hold a token`, {
    suggestion: 'write the token alone into it, as berth token prints it',
  });
}
