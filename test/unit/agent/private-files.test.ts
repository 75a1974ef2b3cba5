import { chmodSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { shutFiles } from '../../../src/agent/private-files.js';

test('the registry, its companions and backups, and the tokens are shut to others, and nothing else is touched', async () => {
  const home = mkdtempSync(join(tmpdir(), 'berth-private-'));
  onTestFinished(() => {
    rmSync(home, { recursive: true, force: true });
  });
  const modes = {
    'registry.db': 0o644,
    'registry.db-wal': 0o666,
    'registry.db.backup-v9': 0o640,
    'tokens.json': 0o604,
    'berth.toml': 0o644,
    'registry.dbx': 0o644,
    elsewhere: 0o644,
  };
  for (const [name, mode] of Object.entries(modes)) {
    writeFileSync(join(home, name), '');
    chmodSync(join(home, name), mode);
  }
  symlinkSync('elsewhere', join(home, 'registry.db.link'));
  const told: string[] = [];
  const note = (facts: object | string): void => void told.push(JSON.stringify(facts));
  const log = { debug: () => undefined, info: () => undefined, warn: note, error: note };
  await shutFiles(home, log);
  const after = Object.fromEntries(
    Object.keys(modes).map((name) => [name, (statSync(join(home, name)).mode & 0o777).toString(8)]),
  );
  expect(after).toEqual({
    'registry.db': '600',
    'registry.db-wal': '600',
    'registry.db.backup-v9': '600',
    'tokens.json': '600',
    'berth.toml': '644',
    'registry.dbx': '644',
    elsewhere: '644',
  });
  expect(told).toHaveLength(4);
  await shutFiles(join(home, 'not-there'), log);
  expect(told).toHaveLength(4);
});
