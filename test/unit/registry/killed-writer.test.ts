/** A process that writes is killed at any moment: what it said was done is there, and nothing is half there. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { execa } from 'execa';
import { rolldown } from 'rolldown';
import { expect, onTestFinished, test } from 'vitest';
import { checkRegistry, openRegistry } from '../../../src/registry/index.js';
import { createSeededChance } from '../../../src/simulation/seeded-chance.js';
import { realChance, realClock } from '../../support/real-clock.js';
import { faultsOf } from './fault-support.js';
import { sqlite, temporaryFolder } from './support.js';

const kills = 15;

/** The writer as one file that Node runs; within the project, where it finds its packages and migrations. */
async function bundleWriter(): Promise<string> {
  const folder = await mkdtemp(join(import.meta.dirname, '../../../node_modules/.berth-writer-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const input = join(import.meta.dirname, 'endless-writer.ts');
  const build = await rolldown({ input, platform: 'node', external: ['better-sqlite3', 'kysely'], logLevel: 'silent' });
  const file = join(folder, 'writer.mjs');
  await build.write({ file, format: 'esm', codeSplitting: false });
  await build.close();
  return file;
}

/** Runs the writer until it is killed, `delayMs` after it opened the registry; answers what it said. */
async function writeUntilKilled(writer: string, path: string, from: number, delayMs: number) {
  const child = execa(process.execPath, [writer, path, String(from)], {
    timeout: 60_000,
    reject: false,
    stdin: 'ignore',
  });
  child.stdout.once('data', () => void pause(delayMs).then(() => child.kill('SIGKILL')));
  const { stdout, signal } = await child;
  return { said: stdout.split('\n').filter((line) => line !== '' && line !== 'open'), signal };
}

test(`${kills} kills and more lose nothing that was said to be done`, async () => {
  const seed = Number(process.env['BERTH_SEED'] ?? Math.floor(Math.random() * 1_000_000));
  const chance = createSeededChance(seed);
  const writer = await bundleWriter();
  const path = join(temporaryFolder(), 'registry.db');
  const said: string[] = [];
  let from = 1;
  // On a busy machine a life may be too short for a word: then there are more of them.
  for (let kill = 1; kill <= kills || said.length <= kills; kill += 1) {
    const delayMs = Math.floor(chance.random() * 120);
    const life = await writeUntilKilled(writer, path, from, delayMs);
    const where = `BERTH_SEED=${seed}, kill ${kill} after ${delayMs} ms, ${life.said.length} said`;
    expect(life.signal, where).toBe('SIGKILL');
    said.push(...life.said);
    // Of the last one nobody knows; another process goes on after it.
    from += life.said.filter((line) => line.startsWith('change')).length + 1;
    const handle = new Database(path);
    const found = faultsOf(handle);
    const seen = new Set([
      ...column(handle, "select 'change ' || substr(name, 2) from components where name glob 'c[0-9]*'"),
      ...column(handle, "select 'event ' || substr(message, 2) from events"),
      ...column(handle, "select 'intent ' || substr(name, 2) from ledger"),
    ]);
    // Both halves of a change are there, or none.
    const torn = column(
      handle,
      "select max(substr(name, 2) + 64) - (select memory_mb from components where name = 'web') from components where name glob 'c[0-9]*'",
    );
    handle.close();
    expect(found, where).toEqual([]);
    expect(
      said.filter((line) => !seen.has(line)),
      where,
    ).toEqual([]);
    expect(torn[0] ?? 0, where).toBe(0);
    expect(checkRegistry(path), where).toMatchObject({ ok: true });
  }
  expect(said.length).toBeGreaterThan(kills);
  const registry = await openRegistry({ path, clock: realClock, chance: realChance });
  onTestFinished(() => registry.close());
  const before = await registry.revision();
  sqlite(path, "insert into components (service, name, image) values ('shop', 'last', 'localhost/last:1')");
  expect(await registry.feed(before, 10)).toMatchObject({ entries: [{ actor: 'sql', component: 'last' }] });
}, 120_000);

function column(handle: Database.Database, text: string): readonly unknown[] {
  return handle.prepare(text).pluck().all();
}
