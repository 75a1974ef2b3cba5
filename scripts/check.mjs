/** `npm run check`: everything that needs neither Podman nor root. `npm test` runs this and the rest. */
import { fileURLToPath } from 'node:url';
import { add, describe, none, projects, runChecks, runProject } from './lib/suite.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const endMs = Date.now() + 10 * 60_000;

let tally = add(none, await runChecks(root, endMs));
for (const project of [projects.unit, projects.model, projects.simulation]) {
  tally = add(tally, await runProject(root, project, endMs));
}
console.log(describe(tally));
process.exitCode = tally.failed === 0 ? 0 : 1;
