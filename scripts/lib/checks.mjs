/** The checks that need no running program: format, lint, types, boundaries, dead code. Each counts as one test. */
import { join } from 'node:path';

/** @typedef {{ name: string, argv: string[], deadlineMs: number }} Check */

/** A program of a development dependency. @param {string} root @param {string} name */
export const tool = (root, name) => join(root, 'node_modules', '.bin', name);

/** @param {string} root The clone. @returns {Check[]} */
export function checks(root) {
  const cache = join(root, 'node_modules', '.cache');
  const minuteMs = 60_000;
  return [
    {
      name: 'format',
      argv: [
        tool(root, 'prettier'),
        '--check',
        '--log-level',
        'warn',
        '--cache',
        '--cache-location',
        join(cache, 'prettier', '.prettier-cache'),
        '.',
      ],
      deadlineMs: 2 * minuteMs,
    },
    {
      name: 'lint',
      argv: [tool(root, 'eslint'), '--max-warnings', '0', '--cache', '--cache-location', join(cache, 'eslint/'), '.'],
      deadlineMs: 4 * minuteMs,
    },
    { name: 'types', argv: [tool(root, 'tsc'), '--noEmit'], deadlineMs: 2 * minuteMs },
    {
      name: 'types of the dashboard',
      argv: [tool(root, 'tsc'), '-p', 'tsconfig.dashboard.json'],
      deadlineMs: 2 * minuteMs,
    },
    {
      name: 'boundaries',
      argv: [tool(root, 'depcruise'), '--config', '.dependency-cruiser.cjs', 'src', 'reconcilers'],
      deadlineMs: 2 * minuteMs,
    },
    { name: 'dead code', argv: [tool(root, 'knip'), '--no-progress'], deadlineMs: 2 * minuteMs },
  ];
}
