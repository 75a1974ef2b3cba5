import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { createTokenStore, nodeTokenAccess } from '../../../src/api/http/auth/index.js';
import { addToken, printTokenFile } from '../../../src/api/http/auth/token-file.js';
import { realClock } from '../../support/real-clock.js';
import { makeGate, request } from './support.js';

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('the file of tokens', () => {
  it('is made at the first start, for its owner alone, and kept at the next', async () => {
    const bench = await makeGate();
    expect(modeOf(bench.path)).toBe(0o600);
    const text = readFileSync(bench.path, 'utf8');
    const file = await bench.tokens();
    expect(file.tokens).toMatchObject([{ name: 'default', access: 'write' }]);
    expect(file.tokens[0]!.token).toMatch(/^berth_[A-Za-z0-9_-]{43}$/);
    await bench.gate.open();
    expect(readFileSync(bench.path, 'utf8')).toBe(text);
    expect(readdirSync(dirname(bench.path))).toEqual(['tokens.json']);
  });

  it('is one file when two begin at once', async () => {
    const bench = await makeGate();
    rmSync(bench.path);
    const files = await Promise.all(
      Array.from({ length: 8 }, () => {
        const { path, clock } = bench;
        const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
        return createTokenStore({ path, files: nodeTokenAccess, clock, randomBytes, log }).ensure();
      }),
    );
    expect(new Set(files.map((file) => file.tokens[0]!.token)).size).toBe(1);
    expect(readdirSync(dirname(bench.path))).toEqual(['tokens.json']);
  });

  it('is read again when it changed', async () => {
    const bench = await makeGate();
    const old = (await bench.tokens()).tokens[0]!.token;
    const other = 'written-by-hand-0123456789';
    writeFileSync(bench.path, readFileSync(bench.path, 'utf8').replace(old, other));
    await expect(bench.gate.check(request('/', { authorization: `Bearer ${old}` }))).rejects.toThrow(
      'none of this home',
    );
    expect((await bench.gate.check(request('/', { authorization: `Bearer ${other}` })))?.name).toBe('default');
  });

  test.each([
    ['no JSON', '{"tokens": [{"token": "hunter2-hunter2-hunter2"'],
    ['nothing', ''],
    ['another shape', '{"sessionKey": "hunter2-hunter2-hunter2", "tokens": 1}'],
    [
      'a guessable token',
      `{"sessionKey": "${'k'.repeat(43)}", "tokens": [{"name": "a", "access": "write", "token": "hunter2", "createdAt": "2026-01-01T00:00:00Z"}]}`,
    ],
    [
      'an access that is none',
      `{"sessionKey": "${'k'.repeat(43)}", "tokens": [{"name": "a", "access": "admin", "token": "hunter2-hunter2-hunter2", "createdAt": "2026-01-01T00:00:00Z"}]}`,
    ],
  ])('with %s lets nobody in, is not overwritten, and not quoted', async (_name, text) => {
    const bench = await makeGate();
    const authorization = `Bearer ${(await bench.tokens()).tokens[0]!.token}`;
    writeFileSync(bench.path, text);
    const refusals = [];
    for (let count = 0; count < 3; count += 1) {
      refusals.push(await bench.gate.check(request('/', { authorization })).catch((error: unknown) => error));
    }
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ code: 'E_TOKENS' });
      expect(String(refusal)).not.toContain(bench.path);
    }
    expect(bench.logged.filter((line) => line.includes('nobody gets in'))).toHaveLength(1);
    await bench.gate.open();
    await expect(
      bench.store.update((file) => addToken(file, { name: 'x', access: 'read' }, randomBytes, 0)),
    ).rejects.toMatchObject({ code: 'E_TOKENS' });
    expect(readFileSync(bench.path, 'utf8')).toBe(text);
    expect(bench.logged.join()).not.toContain('hunter2');
    expect(await bench.gate.check(request('/healthz'))).toBeNull();
    expect((await bench.gate.loginPage(request('/login'))).status).toBe(200);
    expect((await bench.gate.login(request('/login', {}, { method: 'POST' }), 'token=x')).status).toBe(503);
    const socket = request('/v1/status', {}, { via: 'socket' });
    expect(await bench.gate.check(socket)).toMatchObject({ access: 'write' });
  });

  it('that is gone lets nobody in', async () => {
    const bench = await makeGate();
    const authorization = `Bearer ${(await bench.tokens()).tokens[0]!.token}`;
    rmSync(bench.path);
    await expect(bench.gate.check(request('/', { authorization }))).rejects.toMatchObject({
      code: 'E_UNAUTHENTICATED',
    });
    expect(existsSync(bench.path)).toBe(false);
  });

  it('that is open to others is shut, and that is said', async () => {
    const bench = await makeGate();
    chmodSync(bench.path, 0o664);
    await bench.tokens();
    expect(modeOf(bench.path)).toBe(0o600);
    expect(bench.logged.join()).toContain('open to others');
  });

  it('is changed although one who changed it died, once that is sure', async () => {
    const bench = await makeGate();
    const lock = `${bench.path}.lock`;
    writeFileSync(lock, '');
    const before = bench.clock.now();
    await bench.store.update((file) => addToken(file, { name: 'x', access: 'read' }, randomBytes, 0));
    expect(bench.clock.now() - before).toBeGreaterThanOrEqual(10_000);
    expect((await bench.tokens()).tokens).toHaveLength(2);
    expect(existsSync(lock)).toBe(false);
  });

  it('is changed once more by one that was taken for dead, over what was written meanwhile', async () => {
    const bench = await makeGate();
    const lock = `${bench.path}.lock`;
    let tries = 0;
    await bench.store.update((file) => {
      tries += 1;
      if (tries === 1) {
        rmSync(lock);
        writeFileSync(bench.path, printTokenFile(addToken(file, { name: 'other', access: 'read' }, randomBytes, 0)));
      }
      return addToken(file, { name: 'own', access: 'read' }, randomBytes, 0);
    });
    expect((await bench.tokens()).tokens.map(({ name }) => name)).toEqual(['default', 'other', 'own']);
    expect(readdirSync(dirname(bench.path))).toEqual(['tokens.json']);
  });

  it('loses no change of two writers', async () => {
    const bench = await makeGate();
    const names = Array.from({ length: 20 }, (_, at) => `t${at}`);
    const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
    const shared = { path: bench.path, files: nodeTokenAccess, clock: realClock, randomBytes, log };
    await Promise.all(
      names.map((name) =>
        createTokenStore(shared).update((file) => addToken(file, { name, access: 'read' }, randomBytes, 0)),
      ),
    );
    expect((await bench.tokens()).tokens.map(({ name }) => name).sort()).toEqual(['default', ...names].sort());
  });
});
