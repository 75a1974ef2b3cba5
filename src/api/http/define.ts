/** One route, with the types of its parts taken from its schemas. */
import type { z } from 'zod';
import type { ApiRequest, Route } from './contract.js';

type Output<S> = S extends z.ZodType ? z.output<S> : undefined;

interface Parts<P, Q, B> {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly handle: (request: ApiRequest<Output<P>, Output<Q>, Output<B>>) => Promise<unknown>;
}

/** A row of the route table. */
export function defineRoute<
  P extends z.ZodType | undefined = undefined,
  Q extends z.ZodType | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(route: Omit<Route, 'params' | 'query' | 'body' | 'handle'> & Parts<P, Q, B>): Route {
  return route as unknown as Route;
}
