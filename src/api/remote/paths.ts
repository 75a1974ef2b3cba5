/** Paths of the API. */
import type { Target } from '../client.js';

/** `/services/shop`, `/components/shop/web`. */
export function pathOf({ service, component }: Target): string {
  const name = encodeURIComponent(service);
  return component === null ? `/services/${name}` : `/components/${name}/${encodeURIComponent(component)}`;
}

/** `?tail=5`; empty when nothing is asked. */
export function queryOf(parts: Readonly<Record<string, string | number | null>>): string {
  const pairs = Object.entries(parts).flatMap(([name, value]) =>
    value === null ? [] : [`${name}=${encodeURIComponent(String(value))}`],
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** Unix milliseconds as the API takes them. */
export function timeOf(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}
