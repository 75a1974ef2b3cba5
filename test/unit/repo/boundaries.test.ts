import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** A violation of each kind: a file that must not be, and the rule that has to name it. */
const planted = [
  { file: 'src/core/planted.ts', imports: 'node:fs', rule: 'core-is-pure' },
  { file: 'src/core/planted.ts', imports: 'zod', rule: 'core-is-pure' },
  { file: 'src/core/planted.ts', imports: '../registry/there.js', rule: 'core-is-pure' },
  { file: 'reconcilers/component/planted.ts', imports: 'node:timers', rule: 'reconcilers-are-pure' },
  { file: 'reconcilers/component/planted.ts', imports: 'execa', rule: 'reconcilers-are-pure' },
  { file: 'reconcilers/component/planted.ts', imports: '../../src/registry/there.js', rule: 'reconcilers-are-pure' },
  { file: 'src/registry/planted.ts', imports: '../controller/there.js', rule: 'shell-registry' },
  { file: 'src/monitor/planted.ts', imports: '../registry/there.js', rule: 'shell-monitor' },
  { file: 'src/usage/planted.ts', imports: '../registry/there.js', rule: 'shell-usage' },
  { file: 'src/runtimes/podman/planted.ts', imports: '../simulated/there.js', rule: 'shell-runtimes' },
  { file: 'src/runtimes/podman/planted.ts', imports: '../../registry/there.js', rule: 'shell-runtimes' },
  { file: 'src/controller/planted.ts', imports: '../registry/there.js', rule: 'controller-drives-reconcilers' },
  { file: 'src/monitor/planted.ts', imports: '../../reconcilers/component/there.js', rule: 'shell-monitor' },
  { file: 'src/cli/planted.ts', imports: '../registry/there.js', rule: 'cli-knows-the-api' },
  { file: 'src/api/planted.ts', imports: '../registry/there.js', rule: 'api-knows-core' },
  { file: 'src/agent/planted.ts', imports: '../registry/there.js', rule: 'agent-composes-in-one-file' },
  { file: 'src/cli/planted.ts', imports: '../agent/compose.js', rule: 'nothing-imports-the-composer' },
  { file: 'src/simulation/planted.ts', imports: '../api/there.js', rule: 'simulation-composes-the-core' },
  { file: 'src/simulation/planted.ts', imports: '../runtimes/podman/there.js', rule: 'simulation-composes-the-core' },
  { file: 'src/controller/planted.ts', imports: '../simulation/there.js', rule: 'nothing-imports-the-simulation' },
  { file: 'src/dashboard/app/planted.ts', imports: '../../core/there.js', rule: 'dashboard-knows-types' },
  { file: 'src/dashboard/model/planted.ts', imports: '../../api/there.js', rule: 'dashboard-knows-types' },
  { file: 'src/dashboard/server/planted.ts', imports: '../../registry/there.js', rule: 'dashboard-knows-the-api' },
  { file: 'src/dashboard/model/planted.ts', imports: '../app/there.js', rule: 'dashboard-runs-in-two-places' },
  { file: 'src/dashboard/server/planted.ts', imports: 'preact', rule: 'no-dev-package' },
  { file: 'src/api/planted.ts', imports: '../dashboard/there.js', rule: 'nothing-imports-the-dashboard' },
  { file: 'src/registry/planted.ts', imports: 'vitest', rule: 'no-dev-package' },
  { file: 'src/registry/planted.ts', imports: './not-there.js', rule: 'no-unresolvable' },
] as const;

/** Of one run; two seconds on a quiet machine. */
const deadlineMs = 60_000;

describe('the boundary check', { timeout: deadlineMs }, () => {
  let folder = '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-boundaries-'));
    for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json']) {
      await cp(join(root, file), join(folder, file));
    }
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('names every planted violation, and nothing else', async () => {
    const expected = new Set<string>();
    for (const [index, { file, imports, rule }] of planted.entries()) {
      const path = file.replace('planted', `planted-${index}`);
      await write(folder, path, `import * as other from '${imports}';\nexport const use = other;\n`);
      expected.add(`${rule}: ${path}`);
      if (imports.startsWith('.') && !imports.includes('not-there')) {
        const target = join(dirname(path), imports).replace(/\.js$/, '.ts');
        await write(folder, target, 'export const there = 1;\n');
      }
    }
    const { exitCode, violations } = await cruise(folder);
    expect(exitCode).not.toBe(0);
    for (const line of expected) expect(violations).toContain(line);
    for (const line of violations) expect(line).toMatch(/planted-/);
  });

  it('names a circle', async () => {
    await write(
      folder,
      'src/registry/one.ts',
      "import { two } from './two.js';\nexport const one = (): number => two();\n",
    );
    await write(
      folder,
      'src/registry/two.ts',
      "import { one } from './one.js';\nexport const two = (): number => one();\n",
    );
    const { exitCode, violations } = await cruise(folder);
    expect(exitCode).not.toBe(0);
    expect(violations).toContain('no-circular: src/registry/one.ts');
  });

  it('passes what is allowed', async () => {
    await write(folder, 'src/core/a.ts', 'export const a = 1;\n');
    await write(
      folder,
      'reconcilers/component/r.ts',
      "import { a } from '../../src/core/a.js';\nexport const r = a;\n",
    );
    await write(
      folder,
      'src/registry/s.ts',
      "import 'better-sqlite3';\nimport { a } from '../core/a.js';\nexport const s = a;\n",
    );
    await write(
      folder,
      'src/agent/compose.ts',
      "import { s } from '../registry/s.js';\nimport { r } from '../../reconcilers/component/r.js';\nexport const c = [s, r];\n",
    );
    expect(await cruise(folder)).toEqual({ exitCode: 0, violations: [] });
  });

  it('is part of the checks', async () => {
    expect(await readFile(join(root, 'scripts/lib/checks.mjs'), 'utf8')).toContain('.dependency-cruiser.cjs');
  });
});

async function write(folder: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

/** Runs the check as `npm run check` does, and reads the rules and files that it names. */
async function cruise(folder: string): Promise<{ exitCode: number | undefined; violations: readonly string[] }> {
  const folders = ['src', 'reconcilers'].filter((name) => existsSync(join(folder, name)));
  const argv = ['--config', '.dependency-cruiser.cjs', ...folders];
  const { exitCode, stdout } = await execa(join(root, 'node_modules/.bin/depcruise'), argv, {
    cwd: folder,
    reject: false,
    timeout: deadlineMs,
  });
  const violations = [...stdout.matchAll(/^ +error ([\w-]+): (\S+?)(?: →.*)?$/gm)].map(
    (match) => `${match[1]}: ${match[2]}`,
  );
  return { exitCode, violations };
}
