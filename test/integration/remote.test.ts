/**
 * The command line over the agent's socket, over TCP with a token, and on the registry file: the same words and exit
 * codes. What is followed goes on when the agent is killed and comes back.
 */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { berthMain } from '../../scripts/lib/paths.mjs';
import { usageStepOf } from '../../src/core/usage.js';
import { eventually } from '../support/eventually.js';
import { forgetHistory, writeEvents } from '../support/history.js';
import { ask } from '../support/hostile.js';
import { ensureTestImage, type BuiltImage } from '../support/podman-image.js';
import {
  freePort,
  makeTestHome,
  root,
  type CommandResult,
  type RunningAgent,
  type TestHome,
} from '../support/test-home.js';

let image: BuiltImage;
let folder: string;
let home: TestHome;
let agent: RunningAgent;
let host: readonly string[];
let file: string;

/** Each look is two commands. */
const slowly = { timeoutMs: 30_000 };

beforeAll(async () => {
  const port = await freePort();
  [home, image, folder] = await Promise.all([
    makeTestHome({
      BERTH_API_LISTEN: `127.0.0.1:${String(port)}`,
      BERTH_SETTLE_S: '0.2',
      // The file does not tell what is used just now.
      BERTH_USAGE_SAMPLE_S: '0',
      EDITOR: 'true',
    }),
    ensureTestImage(),
    mkdtemp(join(tmpdir(), 'bh-remote-')),
  ]);
  agent = await home.startAgent();
  file = join(folder, 'shop.toml');
  const part = (name: string): string =>
    `[[components]]\nname = "${name}"\nimage = "${image.reference}"\npull = "never"\nstop_timeout_s = 1\ncommand = ["/bin/sh", "-c", "echo ${name} begins; exec sleep 100000"]\n`;
  await writeFile(file, `name = "shop"\n${part('web')}env = { DB_PASSWORD = "hush-hush" }\n${part('db')}`);
  await writeFile(join(folder, 'bad.toml'), 'name = "bad"\n[[components]]\nname = "x"\nmemroy_mb = 5\n');
  const deployed = await home.berth('deploy', '-f', file, '--timeout', '60s', '-m', 'the beginning');
  expect(deployed.exitCode, deployed.stderr).toBe(0);
  const used = `insert into usage values (${String(usageStepOf(Date.now()))}, 'shop', 'web', 1e7, 30000000, 2.5, 10)`;
  await execa('sqlite3', ['-cmd', '.timeout 5000', join(home.path, 'registry.db'), used]);
  await writeFile(join(folder, 'token'), `${await tokenOf('default')}\n`, { mode: 0o600 });
  host = hostWith('token');
  // It is at rest: what two commands print one after the other does not change in between.
  await eventually(async () => {
    const [first, second] = [await home.berth('status', '-o', 'json'), await home.berth('status', '-o', 'json')];
    expect(bare(second.stdout)).toBe(bare(first.stdout));
  }, slowly);
});

afterAll(async () => {
  await home.dispose();
  await image.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Where the history is now. */
async function positionOf(): Promise<{ readonly epoch: string; readonly revision: number }> {
  const { body } = await ask(join(home.path, 'berth.sock'), { path: '/v1/agent' });
  return JSON.parse(body) as { readonly epoch: string; readonly revision: number };
}

async function tokenOf(name: string): Promise<string> {
  const { tokens } = JSON.parse(await readFile(join(home.path, 'tokens.json'), 'utf8')) as {
    readonly tokens: readonly { readonly name: string; readonly token: string }[];
  };
  return tokens.find((one) => one.name === name)?.token ?? '';
}

function hostWith(tokenFile: string): readonly string[] {
  return [
    '--host',
    home.env['BERTH_API_LISTEN']?.replace(/^/, 'http://') ?? '',
    '--token-file',
    join(folder, tokenFile),
  ];
}

/** By the registry file, though the agent serves. */
async function byFile(...argv: readonly string[]): Promise<CommandResult> {
  const socket = join(home.path, 'berth.sock');
  await rename(socket, `${socket}.aside`);
  try {
    return await home.berth(...argv);
  } finally {
    await rename(`${socket}.aside`, socket);
  }
}

/** Without times, ages and the widths of columns that they make. */
function bare(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+Z)?/g, 'TIME')
    .replaceAll(/"observedAgeMs": ?\d+/g, '"observedAgeMs": AGE')
    .replaceAll(/\b\d+(?:ms|s|m|h)\b/g, 'AGE')
    .replaceAll(/ +/g, ' ');
}

