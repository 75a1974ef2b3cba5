/** What a request is based on: a conflict is an answer of its own when its author said what they saw. */
import { isBerthError } from '../../core/errors.js';
import { StatusError } from './problem.js';

/** Carries a change out. E_CONFLICT is 412 when it is based on something that was seen, and 409 otherwise. */
export async function basedOn<T>(seen: object | null | undefined, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    const isBased = seen !== null && seen !== undefined;
    if (isBased && isBerthError(error, 'E_CONFLICT')) throw new StatusError(412, error);
    throw error;
  }
}
