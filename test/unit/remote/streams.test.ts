/** Streams through the ends of connections and agents: they go on without a gap or a repeat. */
import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { ProgressView } from '../../../src/api/client.js';
import type { LogEntry, StatusReport } from '../../../src/api/views.js';
import type { Clock } from '../../../src/core/ports/clock.js';
import { eventually } from '../../support/eventually.js';
import { realClock } from '../../support/real-clock.js';
import {
  agentAnswer,
  begin,
  componentView,
  eventView,
  fakeAgent,
  json,
  statusReport,
  take,
  tell,
  type Asked,
  type FakeAgent,
  type Handler,
} from './fake-agent.js';

const problem = (code: string) => ({ type: `urn:berth:error:${code}`, code, detail: code, suggestion: '' });

/** Answers of each path; the query is left to the handler. */
function routes(handlers: Readonly<Record<string, Handler>>): Handler {
  return (asked, response) => {
    const handler = handlers[asked.url.split('?')[0] ?? ''];
    if (handler === undefined) json(response, problem('E_NOT_FOUND'), 404);
    else return handler(asked, response);
  };
}

const phases = (report: StatusReport | undefined): readonly string[] =>
  (report?.components ?? []).map(({ service, component, phase }) => `${service}/${component} ${phase}`);

interface Connection {
  readonly asked: Asked;
  readonly response: ServerResponse;
}

interface FakeWatch {
  readonly handler: Handler;
  /** The one that was opened as such. */
  connection(count: number): Promise<Connection>;
}

/** A stream that tells a test of each connection. */
function watchOf(type = 'text/event-stream'): FakeWatch {
  const open: Connection[] = [];
  const handler: Handler = (asked, response) => void open.push({ asked, response: begin(response, type) });
  const connection = (count: number): Promise<Connection> =>
    eventually(() => {
      const found = open[count - 1];
      if (found === undefined) throw new Error('not yet');
      return found;
    });
  return { handler, connection };
}

async function watched(): Promise<{ readonly agent: FakeAgent; readonly watch: FakeWatch }> {
  const watch = watchOf();
  const agent = await fakeAgent(
    routes({
      '/v1/status': (_asked, response) =>
        json(response, statusReport([componentView('shop/db'), componentView('shop/web')])),
      '/v1/agent': (_asked, response) => json(response, agentAnswer()),
      '/v1/events': (_asked, response) => json(response, { items: [eventView(8), eventView(9)] }),
      '/v1/watch': (asked, response) => watch.handler(asked, response),
    }),
  );
  return { agent, watch };
}

