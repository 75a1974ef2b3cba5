/** Something that listens where an agent would, and answers what a test wants. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BerthClient } from '../../../src/api/client.js';
import type { Clock } from '../../../src/core/ports/clock.js';
import { createRemoteClient } from '../../../src/api/remote/remote-client.js';
import { createTransport } from '../../../src/api/remote/transport.js';
import type { ComponentView, EventView, StatusReport } from '../../../src/api/views.js';
import { createDefinitionReader, nodeFiles } from '../../../src/definition/index.js';
import { realClock } from '../../support/real-clock.js';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export type Handler = (asked: Asked, response: ServerResponse) => void | Promise<void>;

export interface FakeAgent {
  readonly socket: string;
  readonly folder: string;
  readonly asked: Asked[];
  handle: Handler;
  /** Cuts all connections and listens no longer. */
  die(): Promise<void>;
  /** Listens again at the same place. */
  rise(): Promise<void>;
  client(options?: {
    readonly reconnect?: boolean;
    readonly deadlineMs?: number;
    readonly clock?: Clock;
  }): Promise<BerthClient>;
}

/** Answers JSON. */
export function json(response: ServerResponse, body: unknown, status = 200, type = 'application/json'): void {
  response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));
}

export async function fakeAgent(handle: Handler = (_asked, response) => json(response, {})): Promise<FakeAgent> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-fake-'));
  const socket = join(folder, 'berth.sock');
  const sockets = new Set<Socket>();
  const asked: Asked[] = [];
  let server: ReturnType<typeof createServer> | undefined;

  const rise = async (): Promise<void> => {
    server = createServer((request, response) => void answer(request, response));
    server.on('connection', (connection) => {
      sockets.add(connection);
      connection.on('close', () => sockets.delete(connection));
    });
    server.listen(socket);
    await once(server, 'listening');
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const text = Buffer.concat(chunks).toString();
    const { method = '', url = '', headers } = request;
    const one: Asked = { method, url, headers, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
    asked.push(one);
    await agent.handle(one, response);
  };
  const die = async (): Promise<void> => {
    const dying = server;
    server = undefined;
    if (dying === undefined) return;
    dying.close();
    for (const connection of sockets) connection.destroy();
    await once(dying, 'close');
  };
  const client: FakeAgent['client'] = async ({ reconnect = true, deadlineMs = 5_000, clock = realClock } = {}) => {
    const transport = await createTransport({ kind: 'socket', path: socket, actor: 'cli:tester' }, clock);
    const made = createRemoteClient({
      transport,
      reader: () => Promise.resolve(createDefinitionReader({ files: nodeFiles() })),
      clock,
      reconnect,
      callDeadlineMs: deadlineMs,
    });
    onTestFinished(() => made.close());
    return made;
  };
  const agent: FakeAgent = { socket, folder, asked, handle, die, rise, client };
  await rise();
  onTestFinished(async () => {
    await die();
    rmSync(folder, { recursive: true, force: true });
  });
  return agent;
}

export function componentView(name: string, more: Partial<ComponentView> = {}): ComponentView {
  const [service = '', component = ''] = name.split('/');
  return {
    service,
    component,
    workload: `${service}-${component}`,
    runtime: 'container',
    driver: 'podman',
    desired: 'running',
    observed: 'running',
    phase: 'running',
    ready: true,
    generation: 3,
    observedGeneration: 3,
    restarts: 0,
    exitCode: null,
    nextTryAt: null,
    observedAgeMs: 5,
    reason: 'Running',
    message: 'it runs',
    startedAt: null,
    drift: [],
    ...more,
  };
}

export function statusReport(components: readonly ComponentView[], revision = 10): StatusReport {
  return { revision, agent: { pid: 1, since: '2026-01-01T00:00:00.000Z' }, components };
}

export function eventView(revision: number, more: Partial<EventView> = {}): EventView {
  return {
    revision,
    at: '2026-01-01T00:00:00.000Z',
    severity: 'info',
    service: 'shop',
    component: 'web',
    reason: 'Started',
    message: `event ${revision}`,
    actor: 'agent',
    data: {},
    ...more,
  };
}

/** The head of a stream. */
export function begin(response: ServerResponse, type = 'text/event-stream'): ServerResponse {
  response.writeHead(200, { 'content-type': type });
  response.flushHeaders();
  return response;
}

/** One message of a watch. */
export function tell(response: ServerResponse, name: string, data: unknown, id?: string): void {
  response.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

export const agentAnswer = (revision = 10, epoch = 'e1') => ({
  agent: { pid: 1, sinceMs: Date.parse('2026-01-01T00:00:00Z') },
  version: '9.9.9',
  epoch,
  revision,
});

/** The next so many of a stream. */
export async function take<T>(stream: AsyncIterator<T>, count: number): Promise<readonly T[]> {
  const items: T[] = [];
  while (items.length < count) {
    const result = await stream.next();
    if (result.done === true) break;
    items.push(result.value);
  }
  return items;
}
