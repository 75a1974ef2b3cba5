/** Which methods an address answers: what else is asked of one that is there is 405, not 404. */
import { BerthError } from '../../core/errors.js';
import { StatusError } from './problem.js';

/** The addresses of the application with their methods; `:name` stands for one part, `*` at the end for the rest. */
export class MethodTable {
  readonly #rows: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];

  /** Notes one address as it was added. */
  add(url: string, methods: readonly string[]): void {
    const parts = url.split(/(:\w+|\*$)/).map((part) => {
      if (part === '*') return '.*';
      return part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
    });
    this.#rows.push({ pattern: new RegExp(`^${parts.join('')}$`), methods });
  }

  /** What a path answers, sorted, OPTIONS included; empty: there is no such path. */
  of(path: string): readonly string[] {
    const methods = this.#rows.flatMap((row) => (row.pattern.test(path) ? row.methods : []));
    return methods.length === 0 ? [] : [...new Set([...methods, 'OPTIONS'])].sort();
  }
}

/** A path that is there was asked for what it does not do: 405, with what it does. */
export function methodError(method: string, path: string, methods: readonly string[]): StatusError {
  const allow = methods.join(', ');
  const error = new BerthError('E_METHOD', `${method} cannot be asked of ${path}`, {
    suggestion: `use one of these: ${allow}`,
    details: { allow },
  });
  return new StatusError(405, error);
}
