/** The client of a home while an agent serves it: asks the agent, and the registry file where that is better or needed. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { BerthClient } from '../../../src/api/client.js';
import { createLocalClient } from '../../../src/api/local-client.js';
import { connectToHome, connectToHost } from '../../../src/api/remote/connect.js';
import { createHomeClient } from '../../../src/api/remote/home-client.js';
import { createDefinitionReader, nodeFiles } from '../../../src/definition/index.js';
import { openRegistry } from '../../../src/registry/index.js';
import { eventually } from '../../support/eventually.js';
import { realChance, realClock } from '../../support/real-clock.js';
import { agentAnswer, begin, fakeAgent, json, statusReport, take, tell, type FakeAgent } from './fake-agent.js';

const version = '9.9.9';
const reader = () => Promise.resolve(createDefinitionReader({ files: nodeFiles() }));
const note = { message: null };
const shop = { service: 'shop', component: null };

interface Home {
  readonly client: BerthClient;
  /** How often the registry file was opened. */
  readonly opened: () => number;
  readonly local: BerthClient;
}

/** Longer than anything takes that answers, on a busy machine. */
const patienceMs = 20_000;

/** A registry with one service, beside the fake agent's socket; an agent that does not answer within `deadlineMs` hangs. */
async function homeOf(agent: FakeAgent, deadlineMs = patienceMs): Promise<Home> {
  const path = join(agent.folder, 'registry.db');
  const open = async (create: boolean): Promise<BerthClient> =>
    createLocalClient({
      registry: await openRegistry({ path, clock: realClock, chance: realChance, create }),
      reader,
      clock: realClock,
      chance: realChance,
      actor: 'cli:tester',
      agentHolder: () => Promise.resolve(null),
    });
  const local = await open(true);
  const file = join(agent.folder, 'shop.toml');
  writeFileSync(file, 'name = "shop"\n[[components]]\nname = "web"\nimage = "localhost/web:1"\n');
  await local.apply({ path: file, prune: false, force: false, message: null });
  let opened = 0;
  const client = createHomeClient({
    remote: await agent.client({ reconnect: false, deadlineMs }),
    openLocal: () => {
      opened += 1;
      return open(false);
    },
    clock: realClock,
  });
  onTestFinished(async () => {
    await client.close();
    await local.close();
  });
  return { client, opened: () => opened, local };
}

describe('a home with an agent', () => {
  test('is asked, and the file not opened', async () => {
    const agent = await fakeAgent((_asked, response) => json(response, statusReport([], 77)));
    const { client, opened } = await homeOf(agent);
    expect(await client.status({ service: null })).toMatchObject({ revision: 77 });
    expect(opened()).toBe(0);
  });

  test('is read from the file when the agent ended, hangs, or has too much to do', async () => {
    const agent = await fakeAgent(() => undefined);
    const { client, opened } = await homeOf(agent, 500);
    expect((await client.status({ service: 'shop' })).components).toHaveLength(1);
    agent.handle = (_asked, response) => json(response, { type: 'x', code: 'E_TOO_MANY', detail: 'no' }, 429);
    expect(await client.names()).toEqual(['shop', 'shop/web']);
    await agent.die();
    expect((await client.explain({ service: 'shop', component: 'web' })).component.service).toBe('shop');
    expect(await client.agent()).toBeNull();
    expect(opened()).toBe(1);
  });

  test('keeps what the agent refuses', async () => {
    const agent = await fakeAgent((_asked, response) => json(response, { code: 'E_NOT_FOUND', detail: 'no' }, 404));
    const { client, opened } = await homeOf(agent);
    await expect(client.status({ service: 'shop' })).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    expect(opened()).toBe(0);
  });

  test('is changed on the file when the agent is not there any more', async () => {
    const agent = await fakeAgent();
    const { client, local } = await homeOf(agent);
    await agent.die();
    expect((await client.restart(shop, note)).components).toEqual([{ service: 'shop', component: 'web' }]);
    await client.setDesired(shop, 'stopped', note);
    expect((await local.status({ service: null })).components[0]?.desired).toBe('stopped');
  });

  test('is not changed twice: an agent that took the request and was heard no more may have done it', async () => {
    const agent = await fakeAgent((_asked, response) => void response.destroy());
    const { client, opened } = await homeOf(agent);
    await expect(client.restart(shop, note)).rejects.toMatchObject({ code: 'E_AGENT_UNREACHABLE' });
    await expect(client.rollback('shop', null, note)).rejects.toMatchObject({ code: 'E_AGENT_UNREACHABLE' });
    expect(opened()).toBe(0);
    // What comes to the same when it is done twice is done again.
    expect((await client.setDesired(shop, 'stopped', note)).components).toHaveLength(1);
  });

  test('what the agent does not tell is read from the file', async () => {
    const agent = await fakeAgent();
    const { client, opened } = await homeOf(agent);
    expect((await client.export('shop', { reveal: true })).spec.name).toBe('shop');
    expect([opened(), agent.asked.length]).toEqual([1, 0]);
  });

  test('a console that the agent does not serve any more is that of the machine', async () => {
    const agent = await fakeAgent();
    const { client, opened } = await homeOf(agent);
    await agent.die();
    const console = client.console({ service: 'shop', component: 'web' }, new AbortController().signal);
    await expect(console).rejects.toMatchObject({ code: 'E_WORKLOAD_MISSING' });
    expect(opened()).toBe(1);
  });

  test('watchStatus goes on with the file when the agent ends', async () => {
    const agent = await fakeAgent((asked, response) => {
      if (asked.url.startsWith('/v1/status')) json(response, statusReport([], 77));
      else if (asked.url.startsWith('/v1/agent')) json(response, agentAnswer(77));
      else tell(begin(response), 'synced', { revision: 77, now: 'x' }, 'e1:77');
    });
    const { client, local } = await homeOf(agent);
    const stop = new AbortController();
    const reports = client.watchStatus({ service: null }, stop.signal)[Symbol.asyncIterator]();
    expect((await take(reports, 1))[0]?.agent?.pid).toBe(1);
    const next = take(reports, 1);
    await eventually(() => agent.asked.some(({ url }) => url.startsWith('/v1/watch')));
    await agent.die();
    const [report] = await next;
    expect([report?.agent, report?.components[0]?.component]).toEqual([null, 'web']);
    await local.setDesired(shop, 'stopped', note);
    expect((await take(reports, 1))[0]?.components[0]?.desired).toBe('stopped');
    stop.abort();
    expect(await reports.next()).toMatchObject({ done: true });
  });

  test('followEvents goes on with the file, after the last event that was told', async () => {
    const agent = await fakeAgent();
    const { client, local } = await homeOf(agent);
    const registry = await openRegistry({
      path: join(agent.folder, 'registry.db'),
      clock: realClock,
      chance: realChance,
      create: false,
    });
    onTestFinished(() => registry.close());
    const add = (message: string): Promise<void> =>
      registry.addEvents(
        [{ service: 'shop', component: 'web', severity: 'info', reason: 'Started', message, data: {} }],
        { actor: 'agent', request: null, message: null },
      );
    await add('one');
    await add('two');
    const known = await local.events({ target: shop, sinceMs: null, tail: 10 });
    agent.handle = (asked, response) => {
      if (asked.url.startsWith('/v1/events')) json(response, { items: known });
      else if (asked.url.startsWith('/v1/agent')) json(response, agentAnswer(known.at(-1)?.revision));
      else begin(response);
    };
    const stop = new AbortController();
    const events = client.followEvents({ target: shop, sinceMs: null, tail: 10 }, stop.signal)[Symbol.asyncIterator]();
    expect((await take(events, known.length)).at(-1)?.message).toBe('two');
    const next = take(events, 1);
    await eventually(() => agent.asked.some(({ url }) => url.startsWith('/v1/watch')));
    await agent.die();
    await add('three');
    expect((await next)[0]?.message).toBe('three');
    stop.abort();
  });

  test('waitFor goes on with the file for the rest of its time', async () => {
    const agent = await fakeAgent((_asked, response) => {
      begin(response, 'application/x-ndjson').write('\n');
      setImmediate(() => response.destroy());
    });
    const { client } = await homeOf(agent);
    const result = await client.waitFor({
      components: [{ service: 'shop', component: 'web' }],
      timeoutMs: 300,
      signal: new AbortController().signal,
      onProgress: () => undefined,
    });
    expect(result).toMatchObject({ outcome: 'timeout', views: [{ progress: 'waiting' }] });
  });
});

