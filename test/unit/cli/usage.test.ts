import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { commands, globalOptions } from '../../../src/cli/command-table.js';
import { bashCompletion, fishCompletion, flagWords, zshCompletion } from '../../../src/cli/completion-scripts.js';
import { formatAge, parseDuration, parseSince } from '../../../src/cli/durations.js';
import { editorArgv } from '../../../src/cli/editor.js';
import { Bench } from './support.js';

describe('exit codes', () => {
  test.each([
    ['help is fine', ['--help'], 0],
    ['help of a command is fine', ['apply', '--help'], 0],
    ['the version', ['--version'], 0],
    ['no command', [], 2],
    ['a group alone', ['db'], 2],
    ['an unknown command', ['statsu'], 2],
    ['an unknown option', ['status', '--wacth'], 2],
    ['a missing argument', ['explain'], 2],
    ['one argument too many', ['status', 'a', 'b'], 2],
    ['an unknown format', ['status', '-o', 'xml'], 2],
    ['a bad target', ['logs', 'a/b/c'], 2],
    ['a bad duration', ['deploy', 'shop', '--timeout', 'soon'], 2],
    ['a bad time', ['events', '--since', 'yesterday'], 2],
    ['a bad number', ['logs', 'shop', '--tail', '-1'], 2],
    ['a missing -f', ['apply'], 2],
    ['an unknown shell', ['completion', 'csh'], 2],
    ['a definition that is not there', ['apply', '-f', 'missing.toml'], 2],
    ['an unknown service', ['status', 'shpo'], 4],
    ['an unknown component', ['explain', 'shop/wbe'], 4],
    ['an unknown service’s usage', ['usage', 'shpo'], 4],
    ['an unknown service to stop', ['stop', 'shpo'], 4],
    ['an unknown service to restart', ['restart', 'shpo/web'], 4],
    ['an unknown service to edit', ['edit', 'shpo'], 4],
    ['an unknown service to export', ['export', 'shpo'], 4],
    ['an unknown service’s history', ['history', 'shpo'], 4],
    ['an unknown service’s events', ['events', 'shpo'], 4],
    ['an unknown service’s logs', ['logs', 'shpo'], 4],
    ['an unknown service to delete', ['delete', 'shpo', '--yes'], 4],
    ['names', ['names'], 0],
  ])('%s', async (_name, argv, exit) => {
    const bench = new Bench();
    bench.env['EDITOR'] = 'true';
    await bench.withShop();
    const result = await bench.run(...argv);
    expect(result.exit).toBe(exit);
    expect(result.err).not.toContain('    at ');
    if (exit === 4) expect(result.err).toMatch(/^error E_NOT_FOUND: .*\nnext: did you mean "shop/);
    if (exit === 2 && argv.length > 1) expect(result.err).toMatch(/^error E_\w+: .*\n(?:.*\n)*next: .+\n$/);
  });

  test('errors of usage are JSON when JSON was asked for', async () => {
    const { exit, err } = await new Bench().run('status', '--nonsense', '-o', 'json');
    expect(exit).toBe(2);
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'E_USAGE', message: "unknown option '--nonsense'" } });
  });

  test('a stack trace is shown with BERTH_DEBUG=1 alone', async () => {
    const bench = new Bench();
    bench.env['BERTH_DEBUG'] = '1';
    expect((await bench.run('status')).err).toContain('    at ');
  });

  test('the nearest command is named', async () => {
    expect((await new Bench().run('statsu')).err).toContain('Did you mean status?');
  });
});

describe('agent and db', () => {
  test('the agent is told what the command line says, with whole paths', async () => {
    const bench = new Bench();
    const argv = ['agent', '--home', 'h', '--config', 'c.toml', '--watch', 'a', '--watch', '/b', '-s', 'relist_s=5'];
    expect((await bench.run(...argv)).exit).toBe(0);
    const inHome = (name: string): string => join(bench.home, name);
    expect(bench.agentRuns).toEqual([
      { home: inHome('h'), config: inHome('c.toml'), watch: [inHome('a'), '/b'], set: ['relist_s=5'] },
    ]);
  });

  test('db check names what is damaged', async () => {
    const bench = new Bench();
    expect(await bench.run('db', 'check')).toMatchObject({ exit: 0 });
    bench.registryProblems = ['damage: page 7'];
    const broken = await bench.run('db', 'check');
    expect(broken.exit).toBe(1);
    expect(broken.err).toContain('error E_REGISTRY_CORRUPT');
    expect(JSON.parse((await bench.run('db', 'check', '-o', 'json')).out)).toMatchObject({
      ok: false,
      problems: ['damage: page 7'],
    });
  });

  test('db backup, restore and migrate say where the file from before is', async () => {
    const bench = new Bench();
    expect((await bench.run('db', 'backup', 'b.db')).out).toBe(`${join(bench.home, 'b.db')}\n`);
    expect((await bench.run('db', 'restore', 'b.db')).exit).toBe(2);
    bench.answers = ['n'];
    expect((await bench.run('db', 'restore', 'b.db')).exit).toBe(1);
    bench.answers = undefined;
    expect((await bench.run('db', 'restore', 'b.db', '--yes')).out).toContain('registry.db.replaced');
    expect((await bench.run('db', 'restore', 'missing.db', '--yes')).exit).toBe(4);
    expect(bench.maintenanceCalls).toHaveLength(3);
    expect((await bench.run('db', 'migrate')).out).toContain('to go back: berth db restore');
  });
});

