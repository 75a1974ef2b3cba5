/**
 * `npm start`: from a fresh clone to containers that converge. Sets up what is missing, starts the
 * agent, applies examples/hello (or the definition given), shows the status, and stays until Ctrl-C.
 * The workloads go on without the agent; `npm run remove` takes the example away.
 */
import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { AlreadyServed, askBerth, berth, startAgent } from './lib/agent.mjs';
import { home, root } from './lib/paths.mjs';
import { ensureExampleImage } from './lib/podman.mjs';
import { setUp } from './lib/setup.mjs';

const secondMs = 1000;
const definition = resolve(process.argv[2] ?? join(root, 'examples', 'hello', 'hello.toml'));

/** How a person types the command line from the clone. */
const typed = () =>
  process.env['BERTH_HOME'] === undefined ? `BERTH_HOME=${relative(root, home())} npx berth` : 'npx berth';

async function main() {
  await setUp();
  await ensureExampleImage((line) => console.log(line));
  await ensureKernel();
  /** @type {Promise<string>} */
  const interrupted = new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => done('interrupted'));
  });
  let over = false;
  void interrupted.then(() => (over = true));
  const agent = startAgent();
  try {
    const end = await Promise.race([
      interrupted,
      show(agent, () => over).then(() => Promise.race([interrupted, agent.ended])),
    ]);
    if (end !== 'interrupted') throw new Error(`the agent ended (${end}); its log: ${agent.logPath}`);
  } finally {
    await agent.stop();
  }
  console.log(`\nThe agent has stopped; the workloads go on running. To remove them: npm run remove`);
}

/** The kernel of microVMs, where the definition has any and nobody has named one. Without it the rest still runs. */
async function ensureKernel() {
  if (!/^runtime\s*=\s*"microvm"/m.test(readFileSync(definition, 'utf8'))) return;
  if (process.env['BERTH_VM_KERNEL'] !== undefined) return;
  const fetched = await berth(['vm', 'setup'], 10 * 60 * secondMs);
  if (!fetched.ok) console.log('There is no kernel for microVMs from Debian; one in /boot is tried.');
}

/**
 * Applies the definition, and shows what becomes of it.
 * @param {import('./lib/agent.mjs').Agent} agent @param {() => boolean} isOver
 */
async function show(agent, isOver) {
  await agent.serving;
  const deployed = await berth(['deploy', '-f', definition, '--timeout', '120s'], 150 * secondMs);
  if (isOver()) return;
  await berth(['status'], 30 * secondMs);
  console.log(whereToLook(deployed.ok, await loginUrl(), agent.logPath));
}

/** A link to the dashboard that logs in once; undefined: the agent serves no page. */
async function loginUrl() {
  const { output } = await askBerth(['login'], 10 * secondMs);
  return /^https?:\/\/\S+$/m.exec(output)?.[0];
}

/** @param {boolean} converged @param {string | undefined} dashboard @param {string} logPath */
function whereToLook(converged, dashboard, logPath) {
  const first = converged
    ? ''
    : `Not all of it has converged. See why: ${typed()} explain SERVICE/COMPONENT, or the agent's log.\n`;
  const link = dashboard === undefined ? '' : `  dashboard   ${dashboard}  (works once; berth login makes another)\n`;
  return `
${first}${link}${pageUrls()
    .map((url) => `  the page    ${url}\n`)
    .join('')}  events      ${typed()} events -f
  status      ${typed()} status --watch
  why         ${typed()} explain hello/web
  logs        ${typed()} logs hello -f
  agent log   ${logPath}

Ctrl-C stops the agent and leaves the workloads running.`;
}

/** The published ports of the definition, as addresses for a browser. */
function pageUrls() {
  const ports = readFileSync(definition, 'utf8').matchAll(/"(?:(127\.0\.0\.1):)?(\d+):\d+(?:\/tcp)?"/g);
  return [...ports].map((match) => `http://${match[1] ?? '127.0.0.1'}:${match[2]}/`);
}

try {
  await main();
} catch (error) {
  if (error instanceof AlreadyServed) {
    console.log(`An agent serves ${home()} already; it is left alone, and so is what it runs.\n${error.message}\n`);
    await berth(['status'], 30 * secondMs);
    const link = await loginUrl();
    if (link !== undefined) console.log(`\n  dashboard   ${link}`);
  } else {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
