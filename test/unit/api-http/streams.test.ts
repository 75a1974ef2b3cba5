/** What goes on: logs, waits and watches, to readers that are slow, gone, or too many. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { StreamSlots } from '../../../src/api/http/slots.js';
import { BerthError } from '../../../src/core/errors.js';
import type { LogLine } from '../../../src/core/ports/driver.js';
import { eventually } from '../../support/eventually.js';
import { startBench, up, type Bench } from './support.js';

interface Stream {
  readonly response: IncomingMessage;
  text(): string;
  lines(): readonly { readonly text?: string }[];
  readonly ended: Promise<void>;
  abort(): void;
}

/** A request whose answer goes on. `read` false: it takes nothing. */
async function stream(bench: Bench, method: string, path: string, body?: unknown, read = true): Promise<Stream> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const headers = payload === undefined ? {} : { 'content-type': 'application/json' };
  const options = { socketPath: bench.server.address.socket!, method, path, headers, agent: false };
  return new Promise((resolve, reject) => {
    const request = httpRequest(options, (response) => {
      let text = '';
      if (read) response.on('data', (chunk: Buffer) => void (text += chunk.toString()));
      response.on('error', () => undefined);
      const ended = new Promise<void>((done) => response.once('close', () => done()));
      resolve({
        response,
        text: () => text,
        lines: () =>
          text
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => JSON.parse(line) as { readonly text?: string }),
        ended,
        abort: () => void request.destroy(),
      });
    });
    request.on('error', reject);
    onTestFinished(() => void request.destroy());
    request.end(payload);
  });
}

const line = (text: string): LogLine => ({ atMs: 1_000, stream: 'stdout', text });

