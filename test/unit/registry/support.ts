/** A registry in a folder of its own, and Debian's sqlite3 to edit it behind Berth's back. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { onTestFinished } from 'vitest';
import type { Change, ChangeContext, ChangeLogEntry, Registry } from '../../../src/core/ports/registry.js';
import { componentDefaults, type ComponentSpec } from '../../../src/core/spec.js';
import { openRegistry, type OpenOptions } from '../../../src/registry/index.js';
import { realChance, realClock } from '../../support/real-clock.js';

export const cli: ChangeContext = { actor: 'cli:test', request: 'r1', message: 'a test' };
export const agent: ChangeContext = { actor: 'agent', request: null, message: null };

/** A folder that is gone when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'berth-registry-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export interface Opened {
  readonly registry: Registry;
  readonly path: string;
  /** Runs SQL in Debian's sqlite3 and answers what it prints. */
  readonly sqlite: (text: string) => string;
}

export async function openTemporary(options: Partial<OpenOptions> = {}): Promise<Opened> {
  const path = options.path ?? join(temporaryFolder(), 'registry.db');
  const registry = await openRegistry({ clock: realClock, chance: realChance, create: true, ...options, path });
  onTestFinished(() => registry.close());
  return { registry, path, sqlite: (text) => sqlite(path, text) };
}

/** Runs SQL in Debian's sqlite3; throws with what it said when it refuses. */
export function sqlite(path: string, text: string): string {
  return execaSync('sqlite3', ['-bail', path], { input: text, timeout: 10_000 }).stdout;
}

export function spec(name: string, fields: Partial<ComponentSpec> = {}): ComponentSpec {
  return { ...componentDefaults, name, image: 'localhost/test:1', ...fields };
}

export function put(service: string, component: ComponentSpec, ifGeneration?: number): Change {
  return {
    kind: 'put-component',
    service,
    spec: component,
    source: null,
    ...(ifGeneration === undefined ? {} : { ifGeneration }),
  };
}

export const putService = (name: string, active = true): Change => ({
  kind: 'put-service',
  name,
  node: 'local',
  active,
});

/** The whole feed after a revision; fails on a gap. */
export async function feedAfter(registry: Registry, revision: number): Promise<readonly ChangeLogEntry[]> {
  const read = await registry.feed(revision, 100_000);
  if (read.kind === 'gap') throw new Error(`gap: the feed begins after ${read.oldest}`);
  return read.entries;
}
