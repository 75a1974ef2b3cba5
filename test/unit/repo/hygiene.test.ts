import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Written apart, so that this file does not find itself. */
const forbidden: readonly (readonly [string, RegExp])[] = [
  ['a path of somebody’s machine', new RegExp(['/wor', 'k/(?:main|shared|\\.)'].join(''))],
  ['an unfinished place', new RegExp(`\\b(${['TO', 'DO|FIX', 'ME|X', 'XX'].join('')})\\b`)],
  ['a silenced check', new RegExp(['eslint-', 'disable|@ts-', '(ignore|nocheck)|prettier-', 'ignore'].join(''))],
  ['a secret', new RegExp(['BEGIN [A-Z ]*PRI', 'VATE KEY|AK', 'IA[0-9A-Z]{16}|gh', 'p_[A-Za-z0-9]{20}'].join(''))],
];

describe('the repository', () => {
  let files: readonly string[] = [];

  beforeAll(async () => {
    const argv = ['ls-files', '--cached', '--others', '--exclude-standard'];
    const { stdout } = await execa('git', argv, { cwd: root, timeout: 30_000 });
    files = stdout.split('\n').filter((path) => path !== '');
  });

  it('holds nothing that belongs to one machine, is unfinished, or silences a check', async () => {
    const found: string[] = [];
    for (const file of files.filter((path) => path !== 'package-lock.json')) {
      const text = await readIfFile(join(root, file));
      for (const [what, pattern] of forbidden) {
        const match = pattern.exec(text);
        if (match) found.push(`${file}: ${what}: ${match[0]}`);
      }
    }
    expect(found).toEqual([]);
  });

  it('locks packages without naming the host they came from', async () => {
    const lock = await readFile(join(root, 'package-lock.json'), 'utf8');
    expect(lock).not.toContain('"resolved": "http');
  });

  it('names its files in kebab case', () => {
    const code = files.filter((path) => /^(src|reconcilers|test|scripts|bench)\/.*\.(ts|mjs)$/.test(path));
    const wrong = code.filter((path) => !/^[a-z0-9-]+(\.[a-z]+)*\.(ts|mjs)$/.test(path.split('/').at(-1) ?? ''));
    expect(wrong).toEqual([]);
  });

  it('numbers its migrations from 1 without a gap', () => {
    const numbers = files
      .map((path) => /^migrations\/(\d{4})[_-][a-z0-9_-]+\.\w+$/.exec(path)?.[1])
      .filter((number) => number !== undefined)
      .map(Number)
      .sort((a, b) => a - b);
    expect(numbers.length).toBeGreaterThanOrEqual(5);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });

  it('explains every example, and runs each in a test', async () => {
    const names = await readdir(join(root, 'examples'));
    expect(names).toContain('hello');
    const tests = files.filter((path) => /^test\/integration\/.*\.test\.ts$/.test(path));
    const texts = await Promise.all(tests.map(async (path) => readIfFile(join(root, path))));
    for (const name of names) {
      expect(files).toContain(`examples/${name}/README.md`);
      expect(files).toContain(`examples/${name}/${name}.toml`);
      expect(texts.some((text) => text.includes(`examples/${name}`))).toBe(true);
    }
  });

  it('links only to documents that exist', async () => {
    const broken: string[] = [];
    for (const file of files.filter((path) => path.endsWith('.md'))) {
      const text = await readIfFile(join(root, file));
      for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)) {
        const exists = await stat(join(root, file, '..', target)).then(
          () => true,
          () => false,
        );
        if (!exists) broken.push(`${file}: ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });
});

/** Text of a file; empty when it is none (a link, or removed and not yet committed). */
async function readIfFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
