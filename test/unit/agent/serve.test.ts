/** An agent of made-up parts that is told to end while it starts. */
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { serve, type AgentFacts, type AgentParts } from '../../../src/agent/run-agent.js';
import { readSettings } from '../../../src/agent/settings.js';
import type { Driver } from '../../../src/core/ports/driver.js';
import type { Registry } from '../../../src/core/ports/registry.js';
import { eventually } from '../../support/eventually.js';

const stages = ['driver', 'monitor', 'controller', 'watcher'] as const;
type Stage = (typeof stages)[number];

/** Each part notes what is done to it. The start waits at one of them until it is let go. */
function makeBench(held: Stage | null) {
  const done: string[] = [];
  let letGo = (): void => undefined;
  let tellEnd: (signal: string) => void = () => undefined;
  const stop = new Promise<string>((resolve) => {
    tellEnd = resolve;
  });
  const reach = async (stage: Stage): Promise<void> => {
    done.push(`${stage} begins`);
    if (stage === held) await new Promise<void>((resolve) => (letGo = resolve));
    done.push(`${stage} began`);
  };
  const closes = (name: string) => (): Promise<void> => {
    done.push(`${name} closes`);
    return Promise.resolve();
  };
  const part = (name: Stage) => ({ start: () => reach(name), close: closes(name) });
  const parts = {
    api: () => ({ listen: () => Promise.resolve(), close: closes('api') }),
    monitor: () => part('monitor'),
    controller: () => ({ ...part('controller'), queueDepth: 0 }),
    usage: () => ({ start: () => void done.push('usage began'), close: closes('usage') }),
    watchDefinitions: async () => {
      await reach('watcher');
      return { close: closes('watcher') };
    },
  } as unknown as AgentParts;
  const driver = { name: 'one', open: () => reach('driver'), close: closes('driver') } as unknown as Driver;
  const registry = { homeId: 'h', close: closes('registry') } as unknown as Registry;
  const settings = readSettings({ fileText: null, filePath: '', env: {}, flags: { definitions: '/srv/definitions' } });
  const facts: AgentFacts = { registry, drivers: [driver], log: pino({ enabled: false }), settings: () => settings };
  const run = {
    home: '/nowhere',
    parts,
    loadSettings: () => settings,
    onReady: () => void done.push('ready'),
  };
  const exit = serve(run, facts, stop);
  onTestFinished(async () => {
    letGo();
    tellEnd('SIGTERM');
    await exit;
  });
  return { done, exit, letGo: () => letGo(), end: () => tellEnd('SIGTERM') };
}

test('an agent that is up ends its parts, and the registry last', async () => {
  const bench = makeBench(null);
  await eventually(() => bench.done.includes('ready'));
  bench.end();
  expect(await bench.exit).toBe(0);
  expect(bench.done.filter((what) => what === 'watcher closes')).toHaveLength(1);
  expect(bench.done.at(-1)).toBe('registry closes');
});

test.each(stages)('told to end while the %s begins, it begins nothing more, and leaves nothing open', async (held) => {
  const bench = makeBench(held);
  await eventually(() => bench.done.includes(`${held} begins`));
  bench.end();
  await eventually(() => bench.done.includes('monitor closes'));
  expect(bench.done).not.toContain('registry closes');
  bench.letGo();
  expect(await bench.exit).toBe(0);
  const at = bench.done.indexOf(`${held} began`);
  expect(bench.done.slice(at + 1).filter((what) => /(?:begins|began|ready)$/.test(what))).toEqual([]);
  // What came late is closed after it came.
  expect(bench.done.slice(at + 1)).toContain(`${held} closes`);
  expect(bench.done.at(-1)).toBe('registry closes');
});
