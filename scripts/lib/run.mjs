/**
 * Starts processes for the set-up scripts: argv arrays, a deadline on each, nothing but Node. (The
 * project itself uses execa; these scripts run before any package is installed.)
 */
import { spawn } from 'node:child_process';

/**
 * @typedef {object} RunOptions
 * @property {number} deadlineMs It is killed, with all that it started, when this has passed.
 * @property {string} [cwd]
 * @property {Record<string, string | undefined>} [env] Added to the environment.
 * @property {boolean} [stay] On Ctrl-C it is ended, and the script goes on; else the script ends as well.
 * @property {boolean} [show] Its output goes to the terminal instead of into the result.
 *
 * @typedef {object} RunResult
 * @property {boolean} ok It ended by itself, with 0.
 * @property {number | null} exitCode null: killed by a signal, or it never started.
 * @property {boolean} timedOut
 * @property {string} output What it wrote, standard error included; empty when shown.
 * @property {string} problem One line for people; empty when ok.
 */

/**
 * Runs one command to its end. Never throws.
 * @param {readonly string[]} argv
 * @param {RunOptions} options
 * @returns {Promise<RunResult>}
 */
export function run(argv, options) {
  const [file = '', ...args] = argv;
  return new Promise((resolve) => {
    // A session of its own, so that the deadline reaches what the command itself started.
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', options.show ? 'inherit' : 'pipe', options.show ? 'inherit' : 'pipe'],
      detached: true,
    });
    /** @type {Buffer[]} */
    const chunks = [];
    child.stdout?.on('data', (/** @type {Buffer} */ chunk) => chunks.push(chunk));
    child.stderr?.on('data', (/** @type {Buffer} */ chunk) => chunks.push(chunk));
    let timedOut = false;
    const stop = () => killGroup(child.pid);
    const timer = setTimeout(() => {
      timedOut = true;
      stop();
    }, options.deadlineMs);
    const interrupted = () => {
      stop();
      if (!options.stay) process.exit(130);
    };
    process.once('SIGINT', interrupted);
    process.once('SIGTERM', interrupted);
    /** @param {number | null} exitCode @param {string} problem */
    const finish = (exitCode, problem) => {
      clearTimeout(timer);
      process.off('SIGINT', interrupted);
      process.off('SIGTERM', interrupted);
      const output = Buffer.concat(chunks).toString('utf8');
      resolve({ ok: problem === '', exitCode, timedOut, output, problem });
    };
    child.on('error', (error) => finish(null, `${file} did not start: ${error.message}`));
    child.on('close', (code, signal) => finish(code, describeEnd(file, code, signal, timedOut, options.deadlineMs)));
  });
}

/**
 * @param {string} file @param {number | null} code @param {string | null} signal
 * @param {boolean} timedOut @param {number} deadlineMs
 */
function describeEnd(file, code, signal, timedOut, deadlineMs) {
  if (timedOut) return `${file} was ended after ${Math.round(deadlineMs / 1000)} s`;
  if (code === 0) return '';
  return code === null ? `${file} was killed by ${signal ?? 'a signal'}` : `${file} exited with ${code}`;
}

/** @param {number | undefined} pid */
function killGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** The last lines of a text, for messages. @param {string} text @param {number} count */
export function lastLines(text, count) {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
