/** Watches over real connections: one that is read, one that is not, one that breaks. */
import { createServer, get, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { responseSink, watchHeaders, type WatchHub } from '../../../src/api/http/watch/index.js';
import { eventually } from '../../support/eventually.js';
import { WatchFold } from '../../support/watch-fold.js';
import { expectTold, openWatched, tell } from './support.js';

/** Serves watches as the agent does; answers the port. */
async function serve(hub: WatchHub, limit?: number): Promise<number> {
  const server = createServer((request, response) => {
    const after = request.headers['last-event-id'];
    void hub.subscribe({ after: typeof after === 'string' ? after : null, service: null }).then((watch) => {
      response.writeHead(200, watchHeaders);
      response.once('close', () => {
        watch.end();
      });
      watch.start(responseSink(response, limit));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function ask(port: number, fold: WatchFold): Promise<IncomingMessage> {
  const headers = fold.lastId === null ? {} : { 'last-event-id': fold.lastId };
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, headers, agent: false }, (response) => {
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        fold.push(text);
      });
      response.on('error', () => {});
      resolve(response);
    }).on('error', reject);
  });
}

describe('a watch over HTTP', () => {
  it('is told everything, goes when its reader goes, and goes on', async () => {
    const { hub, registry } = await openWatched();
    const port = await serve(hub);
    const fold = new WatchFold();
    const response = await ask(port, fold);
    expect(response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    await tell(registry, 'api', { phase: 'running' });
    await expectTold(registry, { fold });
    response.destroy();
    await eventually(() => hub.stats().watchers === 0);
    await tell(registry, 'web', { phase: 'running' });
    fold.reconnect();
    await ask(port, fold);
    await expectTold(registry, { fold });
    expect(fold.events).toHaveLength(2);
  });

  it('is cut off when its reader never reads, and what was kept for it is let go of', async () => {
    const { hub, registry } = await openWatched();
    const port = await serve(hub, 20_000);
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => {
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await eventually(() => hub.stats().watchers === 1);
    const fold = new WatchFold();
    await ask(port, fold);
    const words = 'x'.repeat(100_000);
    for (let round = 0; hub.stats().dropped === 0; round += 1) {
      expect(round).toBeLessThan(200);
      await tell(registry, 'api', { restarts: round, message: words });
      await expectTold(registry, { fold });
    }
    expect(hub.stats()).toEqual({ watchers: 1, dropped: 1 });
  });
});
