import { describe, expect, test } from 'vitest';
import { LogCursor } from '../../../src/api/log-cursor.js';
import { BerthError } from '../../../src/core/errors.js';
import type { Capability, Driver, LogLine, LogOptions } from '../../../src/core/ports/driver.js';
import { Bench, fakeDriver, patiently } from './support.js';

const at = (atMs: number, text: string): LogLine => ({ atMs, stream: 'stdout', text });

/** Logs that a test writes line by line; a follower of a log that ended gets its end. */
class FakeLogs {
  readonly #lines = new Map<string, LogLine[]>();
  readonly #ended = new Set<string>();
  readonly #wake = new Set<() => void>();

  write(id: string, ...lines: readonly LogLine[]): void {
    this.#lines.set(id, [...(this.#lines.get(id) ?? []), ...lines]);
    this.#notify();
  }

  /** The workload's program ended, or was started again. */
  setEnded(id: string, ended: boolean): void {
    if (ended) this.#ended.add(id);
    else this.#ended.delete(id);
    this.#notify();
  }

  #notify(): void {
    for (const wake of [...this.#wake]) wake();
  }

  async *read(id: string, options: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
    const all = this.#lines.get(id);
    if (all === undefined) throw new BerthError('E_WORKLOAD_MISSING', `there is no ${id}`);
    const { tail, sinceMs = 0 } = options;
    const old = all.filter((line) => (line.atMs ?? 0) >= sinceMs);
    yield* tail === undefined ? old : tail === 0 ? [] : old.slice(-tail);
    let position = all.length;
    while (options.follow === true && !signal.aborted) {
      const lines = this.#lines.get(id) ?? [];
      const fresh = lines.slice(position);
      position = lines.length;
      yield* fresh;
      if (fresh.length > 0) continue;
      if (this.#ended.has(id)) return;
      await new Promise<void>((resolve) => {
        this.#wake.add(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }
}

function driverOver(logs: FakeLogs, capabilities: readonly Capability[] = []): Driver {
  return fakeDriver({
    logs: (id, options, signal) => logs.read(id, options, signal),
    capabilities: () => Promise.resolve(capabilities),
    close: () => Promise.resolve(),
  });
}

async function withLogs(): Promise<{ readonly bench: Bench; readonly logs: FakeLogs }> {
  const bench = new Bench();
  const logs = new FakeLogs();
  bench.drivers = [driverOver(logs)];
  await bench.withShop();
  await bench.running('shop/web', { nativeId: 'w1' });
  await bench.running('shop/db', { nativeId: 'd1' });
  return { bench, logs };
}

describe('logs', () => {
  test('of several components are merged by time, each behind its name', async () => {
    const { bench, logs } = await withLogs();
    logs.write('w1', at(1_000, 'first'), at(3_000, 'third'));
    logs.write('d1', at(2_000, 'second'));
    const { exit, out } = await bench.run('logs', 'shop');
    expect(exit).toBe(0);
    expect(out).toBe('web | first\ndb  | second\nweb | third\n');
    expect((await bench.run('logs', 'shop', '--tail', '1')).out).toBe('db  | second\nweb | third\n');
    expect((await bench.run('logs', 'shop/web', '--since', '1970-01-01T00:00:02Z', '-t')).out).toBe(
      '1970-01-01T00:00:03.000Z third\n',
    );
    expect(JSON.parse((await bench.run('logs', 'shop/db', '-o', 'json')).out)).toEqual({
      service: 'shop',
      component: 'db',
      at: '1970-01-01T00:00:02.000Z',
      stream: 'stdout',
      text: 'second',
    });
  });

  test('follow a restart without losing or repeating a line', async () => {
    const { bench, logs } = await withLogs();
    logs.write('w1', at(1_000, 'a'), at(1_000, 'b'));
    const following = bench.start('logs', 'shop/web', '-f');
    await expect.poll(() => following.out(), patiently).toBe('a\nb\n');
    logs.setEnded('w1', true);
    logs.write('w1', at(1_000, 'c'));
    await expect.poll(() => following.out(), patiently).toBe('a\nb\nc\n');
    logs.setEnded('w1', false);
    logs.write('w1', at(2_000, 'd'));
    await expect.poll(() => following.out(), patiently).toBe('a\nb\nc\nd\n');
    following.interrupt();
    expect((await following.done).exit).toBe(0);
  });

  test('follow a replacement: the last lines of the old and the first of the new', async () => {
    const { bench, logs } = await withLogs();
    logs.write('w1', at(1_000, 'old 1'));
    const following = bench.start('logs', 'shop/web', '-f', '--tail', '1');
    await expect.poll(() => following.out(), patiently).toBe('old 1\n');
    logs.write('w2', at(2_000, 'new 1'), at(2_000, 'new 2'));
    await bench.running('shop/web', { nativeId: 'w2' });
    await expect.poll(() => following.out(), patiently).toBe('old 1\nnew 1\nnew 2\n');
    logs.write('w1', at(2_500, 'old 2'));
    await expect.poll(() => following.out(), patiently).toContain('old 2');
    logs.setEnded('w1', true);
    logs.write('w2', at(3_000, 'new 3'));
    await expect.poll(() => following.out(), patiently).toContain('new 3');
    following.interrupt();
    expect((await following.done).out.trim().split('\n').sort()).toEqual(['new 1', 'new 2', 'new 3', 'old 1', 'old 2']);
  });

  test('follow a component that has no workload yet', async () => {
    const { bench, logs } = await withLogs();
    await bench.observe('shop/web', { phase: 'creating' });
    const missing = await bench.run('logs', 'shop/web');
    expect(missing.exit).toBe(1);
    expect(missing.err).toContain('error E_WORKLOAD_MISSING');
    const following = bench.start('logs', 'shop/web', '-f');
    logs.write('w9', at(1_000, 'hello'));
    await bench.running('shop/web', { nativeId: 'w9' });
    await expect.poll(() => following.out(), patiently).toBe('hello\n');
    following.closeStdout();
    expect(await following.done).toMatchObject({ exit: 0, err: '' });
  });

  test('cannot move the cursor of a terminal', async () => {
    const { bench, logs } = await withLogs();
    logs.write('w1', at(1_000, 'red \u001b[31mtext'));
    expect((await bench.run('logs', 'shop/web')).out).toContain('\u001b[31m');
    bench.answers = [];
    expect((await bench.run('logs', 'shop/web')).out).toBe('red  [31mtext\n');
  });

  test('want a runtime, and something that exists', async () => {
    const { bench } = await withLogs();
    expect((await bench.run('logs', 'shop/wbe')).exit).toBe(4);
    bench.drivers = undefined;
    expect((await bench.run('logs', 'shop/web')).err).toContain('error E_RUNTIME_UNAVAILABLE');
  });
});

describe('the place in a log', () => {
  test('lines of one millisecond are told apart by their order', () => {
    const cursor = new LogCursor();
    const taken = (lines: readonly LogLine[]): readonly string[] => {
      cursor.resume();
      return lines.filter((line) => cursor.accept(line)).map((line) => line.text);
    };
    const lines = [at(1, 'a'), at(2, 'b'), at(2, 'b'), at(2, 'c')];
    expect(taken(lines.slice(0, 3))).toEqual(['a', 'b', 'b']);
    expect(cursor.query()).toEqual({ sinceMs: 2 });
    expect(taken(lines.slice(1))).toEqual(['c']);
    expect(taken([...lines, at(5, 'd')])).toEqual(['d']);
  });

  test('lines without a time are counted', () => {
    const cursor = new LogCursor();
    const line = (text: string): LogLine => ({ atMs: null, stream: 'console', text });
    cursor.resume();
    expect([line('a'), line('b')].filter((item) => cursor.accept(item))).toHaveLength(2);
    cursor.resume();
    expect([line('a'), line('b'), line('c')].filter((item) => cursor.accept(item))).toEqual([line('c')]);
  });
});

describe('doctor', () => {
  test('shows what is missing with its remedy; a missing runtime is an error', async () => {
    const bench = new Bench();
    await bench.withShop();
    const limits = { name: 'limits.memory', ok: false, detail: 'no memory controller', remedy: 'mount it' };
    bench.drivers = [driverOver(new FakeLogs(), [limits])];
    const fine = await bench.run('doctor');
    expect(fine.exit).toBe(0);
    expect(fine.out).toContain('mount it');
    const runtime = { name: 'simulated', ok: false, detail: 'not installed', remedy: 'install it' };
    bench.drivers = [driverOver(new FakeLogs(), [runtime])];
    bench.agent = null;
    const broken = await bench.run('doctor', '-o', 'json');
    expect(broken.exit).toBe(1);
    const { ok, checks } = JSON.parse(broken.out) as {
      ok: boolean;
      checks: readonly { name: string; level: string }[];
    };
    expect(ok).toBe(false);
    expect(checks.map((check) => [check.name, check.level])).toEqual([
      ['registry', 'ok'],
      ['agent', 'warning'],
      ['simulated', 'error'],
    ]);
  });
});
