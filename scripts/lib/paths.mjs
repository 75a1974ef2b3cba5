/** Where things are in the clone. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The next folder above that holds a lock file: this file may run compiled, too. @param {string} folder @returns {string} */
function cloneAbove(folder) {
  return existsSync(join(folder, 'package-lock.json')) ? folder : cloneAbove(dirname(folder));
}

/** The clone's folder, without a slash at its end. */
export const root = cloneAbove(import.meta.dirname);

/** The compiled and bundled program. */
export const berthMain = join(root, 'dist', 'bundle', 'main.js');

/** Where tests find the guest kernel that the set-up fetched, as a home has it. */
export const testKernelHome = join(root, 'node_modules', '.cache', 'berth-test');

/** The home of `npm start`: BERTH_HOME, or `.berth` in the clone. */
export const home = () => process.env['BERTH_HOME'] ?? join(root, '.berth');