/** A home whose one log is made by the test. */
async function logging(
  logs: (signal: AbortSignal) => AsyncGenerator<LogLine>,
  limits: NonNullable<Parameters<typeof startBench>[0]>['limits'] = {},
): Promise<Bench> {
  const bench = await startBench({
    driver: { inspect: () => Promise.resolve(undefined), logs: (_id, _options, signal) => logs(signal) },
    limits,
  });
  await bench.applyShop();
  await bench.observe('shop/web', up);
  return bench;
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

const logPath = '/v1/components/shop/web/logs';

describe('logs', () => {
  it('come as they are written, each once, and end when whoever reads has gone', async () => {
    let release: (() => void) | undefined;
    let stopped = false;
    const bench = await logging(async function* (signal) {
      yield line('one');
      await new Promise<void>((resolve) => (release = resolve));
      yield line('two');
      await untilAborted(signal);
      stopped = true;
    });
    const { lines, abort } = await stream(bench, 'GET', `${logPath}?follow=true`);
    await eventually(() => lines().length === 1);
    release?.();
    await eventually(() => lines().length === 2);
    expect(lines().map((entry) => entry.text)).toEqual(['one', 'two']);
    expect(bench.server.serving().streams).toBe(1);
    abort();
    await eventually(() => stopped && bench.server.serving().streams === 0);
  });

  it('of several are all let go of when one of them breaks, and when whoever reads has gone', async () => {
    let [open, begun] = [0, 0];
    let breaks = true;
    const bench = await logging(async function* (signal) {
      const isFirst = (begun += 1) % 2 === 1;
      open += 1;
      try {
        for (let count = 0; !signal.aborted; count += 1) {
          yield line('one');
          if (breaks && isFirst && count === 3) throw new BerthError('E_DRIVER_UNREACHABLE', 'nobody there any more');
          await new Promise((resolve) => void setImmediate(resolve));
        }
      } finally {
        open -= 1;
      }
    });
    await bench.observe('shop/db', { ...up, nativeId: 'beef' });
    const { text } = await bench.ask('GET', '/v1/services/shop/logs');
    expect(text).toContain('nobody there any more');
    expect([begun, open]).toEqual([2, 0]);
    breaks = false;
    const { lines, abort } = await stream(bench, 'GET', '/v1/services/shop/logs');
    await eventually(() => lines().length > 10);
    abort();
    await eventually(() => begun === 4 && open === 0);
  });

  it('that are silent are answered all the same', async () => {
    const bench = await logging(async function* (signal) {
      await untilAborted(signal);
      yield* [];
    });
    const { response } = await stream(bench, 'GET', `${logPath}?follow=true`);
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toContain('application/x-ndjson');
  });

  it('that fail at once are a problem, and later a line that is one', async () => {
    let failing = true;
    const bench = await logging(async function* () {
      if (failing) throw new BerthError('E_DRIVER_UNREACHABLE', 'nobody there');
      yield line('one');
      throw new BerthError('E_DRIVER_UNREACHABLE', 'nobody there any more');
    });
    const answer = await bench.ask('GET', logPath);
    expect([answer.status, answer.body.code]).toEqual([503, 'E_DRIVER_UNREACHABLE']);
    failing = false;
    const { text } = await bench.ask('GET', logPath);
    const lines = text
      .trim()
      .split('\n')
      .map((entry): unknown => JSON.parse(entry));
    expect(lines).toEqual([
      expect.objectContaining({ text: 'one' }),
      expect.objectContaining({ code: 'E_DRIVER_UNREACHABLE', type: 'urn:berth:error:E_DRIVER_UNREACHABLE' }),
    ]);
    expect(bench.server.serving().streams).toBe(0);
  });

  it('are read from the runtime no faster than they are taken, and a reader that takes nothing is dropped', async () => {
    let made = 0;
    const bench = await logging(
      async function* (signal) {
        while (!signal.aborted) {
          made += 1;
          yield line('x'.repeat(10_000));
        }
      },
      { stalledMs: 300 },
    );
    const { response, ended } = await stream(bench, 'GET', logPath, undefined, false);
    response.pause();
    // What the kernel keeps on both sides and Node on each is some hundred KiB: ten times that would be memory of ours.
    await eventually(() => bench.server.serving().streams === 0);
    expect(made * 10_000).toBeLessThan(10 * 1_048_576);
    response.resume();
    await ended;
    const after = made;
    expect((await bench.ask('GET', '/healthz')).text).toBe('ok');
    expect(made).toBe(after);
  });
});

describe('a wait', () => {
  it('tells the progress whenever it changes, and last how it ended', async () => {
    const bench = await startBench();
    await bench.applyShop();
    const body = { components: [{ service: 'shop', component: 'web' }], timeoutMs: 60_000 };
    const { lines, ended, response } = await stream(bench, 'POST', '/v1/wait', body);
    expect(response.statusCode).toBe(200);
    await eventually(() => lines().length >= 1);
    expect(lines()[0]).toMatchObject([{ progress: 'waiting', component: { component: 'web' } }]);
    await bench.observe('shop/web', up);
    await ended;
    expect(lines().at(-2)).toMatchObject([{ progress: 'converged' }]);
    expect(lines().at(-1)).toMatchObject({ outcome: 'converged' });
  });

  it('ends when time is up', async () => {
    const bench = await startBench();
    await bench.applyShop();
    const body = { components: [{ service: 'shop', component: 'web' }], timeoutMs: 20 };
    const answer = await bench.ask('POST', '/v1/wait', { body });
    expect(JSON.parse(answer.text.trim().split('\n').at(-1)!)).toMatchObject({ outcome: 'timeout' });
  });

  it('of many reads the registry once a change', async () => {
    const bench = await startBench();
    await bench.applyShop();
    let reads = 0;
    const components = bench.registry.components.bind(bench.registry);
    Object.defineProperty(bench.registry, 'components', {
      configurable: true,
      value: (...args: Parameters<typeof components>) => {
        reads += 1;
        return components(...args);
      },
    });
    const body = { components: [{ service: 'shop', component: 'web' }], timeoutMs: 60_000 };
    const waits = await Promise.all(Array.from({ length: 50 }, () => stream(bench, 'POST', '/v1/wait', body)));
    await eventually(() => waits.every(({ lines }) => lines().length === 1));
    const before = reads;
    await bench.observe('shop/web', { ...up, ready: false, phase: 'starting' });
    await eventually(() => waits.every(({ lines }) => lines().length === 2));
    expect(reads - before).toBeLessThanOrEqual(3);
  });
});

describe('a watch', () => {
  it('tells all that is and what changes, and goes on from where it was', async () => {
    const bench = await startBench();
    await bench.applyShop();
    const first = await stream(bench, 'GET', '/v1/watch?service=shop');
    expect(first.response.headers['content-type']).toContain('text/event-stream');
    await eventually(() => first.text().includes('event: synced'));
    await bench.observe('shop/web', up);
    await eventually(() => first.text().includes('"phase":"running"'));
    const id = [...first.text().matchAll(/^id: (\S+)/gm)].at(-1)![1]!;
    first.abort();
    await eventually(() => bench.server.serving().streams === 0);
    await bench.observe('shop/db', up);
    const second = await stream(bench, 'GET', `/v1/watch?service=shop&after=${encodeURIComponent(id)}`);
    await eventually(() => second.text().includes('"component":"db"'));
    expect(second.text()).not.toContain('"component":"web"');
  });

  it('that asks for what is no longer known is told so', async () => {
    const bench = await startBench();
    const answer = await bench.ask('GET', '/v1/watch', { headers: { 'last-event-id': 'another-epoch:7' } });
    expect([answer.status, answer.body.code]).toEqual([410, 'E_WATCH_GONE']);
    expect(bench.server.serving().streams).toBe(0);
  });
});

describe('streams', () => {
  it('are bounded in all, and by caller over TCP', () => {
    const slots = new StreamSlots({ streams: 5, streamsACaller: 2 });
    const caller = (via: 'socket' | 'token', name: string) =>
      ({ via, name, access: 'read', actor: `${via}:${name}` }) as const;
    const ann = caller('token', 'ann');
    const [first] = [slots.take(ann), slots.take(ann)];
    expect(() => slots.take(ann)).toThrow('ann has 2 streams open already');
    first();
    first();
    slots.take(ann);
    const rest = [1, 2, 3].map(() => slots.take(caller('socket', 'x')));
    expect(() => slots.take(caller('socket', 'x'))).toThrow('5 streams');
    expect(() => slots.take(caller('token', 'ben'))).toThrow('5 streams');
    for (const release of rest) release();
    expect(slots.taken).toBe(2);
  });

  it('that are too many are refused, and let in again when others end', async () => {
    const bench = await startBench({ limits: { streams: 3 } });
    const open = await Promise.all([1, 2, 3].map(() => stream(bench, 'GET', '/v1/watch')));
    const answer = await bench.ask('GET', '/v1/watch');
    expect([answer.status, answer.body.code]).toEqual([429, 'E_TOO_MANY']);
    open[0]!.abort();
    await eventually(() => bench.server.serving().streams === 2);
    expect((await stream(bench, 'GET', '/v1/watch')).response.statusCode).toBe(200);
  });
});