describe('which agent is talked to', () => {
  const connect = (home: string) =>
    connectToHome({
      home,
      version,
      actor: 'cli:tester',
      openLocal: () => Promise.reject(new Error('not asked for')),
      reader,
      clock: realClock,
    });

  test('the one at the home’s socket, when it is of this version and answers at once', async () => {
    const agent = await fakeAgent((_asked, response) => json(response, agentAnswer()));
    // A machine that is busy may keep it from answering at once.
    const client = await eventually(() => connect(agent.folder));
    expect(await client?.agent()).toEqual(agentAnswer().agent);
    await client?.close();
    agent.handle = (_asked, response) => json(response, { ...agentAnswer(), version: '1.0.0' });
    expect(await connect(agent.folder)).toBeNull();
    agent.handle = () => undefined;
    expect(await connect(agent.folder)).toBeNull();
    agent.handle = (_asked, response) => void response.end('nonsense');
    expect(await connect(agent.folder)).toBeNull();
    await agent.die();
    expect(await connect(agent.folder)).toBeNull();
  });

  test('none where there is no socket, or something else in its place', async () => {
    const agent = await fakeAgent();
    const home = join(agent.folder, 'home');
    expect(await connect(home)).toBeNull();
    mkdirSync(join(home, 'berth.sock'), { recursive: true });
    expect(await connect(home)).toBeNull();
    expect(agent.asked).toEqual([]);
  });

  test('the one that a note in the home names', async () => {
    const agent = await fakeAgent((_asked, response) => json(response, agentAnswer()));
    const home = join(agent.folder, 'home');
    mkdirSync(home);
    writeFileSync(join(home, 'berth.sock.path'), `${agent.socket}\n`);
    const client = await eventually(() => connect(home));
    expect(client).not.toBeNull();
    await client?.close();
    writeFileSync(join(home, 'berth.sock.path'), join(dirname(agent.socket), 'nothing'));
    expect(await connect(home)).toBeNull();
    symlinkSync('/dev/null', join(home, 'null'));
    writeFileSync(join(home, 'berth.sock.path'), join(home, 'null'));
    expect(await connect(home)).toBeNull();
  });

  test.each([
    ['no address', 'server', null, /no address of an agent/],
    ['another protocol', 'ftp://server', null, /no address of an agent/],
    ['a password', 'http://a:b@server', null, /neither user nor password/],
    ['a path', 'http://server/berth', null, /more than a host and a port/],
    ['a token file that is not there', 'http://server', '/nonexistent/token', /cannot be read/],
    ['a token file that is none', 'http://server', import.meta.filename, /does not hold a token/],
  ])('%s is bad usage', async (_name, url, tokenFile, message) => {
    const connecting = connectToHost({ url, tokenFile, reader, clock: realClock });
    await expect(connecting).rejects.toMatchObject({
      code: 'E_USAGE',
      message: expect.stringMatching(message) as string,
    });
  });
});
