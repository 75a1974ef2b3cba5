import { describe, expect, it } from 'vitest';
import { definitionJsonSchema } from '../../../src/definition/index.js';
import { proposalsAt, type Schema } from '../../../src/dashboard/model/completion.js';

const schema: Schema = definitionJsonSchema();
const labels = (before: string): readonly string[] =>
  (proposalsAt(before, schema)?.items ?? []).map(({ label }) => label);

describe('completion of a definition', () => {
  it('proposes the keys of the service at its top, without those that are there', () => {
    expect(labels('')).toEqual(expect.arrayContaining(['name', 'node', 'active']));
    expect(labels('name = "shop"\n')).not.toContain('name');
    expect(labels('name = "shop"\n')).not.toContain('memory_mb');
  });

  it('proposes the keys of a component, with what they mean', () => {
    const before = 'name = "shop"\n\n[[components]]\nname = "web"\nmem';
    const proposals = proposalsAt(before, schema);
    const memory = proposals?.items.find(({ label }) => label === 'memory_mb');
    expect(before.slice(proposals?.from)).toBe('mem');
    expect(memory?.insert).toBe('memory_mb = ');
    expect(memory?.detail).toMatch(/Mebibytes/);
    expect(labels('[[components]]\nname = "web"\n[[components]]\n')).toContain('name');
    expect(labels('[[components]]\nname = "web"\n')).not.toContain('name');
  });

  it('proposes the keys of a table inside of a component', () => {
    expect(labels('[[components]]\n[components.health]\n')).toEqual(expect.arrayContaining(['http', 'port']));
  });

  it('proposes the values of a key that has few', () => {
    const before = '[[components]]\nruntime = "mi';
    const proposals = proposalsAt(before, schema);
    expect(proposals?.items.map(({ insert }) => insert)).toEqual(['"container"', '"microvm"', '"unikernel"']);
    expect(before.slice(proposals?.from)).toBe('"mi');
    expect(labels('active = ')).toEqual(['true', 'false']);
  });

  it('proposes tables', () => {
    expect(labels('name = "x"\n[')).toEqual(expect.arrayContaining(['[[components]]', '[components.health]']));
  });

  it('proposes nothing where anything may stand', () => {
    expect(proposalsAt('[[components]]\nimage = "local', schema)).toBeNull();
    expect(proposalsAt('# a comment', schema)).toBeNull();
    expect(proposalsAt('[nobody.knows]\nkey = ', schema)).toBeNull();
  });
});