describe('watchStatus', () => {
  test('tells the present, then each change, in order of names', async () => {
    const { agent, watch } = await watched();
    const stop = new AbortController();
    const reports = (await agent.client()).watchStatus({ service: 'shop' }, stop.signal)[Symbol.asyncIterator]();
    expect(phases((await take(reports, 1))[0])).toEqual(['shop/db running', 'shop/web running']);
    const next = take(reports, 1);
    const { asked, response } = await watch.connection(1);
    expect(asked.url).toBe('/v1/watch?service=shop');
    for (const name of ['shop/web', 'shop/db']) {
      tell(response, 'component', { revision: 11, component: componentView(name) });
    }
    tell(response, 'synced', { revision: 11, now: 'x' }, 'e1:11');
    // An age alone is nothing new, and an event neither.
    tell(response, 'beat', { now: '2026-01-01T00:00:09Z', revision: 11, drivers: [] }, 'e1:11');
    tell(response, 'event', eventView(12), 'e1:12');
    tell(response, 'component', { revision: 13, component: componentView('shop/new', { phase: 'creating' }) }, 'e1:13');
    const [report] = await next;
    expect(phases(report)).toEqual(['shop/db running', 'shop/new creating', 'shop/web running']);
    expect(report?.revision).toBe(13);
    tell(response, 'gone', { revision: 14, service: 'shop', component: 'db' }, 'e1:14');
    expect(phases((await take(reports, 1))[0])).toEqual(['shop/new creating', 'shop/web running']);
    stop.abort();
    expect(await reports.next()).toMatchObject({ done: true });
  });

  test('ages go by the clock and the beats', async () => {
    const { agent, watch } = await watched();
    const stop = new AbortController();
    const reports = (await agent.client()).watchStatus({ service: null }, stop.signal)[Symbol.asyncIterator]();
    await take(reports, 1);
    const next = take(reports, 1);
    const { response } = await watch.connection(1);
    tell(response, 'synced', { revision: 11, now: 'x' }, 'e1:11');
    expect((await next)[0]?.components).toEqual([]);
    const drivers = [{ name: 'podman', lastGoodAt: '2026-01-01T00:00:00Z', error: null }];
    tell(response, 'component', { revision: 12, component: componentView('shop/web', { observedAgeMs: 5 }) }, 'e1:12');
    expect((await take(reports, 1))[0]?.components[0]?.observedAgeMs).toBeLessThan(5_000);
    tell(response, 'beat', { now: '2026-01-01T00:01:40Z', revision: 12, drivers });
    tell(response, 'component', { revision: 13, component: componentView('shop/b', { driver: 'qemu' }) }, 'e1:13');
    const ages = (await take(reports, 1))[0]?.components.map(({ observedAgeMs }) => observedAgeMs ?? -1);
    expect(ages?.[0]).toBeLessThan(5_000);
    expect(ages?.[1]).toBeGreaterThanOrEqual(100_000);
    stop.abort();
  });

  test('says that no agent serves while it is gone, and goes on where it broke off', async () => {
    const { agent, watch } = await watched();
    const stop = new AbortController();
    const reports = (await agent.client()).watchStatus({ service: null }, stop.signal)[Symbol.asyncIterator]();
    await take(reports, 1);
    const lost = take(reports, 1);
    const first = await watch.connection(1);
    for (const name of ['shop/db', 'shop/web']) {
      tell(first.response, 'component', { revision: 11, component: componentView(name) });
    }
    tell(first.response, 'synced', { revision: 11, now: 'x' }, 'e1:11');
    await eventually(() => first.response.writableLength === 0);
    await agent.die();
    expect((await lost)[0]?.agent).toBeNull();
    await agent.rise();
    const [back] = await take(reports, 1);
    expect(back?.agent).toEqual({ pid: 1, since: '2026-01-01T00:00:00.000Z' });
    expect(phases(back)).toEqual(['shop/db running', 'shop/web running']);
    expect((await watch.connection(2)).asked.headers['last-event-id']).toBe('e1:11');
    stop.abort();
  });

  test('begins anew when the history does not reach back', async () => {
    const { agent, watch } = await watched();
    const stop = new AbortController();
    const reports = (await agent.client()).watchStatus({ service: null }, stop.signal)[Symbol.asyncIterator]();
    await take(reports, 1);
    const news = take(reports, 1);
    const first = await watch.connection(1);
    tell(first.response, 'synced', { revision: 50, now: 'x' }, 'e1:50');
    expect(phases((await news)[0])).toEqual([]);
    const whole = agent.handle;
    agent.handle = (asked, response) =>
      asked.headers['last-event-id'] === undefined
        ? whole(asked, response)
        : json(response, problem('E_WATCH_GONE'), 410);
    first.response.destroy();
    const anew = take(reports, 1);
    const second = await watch.connection(2);
    expect(second.asked.headers['last-event-id']).toBeUndefined();
    tell(second.response, 'component', { revision: 2, component: componentView('other/one') });
    tell(second.response, 'synced', { revision: 3, now: 'x' }, 'e2:3');
    const [report] = await anew;
    expect([phases(report), report?.revision]).toEqual([['other/one running'], 3]);
    stop.abort();
  });

  test('ends with the reason of a refusal, and with what is no watch', async () => {
    const refusing = await fakeAgent(
      routes({
        '/v1/status': (_asked, response) => json(response, statusReport([])),
        '/v1/watch': (_asked, response) => json(response, problem('E_FORBIDDEN'), 403),
      }),
    );
    const signal = new AbortController().signal;
    const refused = (await refusing.client()).watchStatus({ service: null }, signal)[Symbol.asyncIterator]();
    await take(refused, 1);
    await expect(refused.next()).rejects.toMatchObject({ code: 'E_FORBIDDEN' });
    const { agent, watch } = await watched();
    const reports = (await agent.client()).watchStatus({ service: null }, signal)[Symbol.asyncIterator]();
    await take(reports, 1);
    const failing = reports.next();
    tell((await watch.connection(1)).response, 'component', { revision: 'x' }, 'e1:1');
    await expect(failing).rejects.toMatchObject({ code: 'E_AGENT_ANSWER' });
  });

  test('without reconnecting ends when the agent does not come back at once', async () => {
    const { agent, watch } = await watched();
    const client = await agent.client({ reconnect: false });
    const reports = client.watchStatus({ service: null }, new AbortController().signal)[Symbol.asyncIterator]();
    await take(reports, 1);
    const failing = reports.next();
    failing.catch(() => undefined);
    await watch.connection(1);
    await agent.die();
    await expect(failing).rejects.toMatchObject({ code: 'E_AGENT_UNREACHABLE' });
  });
});