describe('completion', () => {
  const program = { commands, globalOptions };

  test('bash accepts its script, and completes from it', async () => {
    const script = bashCompletion(program);
    await execa('bash', ['-n'], { input: script, timeout: 10_000 });
    const complete = async (...words: readonly string[]): Promise<readonly string[]> => {
      const line = `${script}\nberth() { printf 'shop\\nshop/web\\n'; }\nCOMP_WORDS=(berth ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _berth; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout } = await execa('bash', ['-c', line], { timeout: 10_000 });
      return stdout.trim().split('\n').sort();
    };
    expect(await complete('sta')).toEqual(['start', 'status']);
    expect(await complete('db', 'm')).toEqual(['migrate']);
    expect(await complete('stop', 'shop/')).toEqual(['shop/web']);
    expect(await complete('deploy', '--ti')).toEqual(['--timeout']);
    expect(await complete('status', '-o', 'j')).toEqual(['json']);
    const { exit, out } = await new Bench().run('completion', 'bash');
    expect([exit, out.trim()]).toEqual([0, script.trim()]);
  });

  test('zsh and fish know every command', () => {
    for (const script of [zshCompletion(program), fishCompletion(program)]) {
      for (const command of commands) {
        if (command.hidden !== true) for (const word of command.name.split(' ')) expect(script).toContain(word);
      }
    }
  });
});

describe('docs/cli.md', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/cli.md'), 'utf8');
  const sections = new Map(
    text
      .split(/^## /m)
      .slice(1)
      .map((section) => [
        section
          .split('\n')[0]
          ?.replaceAll('`', '')
          .replace(/^berth /, '') ?? '',
        section,
      ]),
  );

  test.each(commands.filter((command) => command.hidden !== true).map((command) => [command.name, command] as const))(
    'names every option of %s, and none that it lacks',
    (name, command) => {
      const section = sections.get(name);
      expect(section, `docs/cli.md has no section for ${name}`).toBeDefined();
      const rows = section?.match(/^\| `-[^|]*\|/gm) ?? [];
      const documented = rows.flatMap((row) => flagWords(row));
      const declared = command.options.flatMap((option) => flagWords(option.flags));
      expect(documented.sort()).toEqual(declared.sort());
      expect(section).toContain('berth ');
    },
  );

  test('names the options that every command takes', () => {
    for (const option of globalOptions) for (const word of flagWords(option.flags)) expect(text).toContain(word);
  });
});

describe('words of the command line', () => {
  test('durations and times', () => {
    expect(['90s', '5m', '2h', '1d', '250ms', '7', '1.5m'].map((word) => parseDuration(word, 'x'))).toEqual([
      90_000, 300_000, 7_200_000, 86_400_000, 250, 7_000, 90_000,
    ]);
    expect(parseSince('10m', 1_000_000, 'x')).toBe(400_000);
    expect(parseSince('1970-01-01T00:00:01Z', 0, 'x')).toBe(1_000);
    expect([0, 119_000, 120_000, 7_200_000, 172_800_000].map(formatAge)).toEqual(['0s', '119s', '2m', '2h', '2d']);
  });

  test('an editor with arguments and quotes', () => {
    expect(editorArgv({ VISUAL: 'code --wait', EDITOR: 'vi' })).toEqual(['code', '--wait']);
    expect(editorArgv({ VISUAL: ' ', EDITOR: `"/opt/my editor" -c 'set tw=0'` })).toEqual([
      '/opt/my editor',
      '-c',
      'set tw=0',
    ]);
  });
});
