/** The agent's log where it cannot be written. */
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { agentLog } from '../../../src/agent/log.js';

const settings = { log_level: 'info', log_format: 'json' } as const;
const streamOn = (fd: number): Writable & { readonly fd: number } => Object.assign(new Writable(), { fd });

describe('the log of an agent', () => {
  it('on a full disk loses its lines and throws nothing', () => {
    const fd = openSync('/dev/full', 'w');
    const log = agentLog(settings, streamOn(fd));
    expect(() => log.info('nobody reads this')).not.toThrow();
    closeSync(fd);
  });

  it('writes the lines that come when there is room', () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-log-'));
    const fd = openSync(join(folder, 'log'), 'a');
    agentLog(settings, streamOn(fd)).info({ a: 1 }, 'hello');
    closeSync(fd);
    expect(JSON.parse(readFileSync(join(folder, 'log'), 'utf8'))).toMatchObject({ level: 30, a: 1, msg: 'hello' });
    rmSync(folder, { recursive: true });
  });

  it('survives a stream that breaks', async () => {
    const broken = new Writable({
      write: (_chunk, _encoding, done) => {
        done(new Error('nobody reads'));
      },
    });
    const log = agentLog(settings, broken);
    log.info('lost');
    await new Promise((resolve) => setImmediate(resolve));
    expect(() => log.info('lost as well')).not.toThrow();
  });
});