describe('followEvents', () => {
  const ofWeb = { target: { service: 'shop', component: 'web' }, sinceMs: null, tail: 2 };

  test('tells those asked for, then each new one of the target, once', async () => {
    const { agent, watch } = await watched();
    const stop = new AbortController();
    const events = (await agent.client()).followEvents(ofWeb, stop.signal)[Symbol.asyncIterator]();
    expect((await take(events, 2)).map(({ revision }) => revision)).toEqual([8, 9]);
    const next = take(events, 2);
    const first = await watch.connection(1);
    expect(first.asked).toMatchObject({ url: '/v1/watch?service=shop', headers: { 'last-event-id': 'e1:10' } });
    tell(first.response, 'event', eventView(9), 'e1:9');
    tell(first.response, 'event', eventView(11, { component: 'db' }), 'e1:11');
    tell(first.response, 'event', eventView(12), 'e1:12');
    await eventually(() => first.response.writableLength === 0);
    first.response.destroy();
    const second = await watch.connection(2);
    tell(second.response, 'event', eventView(12), 'e1:12');
    tell(second.response, 'event', eventView(13), 'e1:13');
    expect((await next).map(({ revision }) => revision)).toEqual([12, 13]);
    stop.abort();
    expect(await events.next()).toMatchObject({ done: true });
  });

  test('looks up what it missed when the history of the watch does not reach back', async () => {
    const { agent, watch } = await watched();
    const stop = new AbortController();
    const events = (await agent.client()).followEvents(ofWeb, stop.signal)[Symbol.asyncIterator]();
    await take(events, 2);
    const next = take(events, 3);
    const first = await watch.connection(1);
    const whole = agent.handle;
    agent.handle = (asked, response) => {
      const id = asked.headers['last-event-id'];
      if (id === 'e1:10') json(response, problem('E_WATCH_GONE'), 410);
      else if (asked.url.startsWith('/v1/agent')) json(response, agentAnswer(40));
      else if (asked.url.startsWith('/v1/events')) {
        json(response, { items: [eventView(9), eventView(20), eventView(30)] });
      } else return whole(asked, response);
    };
    first.response.destroy();
    const second = await watch.connection(2);
    expect(second.asked.headers['last-event-id']).toBe('e1:40');
    tell(second.response, 'event', eventView(41), 'e1:41');
    expect((await next).map(({ revision }) => revision)).toEqual([20, 30, 41]);
    stop.abort();
  });

  test('goes on with another history', async () => {
    const { agent, watch } = await watched();
    const stop = new AbortController();
    const events = (await agent.client()).followEvents(ofWeb, stop.signal)[Symbol.asyncIterator]();
    await take(events, 2);
    const next = take(events, 1);
    const first = await watch.connection(1);
    const whole = agent.handle;
    agent.handle = (asked, response) => {
      if (asked.headers['last-event-id'] === 'e1:10') json(response, problem('E_WATCH_GONE'), 410);
      else if (asked.url.startsWith('/v1/agent')) json(response, agentAnswer(3, 'e2'));
      else return whole(asked, response);
    };
    first.response.destroy();
    const second = await watch.connection(2);
    expect(second.asked.headers['last-event-id']).toBe('e2:3');
    tell(second.response, 'event', eventView(4), 'e2:4');
    expect((await next).map(({ revision }) => revision)).toEqual([4]);
    stop.abort();
  });
});

describe('logs', () => {
  const entry = (second: number, text: string): LogEntry => {
    const at = `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`;
    return { service: 'shop', component: 'web', at, stream: 'stdout', text };
  };
  const print = (response: ServerResponse, ...entries: readonly LogEntry[]): void => {
    for (const one of entries) response.write(`${JSON.stringify(one)}\n`);
  };

  test('are followed through a break: no line is lost, none told twice', async () => {
    const watch = watchOf('application/x-ndjson');
    const agent = await fakeAgent(watch.handler);
    const stop = new AbortController();
    const options = { target: { service: 'shop', component: null }, follow: true, tail: 9, sinceMs: null };
    const lines = (await agent.client()).logs(options, stop.signal)[Symbol.asyncIterator]();
    const told = take(lines, 5);
    const first = await watch.connection(1);
    expect(first.asked.url).toBe('/v1/services/shop/logs?tail=9&follow=true');
    print(first.response, entry(1, 'a'), entry(2, 'b'), entry(2, 'c'));
    await eventually(() => first.response.writableLength === 0);
    first.response.destroy();
    const second = await watch.connection(2);
    expect(second.asked.url).toContain('since=2026-01-01T00%3A00%3A02.000Z');
    print(second.response, entry(2, 'b'), entry(2, 'c'), entry(2, 'd'), entry(3, 'e'));
    expect((await told).map(({ text }) => text)).toEqual(['a', 'b', 'c', 'd', 'e']);
    stop.abort();
    expect(await lines.next()).toMatchObject({ done: true });
  });
});