const told = ({ exitCode, stdout, stderr }: CommandResult) => ({ exitCode, out: bare(stdout), err: bare(stderr) });

describe('the same on every way', () => {
  const reading: readonly (readonly string[])[] = [
    ['status'],
    ['status', '-o', 'json'],
    ['status', 'shop'],
    ['status', 'shpo'],
    ['status', 'shpo', '-o', 'json'],
    ['drift'],
    ['drift', '--exit-code', '-o', 'json'],
    ['explain', 'shop/web'],
    ['explain', 'shop/web', '-o', 'json'],
    ['explain', 'shop/wbe'],
    ['usage', 'shop'],
    ['usage', 'shop/web', '-o', 'json'],
    ['usage', 'shop/wbe'],
    ['events'],
    ['events', 'shop/web', '--tail', '2', '-o', 'json'],
    ['events', '--since', '1h'],
    ['events', 'shpo'],
    ['logs', 'shop'],
    ['logs', 'shop/web', '--tail', '1', '-o', 'json'],
    ['logs', 'shpo'],
    ['history', 'shop'],
    ['history', 'shop/web', '--limit', '1', '-o', 'json'],
    ['export', 'shop'],
    ['export', 'shop', '-o', 'json'],
    ['export', 'shpo'],
    ['names'],
    ['gc', '--dry-run', '-o', 'json'],
    ['exec', 'shop/web', '--', '/bin/busybox', 'echo', 'a b', 'ü'],
    ['exec', 'shop/web', '--', '/bin/busybox', 'sh', '-c', 'exit 7'],
    ['exec', 'shop/wbe', '--', 'x'],
    ['rollback', 'shop', '--dry-run'],
    ['rollback', 'shop', '--to', '1'],
    ['edit', 'shop'],
    ['delete', 'shpo', '--yes'],
    ['stop', 'shpo'],
    ['restart', 'shop/wbe'],
  ];

  it.each(reading.map((argv) => [argv.join(' '), argv] as const))('berth %s', async (_name, argv) => {
    const expected = told(await byFile(...argv));
    const [command = '', ...rest] = argv;
    const [overSocket, overTcp] = await Promise.all([home.berth(...argv), home.berth(command, ...host, ...rest)]);
    expect(told(overSocket)).toEqual(expected);
    expect(told(overTcp)).toEqual(expected);
  });

  it('plan and apply read the files of this machine', async () => {
    for (const argv of [
      ['plan', '-f', file],
      ['plan', '-f', file, '--exit-code', '-o', 'json'],
      ['apply', '-f', file],
      ['apply', '-f', file, '--dry-run', '-o', 'json'],
      ['apply', '-f', join(folder, 'bad.toml')],
      ['plan', '-f', folder],
      ['apply', '-f', join(folder, 'missing.toml')],
    ]) {
      const expected = told(await byFile(...argv));
      expect(told(await home.berth(...argv))).toEqual(expected);
      expect(told(await home.berth(...argv, ...host))).toEqual(expected);
    }
  });

  it('what is changed is told in the same words, and who did it is in the history', async () => {
    const withoutRevision = (result: CommandResult) => {
      const { out, ...rest } = told(result);
      return { out: out.replaceAll(/revision:? ?\d+|"revision": \d+/g, 'REVISION'), ...rest };
    };
    const rounds = [byFile, home.berth, (...argv: readonly string[]) => home.berth(...argv, ...host)];
    const results = [];
    for (const berth of rounds) {
      const round = [];
      for (const argv of [
        ['stop', 'shop/web', '-m', 'stop'],
        ['restart', 'shop/web'],
        ['start', 'shop/web', '-o', 'json'],
        ['restart', 'shop', '-m', 'again'],
      ]) {
        round.push(withoutRevision(await berth(...argv)));
      }
      const deployed = await berth('deploy', 'shop', '--timeout', '60s');
      expect(deployed.exitCode, deployed.stderr).toBe(0);
      round.push(deployed.stdout.trim().split('\n').at(-1));
      results.push(round);
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    const { stdout } = await home.berth('history', 'shop', '-o', 'json', '--limit', '4');
    const actors = (JSON.parse(stdout) as readonly { readonly actor: string }[]).map(({ actor }) => actor);
    expect(new Set(actors)).toEqual(new Set(['token:default']));
    const before = await home.berth('history', 'shop', '-o', 'json', '--limit', '30');
    expect(before.stdout).toMatch(/"cli:\w+"/);
  });

  it('a secret is shown by none, and revealed to whoever may write', async () => {
    for (const result of [await byFile('export', 'shop'), await home.berth('export', 'shop', ...host)]) {
      expect(result.stdout).toContain('DB_PASSWORD');
      expect(result.stdout).not.toContain('hush-hush');
    }
    for (const way of [[], host]) {
      expect((await home.berth('export', 'shop', '--reveal', ...way)).stdout).toContain('hush-hush');
    }
  });
});

describe('more events than one answer holds', () => {
  beforeAll(() => writeEvents(home, 'shop/db', 2_300));

  it.each([
    [['events', '--tail', '2000'], 2_000],
    [['events', '--tail', '100000', '-o', 'json'], 2_300],
    [['events', 'shop/db', '--since', '1h', '-o', 'json'], 2_300],
  ] as const)('%j are the same on every way', async (argv, least) => {
    const expected = await byFile(...argv);
    expect(expected.stdout.split('\n').length).toBeGreaterThanOrEqual(least);
    expect(expected.stdout).toContain('event 2299 of many');
    expect(await home.berth(...argv)).toEqual(expected);
    expect(await home.berth(...argv, ...host)).toEqual(expected);
  });
});

describe('another machine’s agent', () => {
  it('wants a token that is known', async () => {
    await writeFile(join(folder, 'wrong'), 'berth_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n');
    for (const argv of [hostWith('wrong'), host.slice(0, 2)]) {
      const refused = await home.berth('status', ...argv);
      expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
      expect(refused.stderr).toContain('error E_UNAUTHENTICATED');
    }
  });

  it('lets a token that may only read look, and no more', async () => {
    const added = await home.berth('token', 'add', 'reader', '--access', 'read');
    expect(added.exitCode, added.stderr).toBe(0);
    await writeFile(join(folder, 'reader'), `${await tokenOf('reader')}\n`);
    expect((await home.berth('status', ...hostWith('reader'))).exitCode).toBe(0);
    for (const argv of [
      ['stop', 'shop/web'],
      ['export', 'shop', '--reveal'],
      ['exec', 'shop/web', '--', 'true'],
    ]) {
      const [command = '', ...rest] = argv;
      const refused = await home.berth(command, ...hostWith('reader'), ...rest);
      expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
      expect(refused.stderr).toContain('error E_FORBIDDEN');
    }
  });

  it('that is not there is said so', async () => {
    const nobody = ['--host', `http://127.0.0.1:${String(await freePort())}`];
    const failed = await home.berth('status', ...nobody);
    expect(failed).toMatchObject({ exitCode: 1, stdout: '' });
    expect(failed.stderr).toMatch(/^error E_AGENT_UNREACHABLE: the agent at http:.*ECONNREFUSED/);
  });

  it('has no console of a container, and what works on files refuses it', async () => {
    for (const way of [[], host]) {
      const refused = await home.berth('console', 'shop/web', ...way);
      expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('E_NOT_SUPPORTED: a container')]);
    }
    expect((await home.berth('db', 'check', ...host)).stderr).toContain(
      'error E_USAGE: berth db check works on the files',
    );
  });
});

