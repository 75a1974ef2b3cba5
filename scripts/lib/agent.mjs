/** The agent and the command line as `npm start` and `npm run remove` use them. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { berthMain, home, root } from './paths.mjs';
import { lastLines, run } from './run.mjs';

const secondMs = 1000;
const logBytes = 10 * 1024 * 1024;

/**
 * @typedef {object} Agent
 * @property {() => Promise<void>} stop Ends it in order; its workloads go on.
 * @property {Promise<string>} ended Why it ended, in words.
 * @property {Promise<void>} serving Fails with an Error for people when it ended instead; AlreadyServed when another serves.
 * @property {string} logPath
 */

/** Thrown when another agent serves this home. */
export class AlreadyServed extends Error {}

/**
 * Starts an agent. It gets a session of its own: a Ctrl-C reaches this script, which then stops the
 * agent in order.
 * @returns {Agent}
 */
export function startAgent() {
  mkdirSync(home(), { recursive: true });
  const logPath = join(home(), 'agent.log');
  const log = openSync(logPath, isLong(logPath) ? 'w' : 'a');
  const beganAt = statSync(logPath).size;
  const child = spawn(process.execPath, [berthMain, 'agent'], {
    cwd: root,
    env: { ...process.env, BERTH_HOME: home() },
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  const words = () => readFileSync(logPath).subarray(beganAt).toString('utf8');
  /** @type {Promise<string>} */
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(`it did not start: ${error.message}`));
    child.once('exit', (code, signal) =>
      resolve(code === null ? `killed by ${signal ?? 'a signal'}` : `exit code ${code}`),
    );
  });
  const serving = waitUntilServing(child).then(async (problem) => {
    if (problem === undefined) return;
    const how = isAlive(child) ? problem : await ended;
    if (words().includes('E_AGENT_RUNNING')) throw new AlreadyServed(lastLines(words(), 3));
    throw new Error(`the agent did not start (${how}):\n${lastLines(words(), 15)}\nIts log: ${logPath}`);
  });
  return { stop: () => stopChild(child, ended), ended, serving, logPath };
}

/** @param {import('node:child_process').ChildProcess} child */
function isAlive(child) {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/**
 * Resolves when `berth status` names the agent, or with what kept it from that.
 * @param {import('node:child_process').ChildProcess} child @returns {Promise<string | undefined>}
 */
async function waitUntilServing(child) {
  const endMs = Date.now() + 60 * secondMs;
  while (isAlive(child) && Date.now() < endMs) {
    const status = await askBerth(['status', '-o', 'json'], 10 * secondMs);
    if (status.ok && agentOf(status.output) === child.pid) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return 'it was not ready within 60 s';
}

/** The pid of the agent in a status report. @param {string} json @returns {unknown} */
function agentOf(json) {
  try {
    /** @type {unknown} */
    const parsed = JSON.parse(json);
    return /** @type {{ agent?: { pid?: unknown } | null }} */ (parsed).agent?.pid;
  } catch {
    return undefined;
  }
}

/** @param {string} path */
function isLong(path) {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > logBytes;
}

/**
 * SIGTERM, and SIGKILL when that did not end it in five seconds. Workloads go on.
 * @param {import('node:child_process').ChildProcess} child @param {Promise<string>} ended
 */
async function stopChild(child, ended) {
  if (!isAlive(child)) return;
  child.kill('SIGTERM');
  const left = await Promise.race([ended.then(() => false), after(5 * secondMs, true)]);
  if (left) child.kill('SIGKILL');
  await ended;
}

/** @template T @param {number} ms @param {T} value @returns {Promise<T>} */
function after(ms, value) {
  return new Promise((resolve) => setTimeout(resolve, ms, value).unref());
}

/**
 * Runs one command of the command line with its output on the terminal.
 * @param {readonly string[]} args @param {number} deadlineMs
 */
export function berth(args, deadlineMs) {
  return run([process.execPath, berthMain, ...args], {
    cwd: root,
    env: { BERTH_HOME: home() },
    deadlineMs,
    show: true,
    stay: true,
  });
}

/**
 * Runs one command and answers what it wrote.
 * @param {readonly string[]} args @param {number} deadlineMs
 */
export function askBerth(args, deadlineMs) {
  return run([process.execPath, berthMain, ...args], {
    cwd: root,
    env: { BERTH_HOME: home() },
    deadlineMs,
    stay: true,
  });
}
