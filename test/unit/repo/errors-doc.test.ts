import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorKinds } from '../../../src/core/errors.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

describe('docs/errors.md', () => {
  let sections = new Map<string, string>();

  beforeAll(async () => {
    const text = await readFile(join(root, 'docs/errors.md'), 'utf8');
    const [, ...parts] = text.split(/^## /m);
    sections = new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')), part]));
  });

  it('has one section for each code, in the order of the catalogue, and no other', () => {
    expect([...sections.keys()]).toEqual(Object.keys(errorKinds));
  });

  it.each(Object.entries(errorKinds))(
    'says of %s what it means, its causes, and what to do',
    (code, { title, exit }) => {
      const section = sections.get(code) ?? '';
      expect(section.toLowerCase()).toContain(title.toLowerCase());
      expect(section).toContain(`Exit code ${exit}.`);
      expect(section).toMatch(/\*\*Likely causes\.\*\* \S+/);
      expect(section).toMatch(/\*\*What to do\.\*\* \S+/);
    },
  );
});
