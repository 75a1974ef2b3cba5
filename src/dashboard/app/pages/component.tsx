import type { Key } from '../api.js';
export function ComponentPage({ target }: { readonly target: Key }) {
  return <h1>{target.component}</h1>;
}
