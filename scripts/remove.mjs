/**
 * `npm run remove`: takes the example (or the service named) away: workloads, network, registry rows.
 * Uses the agent that serves the home, or one of its own for as long as it takes.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AlreadyServed, askBerth, berth, startAgent } from './lib/agent.mjs';
import { home } from './lib/paths.mjs';
import { setUp } from './lib/setup.mjs';

const secondMs = 1000;
const service = process.argv[2] ?? 'hello';
const notFound = 4;

async function main() {
  if (!existsSync(join(home(), 'registry.db'))) {
    console.log(`Nothing to remove: there is no registry in ${home()}.`);
    return;
  }
  await setUp();
  const agent = startAgent();
  process.once('SIGINT', () => void agent.stop().then(() => process.exit(130)));
  try {
    await agent.serving.catch((/** @type {unknown} */ error) => {
      if (!(error instanceof AlreadyServed)) throw error;
    });
    const deleted = await berth(['delete', service, '--yes'], 60 * secondMs);
    if (!deleted.ok && deleted.exitCode !== notFound) throw new Error(`it could not be deleted: ${deleted.problem}`);
    await waitUntilGone(Date.now() + 120 * secondMs);
  } finally {
    await agent.stop();
  }
  console.log(`${service} is gone. What Berth knew of it is kept in ${home()}; remove that folder to forget it.`);
}

/** @param {number} endMs Unix milliseconds. */
async function waitUntilGone(endMs) {
  while (Date.now() < endMs) {
    const status = await askBerth(['status', service, '-o', 'json'], 30 * secondMs);
    if (status.exitCode === notFound) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`${service} is still there after 120 s; see: npx berth explain ${service}/COMPONENT`);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