describe('an agent that is silent for long', () => {
  /** On which a long time passes at once. */
  const hasty: Clock = { ...realClock, after: (delayMs, run) => realClock.after(delayMs > 30_000 ? 50 : delayMs, run) };

  test('is asked anew, on each kind of stream', async () => {
    const { agent, watch } = await watched();
    const lines = watchOf('application/x-ndjson');
    const whole = agent.handle;
    agent.handle = (asked, response) =>
      asked.url.includes('/logs') ? lines.handler(asked, response) : whole(asked, response);
    const client = await agent.client({ clock: hasty });
    const stop = new AbortController();
    const events = client.followEvents({ target: null, sinceMs: null, tail: 2 }, stop.signal)[Symbol.asyncIterator]();
    await take(events, 2);
    const options = { target: { service: 'shop', component: null }, follow: true, tail: 1, sinceMs: null };
    const logs = client.logs(options, stop.signal)[Symbol.asyncIterator]();
    const ends = [events.next(), logs.next()];
    expect((await watch.connection(2)).asked.headers['last-event-id']).toBe('e1:10');
    await lines.connection(2);
    stop.abort();
    expect(await Promise.all(ends)).toMatchObject([{ done: true }, { done: true }]);
  });
});

describe('waitFor', () => {
  const view = (progress: ProgressView['progress'], phase: 'running' | 'starting'): ProgressView => ({
    component: componentView('shop/web', { phase }),
    progress,
  });
  const wait = async (agent: FakeAgent, timeoutMs: number, signal = new AbortController().signal) => {
    const told: string[] = [];
    const result = (await agent.client()).waitFor({
      components: [{ service: 'shop', component: 'web' }],
      timeoutMs,
      signal,
      onProgress: (views) => void told.push(views.map(({ component }) => component.phase).join()),
    });
    return { told, result };
  };

  test('goes on when the agent is back, and tells each picture once', async () => {
    const agent = await fakeAgent((asked, response) => {
      begin(response, 'application/x-ndjson').write(`${JSON.stringify([view('waiting', 'starting')])}\n\n`);
      if (agent.asked.length === 1) setImmediate(() => response.destroy());
      else {
        expect((asked.body as { timeoutMs: number }).timeoutMs).toBeLessThanOrEqual(60_000);
        response.write(`${JSON.stringify([view('converged', 'running')])}\n`);
        response.end(`${JSON.stringify({ outcome: 'converged', views: [view('converged', 'running')] })}\n`);
      }
    });
    const { told, result } = await wait(agent, 60_000);
    expect((await result).outcome).toBe('converged');
    expect(told).toEqual(['starting', 'running']);
    expect(agent.asked).toHaveLength(2);
  });

  test('asks again when it is to wait for longer than one request may', async () => {
    const asked: number[] = [];
    const agent = await fakeAgent((one, response) => {
      asked.push((one.body as { timeoutMs: number }).timeoutMs);
      const outcome = asked.length === 1 ? 'timeout' : 'failed';
      begin(response, 'application/x-ndjson').end(`${JSON.stringify({ outcome, views: [] })}\n`);
    });
    const { result } = await wait(agent, 700_000);
    expect((await result).outcome).toBe('failed');
    expect(asked).toEqual([600_000, 600_000]);
  });

  test('is given up by its caller', async () => {
    const stop = new AbortController();
    const agent = await fakeAgent((_asked, response) => {
      begin(response, 'application/x-ndjson').write(`${JSON.stringify([view('waiting', 'starting')])}\n`);
    });
    const { told, result } = await wait(agent, 60_000, stop.signal);
    await eventually(() => told.length === 1);
    stop.abort();
    expect(await result).toMatchObject({ outcome: 'aborted', views: [{ progress: 'waiting' }] });
  });

  test('ends by its deadline when the agent does not come back', async () => {
    const agent = await fakeAgent((_asked, response) => {
      begin(response, 'application/x-ndjson').write(`${JSON.stringify([view('waiting', 'starting')])}\n`);
    });
    const { told, result } = await wait(agent, 600);
    await eventually(() => told.length === 1);
    await agent.die();
    expect(await result).toMatchObject({ outcome: 'timeout', views: [{ progress: 'waiting' }] });
  });
});
