/** `--host`, `--token-file` and what they exclude. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Bench } from './support.js';

const url = 'http://127.0.0.1:7600';

async function hostsAsked(env: Readonly<Record<string, string>>, ...argv: readonly string[]) {
  const bench = new Bench();
  Object.assign(bench.env, env);
  await bench.registry();
  const { exit, err } = await bench.run(...argv);
  return { exit, err, hosts: bench.connections.map(({ host }) => host), folder: bench.home };
}

describe('the agent that is asked', () => {
  test('is the one of the home unless another one is named', async () => {
    expect((await hostsAsked({}, 'status')).hosts).toEqual([null]);
    expect((await hostsAsked({ BERTH_HOST: '', BERTH_TOKEN_FILE: 't' }, 'status')).hosts).toEqual([null]);
  });

  test('is named by options, with a path made whole, or by the environment', async () => {
    const byOption = await hostsAsked({ BERTH_HOST: 'http://other' }, 'status', '--host', url, '--token-file', 't');
    expect(byOption.hosts).toEqual([{ url, tokenFile: join(byOption.folder, 't') }]);
    const byEnv = await hostsAsked({ BERTH_HOST: url, BERTH_TOKEN_FILE: '/t' }, 'status');
    expect(byEnv.hosts).toEqual([{ url, tokenFile: '/t' }]);
    expect((await hostsAsked({}, 'status', '--host', url)).hosts).toEqual([{ url, tokenFile: null }]);
  });

  test('gives way to a home that is named', async () => {
    const { hosts, exit } = await hostsAsked({ BERTH_HOST: url }, 'status', '--home', '.');
    expect([hosts, exit]).toEqual([[null], 0]);
  });

  test.each([
    ['a home and a host', ['status', '--home', '.', '--host', url], /name one of them/],
    ['a token file alone', ['status', '--token-file', 't'], /which was not given/],
  ])('%s are bad usage', async (_name, argv, message) => {
    const { exit, err, hosts } = await hostsAsked({}, ...argv);
    expect([exit, hosts]).toEqual([2, []]);
    expect(err).toMatch(message);
  });
});

describe('what works on this machine alone', () => {
  test.each([
    ['db', 'check'],
    ['db', 'backup'],
    ['db', 'migrate'],
    ['db', 'restore', 'x', '--yes'],
    ['vm', 'setup'],
    ['token', 'list'],
    ['agent'],
  ])('berth %s %s refuses --host, and BERTH_HOST', async (...argv) => {
    const named = await hostsAsked({}, ...argv, '--host', url);
    expect(named.exit).toBe(2);
    expect(named.err).toMatch(
      /^error E_USAGE: berth .* works on the files of a home: there is no --host for it\nnext: /,
    );
    const set = await hostsAsked({ BERTH_HOST: url }, ...argv);
    expect(set.exit).toBe(2);
    expect(set.err).toContain('there is no BERTH_HOST for it');
    expect(set.err).toContain('--home FOLDER');
  });

  test('a home that is named is no matter of BERTH_HOST', async () => {
    expect((await hostsAsked({ BERTH_HOST: url }, 'db', 'check', '--home', '.')).exit).toBe(0);
  });

  test('what works on no home refuses --host alone', async () => {
    expect((await hostsAsked({ BERTH_HOST: url }, 'completion', 'bash')).exit).toBe(0);
    const refused = await hostsAsked({}, 'sim', '--list', '--host', url);
    expect([refused.exit, refused.err]).toEqual([2, expect.stringContaining('asks no agent')]);
  });
});
