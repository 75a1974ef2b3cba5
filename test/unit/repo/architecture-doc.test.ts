import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { componentMachine } from '../../../reconcilers/component/machine.js';
import { machineMarkdown, phasesOf, withMachine } from '../../../scripts/lib/machine-diagram.mjs';
import { phases } from '../../../src/core/status.js';

const path = join(fileURLToPath(new URL('../../..', import.meta.url)), 'docs/architecture.md');

describe('docs/architecture.md', () => {
  it('shows the machine as it is (if not: npm run diagram)', async () => {
    const text = await readFile(path, 'utf8');
    const generated = machineMarkdown(componentMachine.states, componentMachine.config.initial as string);
    expect(text).toBe(withMachine(text, generated));
  });

  it('shows every phase of a component', () => {
    expect(phasesOf(componentMachine.states).map(({ name }) => name)).toEqual([...phases]);
  });

  it('refuses a document without the markers', () => {
    expect(() => withMachine('# Architecture', 'x')).toThrow(/markers/);
  });
});
