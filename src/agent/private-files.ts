/** The registry holds secrets: whoever made its files, or copied them, they are their owner's alone. */
import { chmod, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../core/errors.js';
import type { Log } from '../core/ports/log.js';

const rightsOfOthers = 0o077;

/** Whether a file of the home holds what is secret: the registry, its companions and backups, the tokens. */
const holdsSecrets = (name: string): boolean => /^(?:registry\.db|tokens\.json)(?:[.-]|$)/.test(name);

/** Takes from everybody else what rights they have to such files. Never fails: what cannot be done is logged. */
export async function shutFiles(home: string, log: Log): Promise<void> {
  for (const name of await readdir(home).catch(() => [])) {
    if (!holdsSecrets(name)) continue;
    const path = join(home, name);
    try {
      // A link may lead anywhere: what it leads to is not ours to change.
      const { mode } = await lstat(path).then((found) => (found.isFile() ? found : { mode: 0 }));
      if ((mode & rightsOfOthers) === 0) continue;
      await chmod(path, mode & ~rightsOfOthers & 0o7777);
      log.warn({ path, mode: (mode & 0o777).toString(8) }, 'was open to others, and is private now');
    } catch (error) {
      // Somebody else's, or gone since: SQLite's own companions come and go.
      log.debug({ path, err: messageOf(error) }, 'cannot be made private');
    }
  }
}
