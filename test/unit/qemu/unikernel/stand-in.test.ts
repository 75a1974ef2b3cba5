/** The stand-in for ops refuses what ops refuses, and where ops is careless it is, too. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { installStandIn, type StandIn } from '../../../support/ops/stand-in.js';
import { craftElf } from './craft-elf.js';

let folder: string;
let standIn: StandIn;
let home: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-stand-in-'));
  standIn = await installStandIn(join(folder, 'tools'));
  await writeFile(join(folder, 'program'), craftElf());
});
beforeEach(async () => {
  home = await mkdtemp(join(folder, 'home-'));
  await mkdir(join(home, '.ops', 'images'), { recursive: true });
  await writeFile(join(home, '.ops', 'latest.txt'), '0.1.55\n');
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function build(config: object, ...flags: string[]) {
  const path = join(home, 'config.json');
  const { nanosKernel: Kernel, nanosBoot: Boot } = standIn;
  await writeFile(path, JSON.stringify({ Kernel, Boot, ...config }));
  const argv = ['build', './program', '-c', path, '-i', 'one.two', ...flags];
  const options = { cwd: folder, env: { OPS_HOME: home }, reject: false, timeout: 30_000 } as const;
  const { exitCode, stdout, stderr } = await execa(standIn.ops, argv, options);
  return { exitCode, stdout, stderr };
}

const lastConfig = async (): Promise<object> => {
  const line = (await readFile(standIn.log, 'utf8')).trim().split('\n').at(-1)!;
  return (JSON.parse(line) as { config: object }).config;
};

it.each([
  [{ Memory: 'x' }, 'json: unknown field "Memory"'],
  [{ RunConfig: { MAC: 'x' } }, 'json: unknown field "MAC"'],
  [{ Args: 'x' }, 'json: cannot unmarshal string into Go struct field Config.Args of type []string'],
  [{ Env: { A: 1 } }, 'json: cannot unmarshal object into Go struct field Config.Env of type map[string]string'],
  [{ RunConfig: { CPUs: '2' } }, 'cannot unmarshal string into Go struct field RunConfig.CPUs of type int'],
])('refuses the configuration %j, with exit code 0 as ops does', async (config, words) => {
  const { exitCode, stdout, stderr } = await build(config);
  expect([exitCode, stdout.includes('Bootable')]).toEqual([0, false]);
  expect(stderr).toContain(words);
});

it.each([
  [{ Files: ['nothing'] }, 'is missing'],
  [{ ManifestPassthrough: { debug_exit: true } }, 'unknown type of value'],
  [{ Kernel: '/nowhere/kernel.img' }, '/nowhere/kernel.img'],
  [{ Boot: '/nowhere/boot.img' }, "boot file '/nowhere/boot.img' not found"],
])('fails in red on stdout for %j', async (config, words) => {
  const { exitCode, stdout } = await build(config);
  expect(exitCode).toBe(1);
  expect(stdout).toContain('\u001b[31m');
  expect(stdout).toContain(words);
});

it('cannot work offline without a local release', async () => {
  await rm(join(home, '.ops', 'latest.txt'));
  const { exitCode, stdout } = await build({});
  expect([exitCode, stdout]).toEqual([1, expect.stringContaining('No local build found.')]);
});

it('destroys the image of the name up to its first dot before it makes a new one', async () => {
  const image = join(home, '.ops', 'images', 'one');
  await writeFile(image, 'precious');
  await standIn.behave('half');
  const { exitCode } = await build({});
  await standIn.behave('good');
  expect(exitCode).toBe(1);
  expect(await readFile(image, 'utf8')).not.toContain('precious');
  expect(existsSync(`${image}.two`)).toBe(false);
});

it('takes keys whatever their case', async () => {
  await standIn.behave('silent');
  await build({ args: ['x'], runconfig: { ipaddress: '10.0.2.15' } });
  await standIn.behave('good');
  expect(await lastConfig()).toMatchObject({ args: ['x'], network: { address: '10.0.2.15' } });
});
