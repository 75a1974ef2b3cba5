/** A single etcd on loopback, as durable as it comes, spoken to over its JSON gateway. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { Pool } from 'undici';
import { eventually } from '../test/support/eventually.js';
import { freePort } from '../test/support/test-home.js';

export interface Etcd {
  /** Writes; resolves when it is acknowledged, which is when it is on the disk. */
  put(key: string, value: string): Promise<void>;
  /** Calls `onEvent` for each change of a key. Resolves when the watch stands. */
  watch(key: string, onEvent: () => void): Promise<void>;
  close(): Promise<void>;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** True when there is an etcd to be started. */
export async function hasEtcd(): Promise<boolean> {
  const { exitCode } = await execa('etcd', ['--version'], { reject: false, timeout: 10_000 });
  return exitCode === 0;
}

/** Starts one with a folder and ports of its own. Throws when it does not answer within 20 s. */
export async function startEtcd(): Promise<Etcd> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-bench-etcd-'));
  const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const child = execa(
    'etcd',
    [
      ...['--name', 'bench', '--data-dir', folder, '--logger', 'zap', '--log-level', 'error'],
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `bench=${peer}`],
    ],
    { reject: false, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore', cleanup: true },
  );
  const pool = new Pool(client);
  const post = (path: string, body: object) =>
    pool.request({ path, method: 'POST', body: JSON.stringify(body), headersTimeout: 20_000, bodyTimeout: 0 });
  const put = async (key: string, value: string): Promise<void> => {
    const { statusCode, body } = await post('/v3/kv/put', { key: base64(key), value: base64(value) });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`etcd refused a put: ${text}`);
  };
  const close = async (): Promise<void> => {
    await pool.destroy();
    child.kill('SIGTERM', undefined);
    await child;
    rmSync(folder, { recursive: true, force: true });
  };
  const watch = async (key: string, onEvent: () => void): Promise<void> => {
    const { body } = await post('/v3/watch', { create_request: { key: base64(key) } });
    // The stream ends with an error when the pool is destroyed.
    body.on('error', () => undefined);
    const lines = createInterface({ input: body });
    lines.on('error', () => undefined);
    await new Promise<void>((resolve) => {
      lines.on('line', (line) => {
        const { result } = JSON.parse(line) as { result?: { created?: boolean; events?: unknown[] } };
        if (result?.created === true) resolve();
        for (let count = result?.events?.length ?? 0; count > 0; count -= 1) onEvent();
      });
    });
  };
  try {
    await eventually(() => put('ready', ''), { timeoutMs: 20_000, everyMs: 100, describe: 'etcd answers' });
    return { put, watch, close };
  } catch (error) {
    await close();
    throw error;
  }
}
