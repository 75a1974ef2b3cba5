/**
 * What a fresh clone needs before anything runs: Debian packages, npm packages, the compiled program.
 * Each step looks first and does nothing when all is in place, so a second start costs milliseconds.
 */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { ensureDashboard } from './dashboard.mjs';
import { ensurePackages } from './packages.mjs';
import {
  keepOnly,
  listFiles,
  moveFiles,
  neededBuilds,
  placeToBuild,
  readBuilds,
  startsOf,
  writeBuilds,
} from './place-build.mjs';

import { berthMain, root, testKernelHome } from './paths.mjs';
import { lastLines, run } from './run.mjs';

export { listFiles };

const minuteMs = 60_000;
const oldestNode = [20, 19];

/**
 * All of it. Throws an Error whose message is for people.
 * @param {import('./packages.mjs').Purpose} [purpose] @param {(line: string) => void} [say]
 */
export async function setUp(purpose = 'start', say = (line) => console.log(line)) {
  checkNode(process.versions.node);
  await ensurePackages(say, purpose);
  await ensureModules(say);
  await ensureCompiled(say);
  await ensureDashboard(say, { listFiles, hash });
  if (purpose === 'test') await ensureTestKernel(say);
}

/** The kernel that tests boot, as `berth vm setup` unpacks it: tests themselves use no network. @param {(line: string) => void} say */
async function ensureTestKernel(say) {
  if (existsSync(join(testKernelHome, 'vm', 'kernel'))) return;
  say('fetching a guest kernel for tests (berth vm setup)');
  const argv = [process.execPath, berthMain, 'vm', 'setup', '--home', testKernelHome];
  const result = await run(argv, { cwd: root, deadlineMs: 10 * minuteMs });
  if (!result.ok) throw new Error(`no guest kernel: ${result.problem}\n${lastLines(result.output, 25)}`);
}

/** @param {string} version Such as 20.19.0. */
export function checkNode(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = oldestNode;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  throw new Error(`Berth needs Node ${oldestNode.join('.')} or newer; this is ${version}`);
}

/** npm packages, exactly as locked; again when the lock file or Node changed. @param {(line: string) => void} say */
async function ensureModules(say) {
  const modules = join(root, 'node_modules');
  const stamp = join(modules, '.berth-stamp');
  const wanted = hash([readFileSync(join(root, 'package-lock.json')), process.versions.modules]);
  if (readText(stamp) === wanted) return;
  if (!isFreshByHand(modules)) {
    say('installing npm packages from the lock file (npm ci; the first time takes a minute or two)');
    const npm = process.env['npm_execpath'];
    const argv = [...(npm?.endsWith('.js') ? [process.execPath, npm] : ['npm']), 'ci', '--include=dev'];
    const result = await run([...argv, '--no-audit', '--no-fund'], { cwd: root, deadlineMs: 15 * minuteMs });
    if (!result.ok) throw new Error(`npm ci failed: ${result.problem}\n${lastLines(result.output, 25)}`);
  }
  writeFileSync(stamp, wanted);
}

/** True when somebody ran `npm ci` after the lock file last changed. @param {string} modules */
function isFreshByHand(modules) {
  const installed = join(modules, '.package-lock.json');
  if (existsSync(join(modules, '.berth-stamp')) || !existsSync(installed)) return false;
  const compiled = existsSync(join(modules, 'better-sqlite3', 'build', 'Release', 'better_sqlite3.node'));
  return compiled && statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

/** The compiled program; again when a source changed. @param {(line: string) => void} say */
export async function ensureCompiled(say) {
  const dist = join(root, 'dist');
  const stamp = join(dist, '.berth-stamp');
  const pages = join(root, 'src', 'dashboard', 'app');
  const sources = ['src', 'reconcilers', 'migrations']
    .flatMap((name) => listFiles(join(root, name)))
    .filter((path) => !path.startsWith(pages));
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((name) => join(root, name));
  const state = hash(
    [...sources, ...settings].map((path) => `${path} ${statSync(path).size} ${statSync(path).mtimeMs}`),
  );
  if (readText(stamp) === state && existsSync(berthMain)) return;
  say('compiling');
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const argv = [process.execPath, tsc, '-p', 'tsconfig.build.json'];
  const result = await run(argv, { cwd: root, deadlineMs: 5 * minuteMs });
  if (!result.ok) throw new Error(`the program does not compile: ${result.problem}\n${lastLines(result.output, 25)}`);
  removeStale(dist, new Set(sources));
  await bundle();
  linkProgram();
  writeFileSync(stamp, state);
}

/** Removes what sources that are gone have left behind: it would still be found. @param {string} dist @param {ReadonlySet<string>} sources */
function removeStale(dist, sources) {
  for (const path of ['src', 'reconcilers'].flatMap((name) => listFiles(join(dist, name)))) {
    const source = join(root, relative(dist, path)).replace(/\.js(?:\.map)?$/, '.ts');
    if (!sources.has(source)) rmSync(path);
  }
}

/** Packages with native code or workers of their own stay outside of the bundle. */
const unbundled = ['better-sqlite3', 'pino', 'pino-pretty'];

/**
 * One file a command instead of some 400 small modules, whose loading would take most of the time of a
 * short command. Chunks bear a hash in their names; those of earlier builds stay while something runs
 * that may load them yet.
 */
async function bundle() {
  const folder = dirname(berthMain);
  const next = placeToBuild(folder);
  const rolldown = join(root, 'node_modules', '.bin', 'rolldown');
  const argv = [rolldown, join(root, 'dist', 'src', 'main.js'), '--platform', 'node', '--format', 'esm', '-d', next];
  const result = await run([...argv, '--sourcemap', ...unbundled.flatMap((name) => ['--external', name])], {
    cwd: root,
    deadlineMs: 5 * minuteMs,
  });
  if (!result.ok) {
    rmSync(next, { recursive: true, force: true });
    throw new Error(`the program cannot be bundled: ${result.problem}\n${lastLines(result.output, 25)}`);
  }
  chmodSync(join(next, basename(berthMain)), 0o755);
  const builds = join(root, 'dist', '.bundle-builds.json');
  const files = moveFiles(next, folder, [basename(berthMain)]);
  const running = startsOf([berthMain, programLink]);
  const needed = neededBuilds([{ atMs: Date.now(), files }, ...readBuilds(builds)], running);
  writeBuilds(builds, needed);
  keepOnly(
    folder,
    needed.flatMap((build) => build.files),
  );
}

const programLink = join(root, 'node_modules', '.bin', 'berth');

/** Makes `npx berth` find the program at once, in the clone. */
function linkProgram() {
  rmSync(programLink, { force: true });
  symlinkSync(relative(dirname(programLink), berthMain), programLink);
}

/** @param {readonly (string | Buffer)[]} parts */
export function hash(parts) {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part).update('\0');
  return sum.digest('hex');
}

/** @param {string} path @returns {string | undefined} undefined when there is no such file. */
function readText(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
