/** What a client says when the other side is not there, hangs, dies, or talks nonsense. */
import { describe, expect, test } from 'vitest';
import { BerthError } from '../../../src/core/errors.js';
import { eventually } from '../../support/eventually.js';
import { begin, componentView, fakeAgent, json, statusReport, take } from './fake-agent.js';

async function failure(promise: Promise<unknown>): Promise<BerthError> {
  const error: unknown = await promise.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof BerthError)) throw error;
  return error;
}

describe('problem documents', () => {
  test('become the error that they were made of', async () => {
    const agent = await fakeAgent((_asked, response) => {
      const problem = {
        type: 'urn:berth:error:E_CONFLICT',
        title: 'it was changed by somebody else meanwhile',
        status: 409,
        detail: 'shop/web was changed at revision 7',
        code: 'E_CONFLICT',
        suggestion: 'look first',
        instance: '1',
        details: { conflicts: [{ message: 'x' }] },
      };
      json(response, problem, 409, 'application/problem+json');
    });
    const error = await failure((await agent.client()).restart({ service: 'shop', component: null }, { message: 'm' }));
    expect(error).toMatchObject({
      code: 'E_CONFLICT',
      message: 'shop/web was changed at revision 7',
      suggestion: 'look first',
      details: { conflicts: [{ message: 'x' }] },
      exit: 5,
    });
    expect(agent.asked[0]).toMatchObject({
      method: 'POST',
      url: '/v1/services/shop/restart',
      body: { message: 'm' },
      headers: { 'x-berth-actor': 'cli:tester', 'content-type': 'application/json' },
    });
  });

  test('of a code that only a newer version knows keep their words', async () => {
    const problem = { type: 'urn:berth:error:E_NEW', code: 'E_NEW', detail: 'too new', suggestion: 'wait' };
    const agent = await fakeAgent((_asked, response) => {
      json(response, problem, 400);
    });
    const error = await failure((await agent.client()).names());
    expect(error).toMatchObject({ code: 'E_AGENT_ANSWER', message: 'E_NEW: too new', suggestion: 'wait', exit: 1 });
  });

  test('in the middle of lines end them', async () => {
    const agent = await fakeAgent((_asked, response) => {
      begin(response, 'application/x-ndjson').write(
        `{"service":"shop","component":"web","at":null,"stream":"stdout","text":"one"}\n\n`,
      );
      response.end('{"type":"urn:berth:error:E_DRIVER_FAILED","code":"E_DRIVER_FAILED","detail":"no"}\n');
    });
    const options = { target: { service: 'shop', component: 'web' }, follow: false, tail: 5, sinceMs: 0 };
    const lines = (await agent.client()).logs(options, new AbortController().signal)[Symbol.asyncIterator]();
    expect((await take(lines, 1)).map(({ text }) => text)).toEqual(['one']);
    expect(await failure(lines.next())).toMatchObject({ code: 'E_DRIVER_FAILED', message: 'no' });
    expect(agent.asked[0]?.url).toBe('/v1/components/shop/web/logs?tail=5&since=1970-01-01T00%3A00%3A00.000Z');
  });
});

describe('an agent that does not answer', () => {
  test('is not there', async () => {
    const agent = await fakeAgent();
    await agent.die();
    const error = await failure((await agent.client()).names());
    expect(error).toMatchObject({ code: 'E_AGENT_UNREACHABLE', details: { sent: false } });
    expect(error.message).not.toContain('may have been done');
  });

  test('hangs: the deadline ends it, and says that it may have been done', async () => {
    const agent = await fakeAgent(() => undefined);
    const error = await failure(
      (await agent.client({ deadlineMs: 100 })).setDesired({ service: 'a', component: null }, 'stopped', {
        message: null,
      }),
    );
    expect(error).toMatchObject({ code: 'E_AGENT_UNREACHABLE', details: { sent: true } });
    expect(error.message).toMatch(/nothing came within 100 ms; .* may have been done/);
  });

  test('hangs in the middle of its answer', async () => {
    const agent = await fakeAgent((_asked, response) => {
      begin(response, 'application/json').write('{"items":');
    });
    const error = await failure((await agent.client({ deadlineMs: 100 })).names());
    expect(error).toMatchObject({ code: 'E_AGENT_UNREACHABLE' });
  });

  test('dies in the middle of its answer', async () => {
    const agent = await fakeAgent((_asked, response) => {
      begin(response, 'application/json').write('{"items":');
      response.destroy();
    });
    const error = await failure((await agent.client()).names());
    expect(error).toMatchObject({ code: 'E_AGENT_UNREACHABLE', details: { sent: true } });
  });

  test('lets go of an idle connection: what only reads is asked again, what changes something is not', async () => {
    const agent = await fakeAgent();
    const client = await agent.client();
    const dropSecond = (): void => {
      let count = 0;
      agent.handle = (_asked, response) => {
        count += 1;
        if (count === 2) response.destroy();
        else json(response, { items: [], revision: 1, components: [] });
      };
    };
    dropSecond();
    await client.names();
    expect(await client.names()).toEqual([]);
    expect(agent.asked).toHaveLength(3);
    dropSecond();
    await client.names();
    const error = await failure(client.restart({ service: 'shop', component: null }, { message: null }));
    expect(error).toMatchObject({ code: 'E_AGENT_UNREACHABLE', details: { sent: true } });
    expect(agent.asked).toHaveLength(5);
  });

  test('is let go of when the caller gives up', async () => {
    let closed = false;
    const agent = await fakeAgent((_asked, response) => {
      response.on('close', () => {
        closed = true;
      });
    });
    const stop = new AbortController();
    const running = (await agent.client()).exec({ service: 'a', component: 'b' }, ['true'], stop.signal);
    const failed = failure(running);
    await eventually(() => agent.asked.length === 1);
    stop.abort();
    expect((await failed).message).toContain('cancelled');
    await eventually(() => closed);
  });
});

