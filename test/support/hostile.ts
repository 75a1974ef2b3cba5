/** What a hostile neighbour on the loopback interface does, in bounded number and time. */
import { readdir, readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

const answerMs = 15_000;
const mostTextLength = 500_000;

/** One request over TCP, or over the socket at a path. */
export function ask(to: URL | string, { method = 'GET', path, headers = {}, body }: Ask): Promise<Answer> {
  const where = typeof to === 'string' ? { socketPath: to } : { host: to.hostname, port: to.port };
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ ...where, method, path, headers, agent: false, timeout: answerMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        });
      });
    });
    asked.once('timeout', () => asked.destroy(new Error('no answer')));
    asked.once('error', reject);
    asked.end(body);
  });
}

/** A connection that is used by hand. */
export interface Wire {
  readonly socket: Socket;
  /** The end of what came so far. */
  text(): string;
  /** Milliseconds from its beginning until the other side ended it. */
  readonly ended: Promise<number>;
  close(): void;
}

/** Connects; resolves also when the other side refuses. */
export async function open(to: URL): Promise<Wire> {
  const socket = connect(Number(to.port), to.hostname);
  const began = performance.now();
  let text = '';
  socket.on('data', (chunk) => {
    // Who answers endlessly is not kept in memory here either: the last of it is.
    text = (text + chunk.toString('latin1')).slice(-mostTextLength);
  });
  socket.on('error', () => undefined);
  const ended = new Promise<number>((resolve) => {
    socket.once('close', () => {
      resolve(performance.now() - began);
    });
  });
  await new Promise<void>((resolve) => {
    socket.once('connect', resolve);
    socket.once('close', () => {
      resolve();
    });
  });
  return { socket, text: () => text, ended, close: () => void socket.destroy() };
}

/** Sends bytes as they are, and answers the first line of what comes back; `closed` when nothing does. */
export async function sendRaw(to: URL, bytes: string | Uint8Array, timeoutMs: number): Promise<string> {
  const wire = await open(to);
  wire.socket.write(bytes);
  await Promise.race([wire.ended, firstLine(wire, timeoutMs)]);
  const [line = ''] = wire.text().split('\r\n');
  wire.close();
  return line === '' ? 'closed' : line;
}

async function firstLine(wire: Wire, timeoutMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    wire.socket.on('data', () => {
      if (!wire.text().includes('\r\n')) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Resident memory of a process, in MiB. */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1_024;
}

/** Whether there is such a process. */
export async function isUp(pid: number): Promise<boolean> {
  return (await residentMb(pid).catch(() => Number.NaN)) > 0;
}

/** Files and sockets that a process has open. */
export async function openFiles(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}
