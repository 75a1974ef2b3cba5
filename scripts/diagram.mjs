/** `npm run diagram`: writes the component machine into docs/architecture.md and for the dashboard. Tests tell when they are not current. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { machineMarkdown, machineModule, withMachine } from './lib/machine-diagram.mjs';
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

const modulePath = join(root, 'src', 'dashboard', 'model', 'machine.ts');
const source = machineModule(componentMachine.states);
writeFileSync(modulePath, await format(source, { ...(await resolveConfig(modulePath)), parser: 'typescript' }));
console.log(`wrote the machine into ${modulePath}`);
