import { chmodSync, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Bench } from './support.js';

const pathOf = (bench: Bench): string => join(bench.home, 'tokens.json');
const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('berth token', () => {
  test('adds, shows, rotates, lists and removes', async () => {
    const bench = new Bench();
    const first = await bench.run('token', 'add', 'default', '--access', 'write');
    expect(first).toMatchObject({ exit: 0, err: '' });
    expect(first.out).toMatch(/^berth_[A-Za-z0-9_-]{43}\n$/);
    expect((await bench.run('token', 'show')).out).toBe(first.out);
    const second = await bench.run('token', 'add', 'prometheus', '-o', 'json');
    expect(JSON.parse(second.out)).toMatchObject({ name: 'prometheus', access: 'read' });
    const rotated = await bench.run('token', 'rotate');
    expect(rotated.out).toMatch(/^berth_/);
    expect(rotated.out).not.toBe(first.out);
    expect((await bench.run('token', 'show', 'default')).out).toBe(rotated.out);
    const list = await bench.run('token', 'list', '-o', 'json');
    expect(JSON.parse(list.out)).toMatchObject([
      { name: 'default', access: 'write' },
      { name: 'prometheus', access: 'read' },
    ]);
    for (const { out } of [list, await bench.run('token', 'list')]) expect(out).not.toContain('berth_');
    expect((await bench.run('token', 'remove', 'prometheus')).exit).toBe(0);
    expect(JSON.parse((await bench.run('token', 'list', '-o', 'json')).out)).toHaveLength(1);
    expect(modeOf(pathOf(bench))).toBe(0o600);
    expect(readdirSync(bench.home)).toEqual(['tokens.json']);
  });

  test.each([
    ['a name that is taken', ['add', 'default'], 5, 'E_CONFLICT'],
    ['a name that cannot be', ['add', 'a b'], 2, 'E_USAGE'],
    ['another access', ['add', 'x', '--access', 'admin'], 2, 'E_USAGE'],
    ['a name that is none', ['show', 'defualt'], 4, 'did you mean "default"?'],
    ['a name that is none, to rotate', ['rotate', 'defualt'], 4, 'E_NOT_FOUND'],
    ['a name that is none, to remove', ['remove', 'x'], 4, 'E_NOT_FOUND'],
  ])('refuses %s', async (_name, argv, exit, words) => {
    const bench = new Bench();
    await bench.run('token', 'add', 'default');
    const before = readFileSync(pathOf(bench), 'utf8');
    const result = await bench.run('token', ...argv);
    expect(result.exit).toBe(exit);
    expect(result.err).toContain(words);
    expect(readFileSync(pathOf(bench), 'utf8')).toBe(before);
  });

  test('a broken file is named, and never overwritten', async () => {
    const bench = new Bench();
    writeFileSync(pathOf(bench), '{"sessionKey": "berth_half', { mode: 0o600 });
    for (const argv of [['list'], ['show'], ['add', 'x'], ['rotate'], ['remove', 'x']]) {
      const { exit, err } = await bench.run('token', ...argv);
      expect(exit).toBe(1);
      expect(err).toContain(`E_TOKENS: ${pathOf(bench)} is not JSON`);
      expect(err).not.toContain('berth_half');
    }
    expect(readFileSync(pathOf(bench), 'utf8')).toBe('{"sessionKey": "berth_half');
    expect(readdirSync(bench.home)).toEqual(['tokens.json']);
  });

  test('ten at once all count', async () => {
    const bench = new Bench();
    await Promise.all(Array.from({ length: 10 }, (_, at) => bench.run('token', 'add', `t${at}`)));
    expect(JSON.parse((await bench.run('token', 'list', '-o', 'json')).out)).toHaveLength(10);
    expect(existsSync(`${pathOf(bench)}.lock`)).toBe(false);
  });

  test('a file that is open to others is shut', async () => {
    const bench = new Bench();
    await bench.run('token', 'add', 'default');
    chmodSync(pathOf(bench), 0o644);
    expect((await bench.run('token', 'list')).exit).toBe(0);
    expect(modeOf(pathOf(bench))).toBe(0o600);
  });

  test('without a file there are none', async () => {
    const bench = new Bench();
    expect(await bench.run('token', 'list', '-o', 'json')).toMatchObject({ exit: 0, out: '[]\n' });
    expect((await bench.run('token', 'list')).err).toContain('berth token add NAME');
    expect((await bench.run('token', 'show')).exit).toBe(4);
  });
});

describe('berth login', () => {
  test('prints the link alone, and says how long it works', async () => {
    const bench = new Bench();
    const { exit, out, err } = await bench.run('login', '--as', 'ops');
    expect(exit).toBe(0);
    expect(out).toBe('http://127.0.0.1:7600/login?code=x\n');
    expect(err).toContain('it works once');
    expect(bench.loginRequests).toEqual([{ home: null, host: null, token: 'ops', actor: 'cli:tester' }]);
  });
});
