/** The route table: everything that the API serves, but for watches and pages. */
import type { Route } from '../contract.js';
import type { RouteDeps } from '../parts.js';
import { aboutRoutes } from './about.js';
import { componentRoutes } from './components.js';
import { definitionRoutes } from './definitions.js';
import { serviceRoutes } from './services.js';
import { statusRoutes } from './status.js';
import { workRoutes } from './work.js';

export function createRoutes(deps: RouteDeps): readonly Route[] {
  const routes = [
    ...statusRoutes(deps),
    ...serviceRoutes(deps),
    ...componentRoutes(deps),
    ...definitionRoutes(deps),
    ...workRoutes(deps),
  ];
  return [...aboutRoutes(deps, routes), ...routes];
}
