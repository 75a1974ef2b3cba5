/**
 * Puts what was built where it is run from. Programs of an earlier build may run there, and start there meanwhile: each
 * file appears whole, what refers to others comes last, and what nobody can need any more goes.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

/**
 * @typedef {object} Build What one build made.
 * @property {number} atMs When it was put in place, Unix milliseconds.
 * @property {readonly string[]} files Relative to its folder.
 */

/** Every file below a folder, sorted; none when there is no such folder. @param {string} folder @returns {string[]} */
export function listFiles(folder) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/**
 * A folder to build into, beside the one that it is for: each build has its own, for another may be under way. What
 * builds left that were killed goes.
 * @param {string} folder @returns {string}
 */
export function placeToBuild(folder) {
  const prefix = `${basename(folder)}.next-`;
  const parent = dirname(folder);
  for (const name of existsSync(parent) ? readdirSync(parent) : []) {
    if (!name.startsWith(prefix) || existsSync(`/proc/${name.slice(prefix.length)}`)) continue;
    rmSync(join(parent, name), { recursive: true, force: true });
  }
  return join(parent, `${prefix}${process.pid}`);
}

/**
 * Moves all files of `from` into `to`, those of `last` after the others, and removes `from`. Answers their names.
 * @param {string} from @param {string} to On the same file system. @param {readonly string[]} last
 * @returns {readonly string[]}
 */
export function moveFiles(from, to, last) {
  const names = listFiles(from).map((path) => relative(from, path));
  const rank = (/** @type {string} */ name) => last.indexOf(name);
  for (const name of names.sort((a, b) => rank(a) - rank(b))) {
    mkdirSync(dirname(join(to, name)), { recursive: true });
    renameSync(join(from, name), join(to, name));
  }
  rmSync(from, { recursive: true, force: true });
  return names;
}

/** Removes every file that is not among these. @param {string} folder @param {Iterable<string>} names Relative to it. */
export function keepOnly(folder, names) {
  const kept = new Set(names);
  for (const path of listFiles(folder)) if (!kept.has(relative(folder, path))) rmSync(path, { force: true });
}

/** The clock may have been set, and a start takes a moment. */
const slackMs = 10 * 60_000;

/**
 * Of builds, newest first, those that are needed yet: the newest, and what a program may have begun with that runs.
 * @param {readonly Build[]} builds @param {readonly number[]} startsMs When programs that run were started.
 * @returns {readonly Build[]}
 */
export function neededBuilds(builds, startsMs) {
  const oldestMs = Math.min(Number.POSITIVE_INFINITY, ...startsMs) - slackMs;
  const before = builds.findIndex(({ atMs }) => atMs <= oldestMs);
  return before < 0 ? builds : builds.slice(0, before + 1);
}

/** The builds that a file tells of, newest first; none when it tells nothing. @param {string} path @returns {readonly Build[]} */
export function readBuilds(path) {
  try {
    /** @type {unknown} */
    const builds = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(builds) ? /** @type {readonly Build[]} */ (builds) : [];
  } catch {
    return [];
  }
}

/** @param {string} path @param {readonly Build[]} builds */
export function writeBuilds(path, builds) {
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(builds));
  renameSync(`${path}.${process.pid}`, path);
}

/** Of the kernel, whatever the processor: `getconf CLK_TCK`. */
const ticksPerS = 100;

/**
 * When the programs were started that have one of these words on their command line, Unix milliseconds.
 * @param {readonly string[]} words @returns {readonly number[]}
 */
export function startsOf(words) {
  const bootS = Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        if (!argv.some((word) => words.includes(word))) return [];
        // The name of the program, in brackets, may hold spaces.
        const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\) (?!.*\) )/);
        return [(bootS + Number(rest.split(' ')[19]) / ticksPerS) * 1_000];
      } catch {
        // It has ended.
        return [];
      }
    });
}
