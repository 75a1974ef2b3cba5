/** `npm run diagram`: writes the component machine into docs/architecture.md. A test tells when it is not current. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineMarkdown, withMachine } from './lib/machine-diagram.mjs';
import { root } from './lib/paths.mjs';
import { setUp } from './lib/setup.mjs';

await setUp();
/** @type {unknown} */
const module = await import(join(root, 'dist', 'reconcilers', 'component', 'machine.js'));
const { componentMachine } =
  /** @type {{ componentMachine: { states: Record<string, import('./lib/machine-diagram.mjs').StateNode>, config: { initial: string } } }} */ (
    module
  );
const path = join(root, 'docs', 'architecture.md');
const generated = machineMarkdown(componentMachine.states, componentMachine.config.initial);
writeFileSync(path, withMachine(readFileSync(path, 'utf8'), generated));
console.log(`wrote the machine into ${path}`);
