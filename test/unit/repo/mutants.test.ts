import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { mutants } from '../../../scripts/lib/mutants.mjs';
import { mutated, sourceOf, transpiled } from '../../../scripts/lib/mutation.mjs';
import { root } from '../../../scripts/lib/paths.mjs';
import { scenarioNames } from '../../../src/simulation/index.js';

/** The first three cells of each row of the section's table. */
async function rowsOfDocument(): Promise<readonly string[][]> {
  const text = await readFile(join(root, 'docs/testing.md'), 'utf8');
  const [, section = ''] = text.split('\n## Mutation run\n');
  const [own = ''] = section.split('\n## ');
  const rows = own.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((row) =>
    row
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', ''))
      .slice(1, 4),
  );
}

describe('the mutants', () => {
  let rows: readonly string[][] = [];

  beforeAll(async () => {
    rows = await rowsOfDocument();
  });

  it('bear names of their own', () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  });

  it('are those that docs/testing.md lists, in its order', () => {
    expect(rows).toEqual(mutants.map(({ name, safeguard, kills }) => [name, safeguard, kills[0]]));
  });

  it.each(mutants)('$name can be taken out of $file, once, and what is left parses', async (mutant) => {
    const source = await sourceOf(mutant);
    const without = mutated(mutant, source);
    expect(transpiled(without, mutant.file)).not.toBe(transpiled(source, mutant.file));
  });

  it.each(mutants)('$name is missed first by a scenario that there is', ({ kills }) => {
    expect(kills.length).toBeGreaterThan(0);
    for (const name of kills.filter((kill) => !kill.startsWith('storm '))) expect(scenarioNames()).toContain(name);
  });

  it('refuse a text that is not there, or there twice', () => {
    const mutant = { name: 'x', safeguard: 'x', file: 'x.ts', find: 'a', replace: 'b', kills: [] };
    expect(() => mutated(mutant, 'c')).toThrow('there 0 times');
    expect(() => mutated(mutant, 'aa')).toThrow('there 2 times');
    expect(() => transpiled('const = ;', 'x.ts')).toThrow('x.ts');
  });
});
