/** Failures as they are answered: problem documents (RFC 9457) with Berth's own code. */
import { BerthError, errorKinds, toBerthError, type ErrorCode } from '../../core/errors.js';
import type { Problem } from './contract.js';

export const problemType = 'application/problem+json';

/** Codes with a status of their own; of the rest, what a driver says is 503 and what remains 500. */
const statuses: Partial<Record<ErrorCode, number>> = {
  E_USAGE: 400,
  E_UNAUTHENTICATED: 401,
  E_FORBIDDEN: 403,
  E_NOT_FOUND: 404,
  E_METHOD: 405,
  E_CONFLICT: 409,
  E_WATCH_GONE: 410,
  E_TOO_LARGE: 413,
  E_DEFINITION: 422,
  E_NAME_COLLISION: 422,
  E_PORT_COLLISION: 422,
  E_TOO_MANY: 429,
  E_NOT_SUPPORTED: 501,
  E_REGISTRY_BUSY: 503,
  E_TOKENS: 503,
  E_RUNTIME_UNAVAILABLE: 503,
  E_WORKLOAD_MISSING: 409,
};

/** Seconds after which it may be better. */
const retryAfterS: Readonly<Record<number, string>> = { 429: '1', 503: '5' };

/** A failure whose status says more than its code does: 412, 414. */
export class StatusError extends Error {
  readonly status: number;
  readonly error: BerthError;

  constructor(status: number, error: BerthError) {
    super(error.message, { cause: error });
    this.status = status;
    this.error = error;
  }
}

/** What is answered: status, headers, document. */
export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly problem: Problem;
}

export function statusOf(code: ErrorCode): number {
  return statuses[code] ?? (code.startsWith('E_DRIVER_') ? 503 : 500);
}

/** The answer to anything that was thrown. `instance` names the request, in the log of the agent, too. */
export function problemOf(thrown: unknown, instance: string): ProblemAnswer {
  const error = thrown instanceof StatusError ? thrown.error : known(thrown);
  const status = thrown instanceof StatusError ? thrown.status : statusOf(error.code);
  const told = error.details['retryAfterS'];
  const allow = error.details['allow'];
  const retry = typeof told === 'number' ? String(told) : retryAfterS[status];
  return {
    status,
    headers: {
      ...(retry === undefined ? {} : { 'retry-after': retry }),
      ...(status === 405 && typeof allow === 'string' ? { allow } : {}),
      ...(status === 401 ? { 'www-authenticate': 'Bearer realm="berth"' } : {}),
    },
    problem: {
      type: `urn:berth:error:${error.code}`,
      title: errorKinds[error.code].title,
      status,
      detail: error.message,
      code: error.code,
      suggestion: error.suggestion,
      instance,
      details: error.details,
    },
  };
}

/** What fastify itself throws bears a status; what it means is said in our own words. */
function known(thrown: unknown): BerthError {
  if (thrown instanceof BerthError) return thrown;
  const status = statusIn(thrown);
  if (status === 413) {
    return new BerthError('E_TOO_LARGE', 'the body is larger than this operation takes', { cause: thrown });
  }
  if (status !== undefined && status >= 400 && status < 500) {
    const words = thrown instanceof Error ? thrown.message : 'the request cannot be read';
    return new BerthError('E_USAGE', words, { cause: thrown, suggestion: 'see docs/api.md for what it takes' });
  }
  return toBerthError(thrown);
}

function statusIn(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('statusCode' in thrown)) return undefined;
  return typeof thrown.statusCode === 'number' ? thrown.statusCode : undefined;
}
