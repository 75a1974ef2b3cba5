/** A login link, from the agent of a home or from the one at an address. */
import { BerthError } from '../../core/errors.js';
import type { Clock } from '../../core/ports/clock.js';
import { apiPrefix } from '../http/contract.js';
import { addressOf, socketOf } from './connect.js';
import { isObject, notUnderstood } from './problems.js';
import { createTransport, type Address } from './transport.js';

export interface LoginLinkRequest {
  /** The agent at an address; null: that of the home. */
  readonly host: { readonly url: string; readonly tokenFile: string | null } | null;
  /** The home's folder. */
  readonly home: string;
  /** `cli:NAME`. */
  readonly actor: string;
  /** Name of the token to log in by; null: the agent chooses. */
  readonly token: string | null;
  readonly clock: Clock;
}

const deadlineMs = 15_000;

/** Asks for a link that logs in once. E_AGENT_UNREACHABLE, E_FORBIDDEN, E_NOT_FOUND, E_NOT_SUPPORTED. */
export async function requestLoginLink(
  request: LoginLinkRequest,
): Promise<{ readonly url: string; readonly expiresAt: string }> {
  const { host, home, actor, token, clock } = request;
  const address = host === null ? await homeAddress(home, actor) : await addressOf(host);
  const transport = await createTransport(address, clock);
  try {
    const answer = await transport.json({
      method: 'POST',
      path: `${apiPrefix}/login-links`,
      body: token === null ? {} : { token },
      deadlineMs,
    });
    if (!isObject(answer) || typeof answer['url'] !== 'string' || typeof answer['expiresAt'] !== 'string') {
      throw notUnderstood(`${transport.name} answered with what is no login link`);
    }
    return { url: answer['url'], expiresAt: answer['expiresAt'] };
  } finally {
    transport.close();
  }
}

async function homeAddress(home: string, actor: string): Promise<Address> {
  const path = await socketOf(home);
  if (path !== null) return { kind: 'socket', path, actor };
  throw new BerthError('E_AGENT_UNREACHABLE', `no agent serves ${home}, and only an agent can be logged in to`, {
    suggestion: 'start one with: berth agent',
  });
}
