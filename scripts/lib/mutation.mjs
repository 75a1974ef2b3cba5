/** Compiles the program, and again with one safeguard taken out of one file; runs the simulation over each. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { root } from './paths.mjs';
import { lastLines, run } from './run.mjs';

/**
 * @typedef {import('./mutants.mjs').Mutant} Mutant
 * @typedef {object} Ride
 * @property {string | null} failure The first thing that did not hold, and where; null: all held.
 * @property {number} seconds How long it took.
 */

const minuteMs = 60_000;
/** Far beyond what a survivor takes. A run that never ends is found much earlier. */
const rideLimitMs = 40 * minuteMs;
const script = fileURLToPath(new URL('../mutate.mjs', import.meta.url));

/** The source without the safeguard; throws unless its text is there exactly once. @param {Mutant} mutant @param {string} source */
export function mutated({ name, file, find, replace }, source) {
  const [before, after, ...more] = source.split(find);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`${name}: its text is there ${source.split(find).length - 1} times in ${file}`);
  }
  return `${before}${replace}${after}`;
}

/** JavaScript of one file; throws what the parser says of it. @param {string} source @param {string} file */
export function transpiled(source, file) {
  const { outputText, diagnostics = [] } = ts.transpileModule(source, {
    fileName: file,
    reportDiagnostics: true,
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
    },
  });
  const [first] = diagnostics;
  if (first) throw new Error(`${file}: ${ts.flattenDiagnosticMessageText(first.messageText, ' ')}`);
  return outputText;
}

/** The source of a mutant's file. @param {Mutant} mutant */
export function sourceOf({ file }) {
  return readFile(join(root, file), 'utf8');
}

export class Mutator {
  /** @type {string} */
  #folder;

  /** @param {string} folder */
  constructor(folder) {
    this.#folder = folder;
  }

  /** Compiles the program as it is into a folder of its own. */
  static async open() {
    const folder = await mkdtemp(join(tmpdir(), 'berth-mutants-'));
    const mutator = new Mutator(folder);
    try {
      const tsc = [process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'];
      const options = ['--outDir', folder, '--incremental', 'false', '--sourceMap', 'false', '--noCheck'];
      const done = await run([...tsc, ...options], { cwd: root, deadlineMs: 10 * minuteMs });
      if (!done.ok) throw new Error(`it does not compile: ${lastLines(done.output, 25)}`);
      await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
      await cp(join(root, 'migrations'), join(folder, 'migrations'), { recursive: true });
      await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
      return mutator;
    } catch (error) {
      await mutator.close();
      throw error;
    }
  }

  async close() {
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** @returns {Promise<Ride>} */
  rideUnchanged() {
    return this.#ride([]);
  }

  /** Takes the safeguard out, rides, and puts it back. @param {Mutant} mutant @returns {Promise<Ride>} */
  async try(mutant) {
    const source = await sourceOf(mutant);
    const compiled = join(this.#folder, mutant.file.replace(/\.ts$/, '.js'));
    const before = await readFile(compiled);
    await writeFile(compiled, transpiled(mutated(mutant, source), mutant.file));
    try {
      return await this.#ride(mutant.kills);
    } finally {
      await writeFile(compiled, before);
    }
  }

  /** @param {readonly string[]} favourites @returns {Promise<Ride>} */
  async #ride(favourites) {
    const beganMs = performance.now();
    const done = await run([process.execPath, script, '--ride', this.#folder, ...favourites], {
      cwd: root,
      deadlineMs: rideLimitMs,
    });
    const seconds = Math.round((performance.now() - beganMs) / 1_000);
    if (done.ok) return { failure: null, seconds };
    const last = lastLines(done.output, 1);
    return { failure: done.exitCode === 1 ? last : `${last}: it never ended (${done.problem})`, seconds };
  }
}