describe('the agent is killed', () => {
  /** A command that goes on, with the lines that it has printed. */
  function follow(...argv: readonly string[]) {
    const child = execa(process.execPath, [berthMain, ...argv], {
      env: home.env,
      cwd: root,
      reject: false,
      buffer: false,
    });
    const lines: string[] = [];
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    const stop = async (): Promise<unknown> => {
      child.kill('SIGINT');
      return { exitCode: (await child).exitCode, errors };
    };
    return { lines, stop };
  }

  interface Report {
    readonly agent: { readonly pid: number } | null;
    readonly components: readonly { readonly component: string; readonly desired: string; readonly phase: string }[];
  }

  it('and what is followed goes on when it is back: no event is missed, none told twice', async () => {
    const ways = [[], host];
    const events = ways.map((way) => follow('events', '-f', '-o', 'json', '--tail', '1', ...way));
    const reports = ways.map((way) => follow('status', '--watch', '-o', 'json', ...way));
    const logs = ways.map((way) => follow('logs', 'shop/db', '-f', ...way));
    const lastReport = (lines: readonly string[]): Report => JSON.parse(lines.at(-1) ?? '{}') as Report;
    for (const { lines } of [...events, ...reports, ...logs])
      await eventually(() => lines.length > 0, { timeoutMs: 20_000 });
    const firstOf = events.map(({ lines }) => (JSON.parse(lines[0] ?? '{}') as { readonly revision: number }).revision);
    await agent.kill();
    for (const { lines } of reports) {
      await eventually(() => expect(lastReport(lines).agent).toBeNull(), { timeoutMs: 20_000 });
    }
    agent = await home.startAgent();
    for (const { lines } of reports) {
      await eventually(() => expect(lastReport(lines).agent?.pid).toBe(agent.pid), { timeoutMs: 20_000 });
    }
    expect((await home.berth('stop', 'shop/web', '--wait')).exitCode).toBe(0);
    expect((await home.berth('start', 'shop/web', '--wait')).exitCode).toBe(0);
    const all = (await byFile('events', '-o', 'json', '--tail', '100')).stdout.split('\n');
    const revisionOf = (line: string): number => (JSON.parse(line) as { readonly revision: number }).revision;
    for (const [index, { lines }] of events.entries()) {
      const expected = all.filter((line) => revisionOf(line) >= (firstOf[index] ?? 0));
      await eventually(() => expect(lines.map(revisionOf)).toEqual(expected.map(revisionOf)), { timeoutMs: 20_000 });
    }
    for (const { lines } of reports) {
      await eventually(
        () => {
          const web = lastReport(lines).components.find(({ component }) => component === 'web');
          expect(web).toMatchObject({ desired: 'running', phase: 'running' });
          expect(lines.some((line) => line.includes('"phase":"stopped"'))).toBe(true);
        },
        { timeoutMs: 20_000 },
      );
    }
    const followed = [...events, ...reports, ...logs];
    expect(await Promise.all(followed.map(({ stop }) => stop()))).toEqual(
      followed.map(() => ({ exitCode: 0, errors: '' })),
    );
  });

  it('and its history was forgotten meanwhile: who resumes is told so, and begins anew by itself', async () => {
    const ways = [[], host];
    const events = ways.map((way) => follow('events', '-f', '-o', 'json', '--tail', '1', ...way));
    const reports = ways.map((way) => follow('status', '--watch', '-o', 'json', ...way));
    const lastReport = (lines: readonly string[]): Report => JSON.parse(lines.at(-1) ?? '{}') as Report;
    for (const { lines } of [...events, ...reports]) await eventually(() => lines.length > 0, { timeoutMs: 20_000 });
    const { epoch, revision } = await positionOf();
    await agent.kill();
    expect((await home.berth('stop', 'shop/web')).exitCode).toBe(0);
    await writeEvents(home, 'shop/db', 3);
    await forgetHistory(home);
    agent = await home.startAgent();
    const url = new URL(host[1] ?? '');
    const headers = { authorization: `Bearer ${await tokenOf('default')}`, 'last-event-id': `${epoch}:${revision}` };
    // It may ask for patience first.
    const gone = await eventually(
      async () => {
        const answer = await ask(url, { path: '/v1/watch', headers });
        return answer.status === 410 ? answer : null;
      },
      { timeoutMs: 30_000 },
    );
    if (gone === null) throw new Error('it is never gone');
    expect(JSON.parse(gone.body)).toMatchObject({
      code: 'E_WATCH_GONE',
      suggestion: expect.stringContaining('anew') as string,
    });
    for (const { lines } of reports) {
      await eventually(
        () => {
          expect(lastReport(lines).agent?.pid).toBe(agent.pid);
          const web = lastReport(lines).components.find(({ component }) => component === 'web');
          expect(web).toMatchObject({ desired: 'stopped', phase: 'stopped' });
        },
        { timeoutMs: 30_000 },
      );
    }
    // What happens from now on is told to all, once.
    expect((await home.berth('start', 'shop/web', '--wait')).exitCode).toBe(0);
    for (const { lines } of events) {
      await eventually(() => expect(lines.at(-1)).toContain('"component":"web"'), { timeoutMs: 20_000 });
      const told = lines.map((line) => (JSON.parse(line) as { readonly revision: number }).revision);
      expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
    }
    const ends = await Promise.all([...events, ...reports].map(({ stop }) => stop()));
    expect(ends).toEqual(ends.map(() => ({ exitCode: 0, errors: '' })));
  });

  it('and a deployment is waited for all the same', async () => {
    const waiting = follow('restart', 'shop', '--wait', '--timeout', '60s');
    await eventually(() => waiting.lines.length > 0, { timeoutMs: 20_000 });
    await agent.kill();
    agent = await home.startAgent();
    await eventually(() => waiting.lines.at(-1)?.startsWith('converged') === true, { timeoutMs: 60_000 });
  });
});
