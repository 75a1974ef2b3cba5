/** Runs checks and test projects one after another, goes on after a failure, and counts honestly. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checks, tool } from './checks.mjs';
import { run } from './run.mjs';

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Tally
 * @typedef {Tally & { failures: readonly string[] }} Outcome `failures`: what failed, and the first words of why.
 * @typedef {{ name: string, deadlineMs: number }} Project
 */

const secondMs = 1000;
const minuteMs = 60 * secondMs;

const quickBenchMs = 3 * minuteMs;

/** The test projects. With the checks and the quick benchmarks they stay below 30 minutes, whatever hangs. */
export const projects = {
  unit: { name: 'unit', deadlineMs: 8 * minuteMs },
  model: { name: 'model', deadlineMs: 5 * minuteMs },
  simulation: { name: 'simulation', deadlineMs: 8 * minuteMs },
  conformance: { name: 'conformance', deadlineMs: 8 * minuteMs },
  integration: { name: 'integration', deadlineMs: 18 * minuteMs },
  browser: { name: 'browser', deadlineMs: 3 * minuteMs },
};

/**
 * How the programs of a lane run.
 * @typedef {{ isAside: boolean }} Lane `isAside`: at a low priority, their output shown at their end: they take what
 * others that are measured in seconds leave idle.
 */

/** @param {readonly string[]} argv @param {Lane} lane */
const inLane = (argv, { isAside }) => (isAside ? ['nice', '-n', '15', ...argv] : argv);

/** @param {Outcome} a @param {Outcome} b @returns {Outcome} */
export const add = (a, b) => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
  failures: [...a.failures, ...b.failures],
});

/** @type {Outcome} */
export const none = { passed: 0, failed: 0, skipped: 0, failures: [] };

/** Of one check. @param {string} name @param {import('./run.mjs').RunResult} result @returns {Outcome} */
const single = (name, { ok, problem }) =>
  ok ? { ...none, passed: 1 } : { ...none, failed: 1, failures: [`${name}: ${problem}`] };

/**
 * Runs every check; each that fails prints its own words.
 * @param {string} root @param {number} endMs No check runs beyond this time (Unix milliseconds). @param {Lane} [lane]
 */
export async function runChecks(root, endMs, lane = { isAside: false }) {
  let tally = none;
  for (const check of checks(root)) {
    const beganMs = Date.now();
    const result = await run(inLane(check.argv, lane), { cwd: root, deadlineMs: left(check.deadlineMs, endMs) });
    console.log(`${result.ok ? '✓' : '✗'} ${check.name} (${seconds(beganMs)})`);
    if (!result.ok) console.log(`${result.output.trimEnd()}\n${check.name}: ${result.problem}`);
    tally = add(tally, single(check.name, result));
  }
  return tally;
}

/**
 * The quick form of the benchmarks, as one test: it fails when a ratio measured side by side got worse than its bound.
 * @param {string} root @param {number} endMs
 */
export async function runQuickBench(root, endMs) {
  const beganMs = Date.now();
  console.log('— bench --quick');
  const argv = [process.execPath, join(root, 'scripts', 'bench.mjs'), '--quick'];
  const result = await run(argv, { cwd: root, deadlineMs: left(quickBenchMs, endMs), show: true });
  console.log(`${result.ok ? '✓' : '✗'} bench --quick ${result.problem} (${seconds(beganMs)})`);
  return single('bench --quick', result);
}

/**
 * Runs one vitest project and counts from its own report. Whatever keeps it from ending well without a
 * failed test (a crash, an unhandled error, a deadline, no test found) counts as one failure.
 * @param {string} root @param {Project} project @param {number} endMs @param {Lane} [lane]
 */
export async function runProject(root, project, endMs, lane = { isAside: false }) {
  const beganMs = Date.now();
  const folder = mkdtempSync(join(tmpdir(), 'berth-test-'));
  const report = join(folder, 'report.json');
  if (!lane.isAside) console.log(`— ${project.name}`);
  const argv = ['run', '--project', project.name, '--reporter=default', '--reporter=json', `--outputFile=${report}`];
  // Aside there is one core at most, so that one is left for what cannot wait.
  if (lane.isAside) argv.push('--maxWorkers=1');
  const result = await run(inLane([tool(root, 'vitest'), ...argv], lane), {
    cwd: root,
    deadlineMs: left(project.deadlineMs, endMs),
    show: !lane.isAside,
  });
  if (lane.isAside) console.log(`— ${project.name}\n${result.output.trimEnd()}`);
  const told = readReport(report);
  const tally = tallyOf(told, result.ok);
  rmSync(folder, { recursive: true, force: true });
  if (!result.ok) console.log(`${project.name}: ${result.problem}`);
  console.log(`${tally.failed === 0 ? '✓' : '✗'} ${project.name}: ${describe(tally)} (${seconds(beganMs)})`);
  const named = failuresOf(told);
  const failures =
    tally.failed > 0 && named.length === 0 ? [`${result.problem}; no test failed: see its output`] : named;
  return { ...tally, failures: failures.map((words) => `${project.name}: ${words}`) };
}

/**
 * The count of one vitest report. @param {unknown} report @param {boolean} endedWell @returns {Tally}
 */
export function tallyOf(report, endedWell) {
  const counts = /** @type {Record<string, unknown>} */ (report ?? {});
  /** @param {string} name */
  const count = (name) => (typeof counts[name] === 'number' ? counts[name] : 0);
  const passed = count('numPassedTests');
  // A file that cannot be loaded fails as a suite and holds no test.
  const failed = Math.max(count('numFailedTests'), count('numFailedTestSuites') > 0 ? 1 : 0);
  const skipped = count('numPendingTests') + count('numTodoTests');
  const unexplained = failed === 0 && (!endedWell || passed === 0) ? 1 : 0;
  return { passed, failed: failed + unexplained, skipped };
}

/** Of one vitest report: each test that failed, or file that could not be loaded, with the first line of why. @param {unknown} report */
export function failuresOf(report) {
  const { testResults = [] } = /** @type {{ testResults?: readonly ReportedFile[] }} */ (report ?? {});
  return testResults.flatMap(({ name, message = '', assertionResults = [] }) => {
    const tests = assertionResults.filter(({ status }) => status === 'failed');
    if (tests.length === 0) return message === '' ? [] : [`${name}: ${firstLine(message)}`];
    return tests.map(({ fullName, failureMessages = [] }) => `${fullName}: ${firstLine(failureMessages[0] ?? '')}`);
  });
}

/**
 * @typedef {{ status: string, fullName: string, failureMessages?: readonly string[] }} ReportedTest
 * @typedef {{ name: string, message?: string, assertionResults?: readonly ReportedTest[] }} ReportedFile
 */

/** @param {string} text */
const firstLine = (text) => (text.split('\n')[0] ?? '').slice(0, 300);

/** @param {string} path @returns {unknown} undefined when there is none. */
function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {Tally} tally */
export function describe(tally) {
  const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
  return `${tally.passed} passed, ${tally.failed} failed${skipped}`;
}

/** @param {number} deadlineMs @param {number} endMs */
const left = (deadlineMs, endMs) => Math.max(1, Math.min(deadlineMs, endMs - Date.now()));

/** @param {number} beganMs */
const seconds = (beganMs) => `${((Date.now() - beganMs) / secondMs).toFixed(1)} s`;