describe('an answer that is none', () => {
  test.each([
    ['not JSON', 'hello'],
    ['nothing', ''],
    ['another shape', '{"items":[1]}'],
    ['no list', '{"items":{}}'],
    ['null', 'null'],
  ])('%s', async (_name, text) => {
    const agent = await fakeAgent((_asked, response) => {
      begin(response, 'application/json').end(text);
    });
    expect(await failure((await agent.client()).names())).toMatchObject({ code: 'E_AGENT_ANSWER', exit: 1 });
  });

  test('a page instead of a problem is quoted in short', async () => {
    const agent = await fakeAgent((_asked, response) => {
      response.writeHead(502, { 'content-type': 'text/html' }).end(`<h1>Bad gateway</h1>${'x'.repeat(10_000)}`);
    });
    const error = await failure((await agent.client()).names());
    expect(error.message).toMatch(/answered with status 502: <h1>Bad gateway/);
    expect(error.message.length).toBeLessThan(400);
  });

  test('a way to somewhere else is not taken', async () => {
    const agent = await fakeAgent((_asked, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    });
    expect((await failure((await agent.client()).names())).message).toContain('sends elsewhere');
  });

  test('a field that is missing is named', async () => {
    const { phase, ...rest } = componentView('shop/web');
    const agent = await fakeAgent((_asked, response) => {
      json(response, statusReport([rest as never]));
    });
    expect(phase).toBe('running');
    const error = await failure((await agent.client()).status({ service: null }));
    expect(error.message).toContain('the answer.components[0].phase is not a text');
  });

  test('a field that is not known is let be', async () => {
    const agent = await fakeAgent((_asked, response) => {
      json(response, { ...statusReport([]), more: 1 });
    });
    expect(await (await agent.client()).status({ service: null })).toMatchObject({ components: [], more: 1 });
  });
});

describe('lines', () => {
  const options = { target: { service: 'shop', component: null }, follow: false, tail: null, sinceMs: null };
  const line = (text: string): string =>
    JSON.stringify({ service: 'shop', component: 'web', at: null, stream: 'stdout', text });

  test('may be cut anywhere, be huge, and end without a line end', async () => {
    const huge = 'ä'.repeat(1_000_000);
    const bytes = Buffer.from(`${line('ü')}\n${line(huge)}\n${line('last')}`);
    const agent = await fakeAgent(async (_asked, response) => {
      begin(response, 'application/x-ndjson');
      for (const cut of [0, 65, 66, 70, 200_001, bytes.length - 3]) {
        const next = [65, 66, 70, 200_001, bytes.length - 3, bytes.length].find((end) => end > cut);
        await new Promise((resolve) => response.write(bytes.subarray(cut, next), resolve));
      }
      response.end();
    });
    const lines = (await agent.client()).logs(options, new AbortController().signal)[Symbol.asyncIterator]();
    expect((await take(lines, 9)).map(({ text }) => text)).toEqual(['ü', huge, 'last']);
  });

  test('that are no JSON end the stream', async () => {
    const agent = await fakeAgent((_asked, response) => {
      begin(response, 'application/x-ndjson').end(`${line('one')}\nnonsense\n`);
    });
    const lines = (await agent.client()).logs(options, new AbortController().signal)[Symbol.asyncIterator]();
    await take(lines, 1);
    expect(await failure(lines.next())).toMatchObject({ code: 'E_AGENT_ANSWER' });
  });
});
