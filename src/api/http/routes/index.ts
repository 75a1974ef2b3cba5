/** The route table: everything that the API serves. */
import type { Route } from '../contract.js';
import type { ApiOptions } from '../parts.js';
import { statusRoutes } from './status.js';

export function createRoutes(_options: ApiOptions): readonly Route[] {
  return statusRoutes();
}
