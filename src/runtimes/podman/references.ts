/** Image references as podman resolves them among the images that are here. Pure. */
import { digestOf } from './normalize.js';
import type { ImageEntry } from './wire.js';

/**
 * All spellings under which podman finds a name, strongest first: `localhost/a:1` is also `a:1`, a name of
 * docker.io is also found without its host and `library/`, and `latest` may be left out.
 */
export function aliasesOf(fullName: string): readonly string[] {
  const names = [fullName];
  const [host, ...rest] = fullName.split('/');
  if (host === 'localhost' && rest.length > 0) names.push(rest.join('/'));
  if (host === 'docker.io' && rest.length > 0) {
    names.push(rest.join('/'));
    if (rest[0] === 'library' && rest.length > 1)
      names.push(`docker.io/${rest.slice(1).join('/')}`, rest.slice(1).join('/'));
  }
  const short = names.filter((name) => name.endsWith(':latest')).map((name) => name.slice(0, -':latest'.length));
  return [...names, ...short];
}

/** What each spelling of each local image names now, as `sha256:…`. An image of localhost wins a short name. */
export function imageMapOf(entries: readonly ImageEntry[]): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  const weak = new Map<string, string>();
  for (const entry of entries) {
    const digest = digestOf(entry.Id);
    map.set(digest, digest);
    map.set(entry.Id, digest);
    for (const name of [...(entry.Names ?? entry.RepoTags ?? []), ...(entry.RepoDigests ?? [])]) {
      map.set(name, digest);
      const target = name.startsWith('localhost/') ? map : weak;
      for (const alias of aliasesOf(name)) target.set(alias, digest);
    }
  }
  for (const [name, digest] of weak) if (!map.has(name)) map.set(name, digest);
  return map;
}
