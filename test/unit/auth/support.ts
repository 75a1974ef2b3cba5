/** A gate on a clock of the test's own, with tokens in a temporary folder. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  createGate,
  createTokenStore,
  nodeTokenAccess,
  type Gate,
  type GateRequest,
} from '../../../src/api/http/auth/index.js';
import type { TokenFile } from '../../../src/api/http/auth/token-file.js';
import type { TokenStore } from '../../../src/api/http/auth/token-store.js';
import type { Clock } from '../../../src/core/ports/clock.js';
import type { Log } from '../../../src/core/ports/log.js';

export class ManualClock implements Clock {
  atMs = 1_800_000_000_000;
  readonly now = (): number => this.atMs;
  readonly monotonic = (): number => this.atMs;
  /** Whoever waits is served at once, and time has passed. */
  readonly after = (delayMs: number, run: () => void): (() => void) => {
    let cancelled = false;
    queueMicrotask(() => {
      if (cancelled) return;
      this.atMs += delayMs;
      run();
    });
    return () => {
      cancelled = true;
    };
  };
}

export interface GateBench {
  readonly gate: Gate;
  readonly store: TokenStore;
  readonly path: string;
  readonly clock: ManualClock;
  /** What was logged, as JSON texts. */
  readonly logged: string[];
  /** What the tokens are now. */
  tokens(): Promise<TokenFile>;
  settings: { allowedHosts: readonly string[]; boundUrl: string | null };
}

export async function makeGate(): Promise<GateBench> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-auth-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const path = join(folder, 'tokens.json');
  const clock = new ManualClock();
  const logged: string[] = [];
  const note = (facts: object | string, message?: string): void => void logged.push(JSON.stringify([facts, message]));
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const settings: GateBench['settings'] = { allowedHosts: [], boundUrl: 'http://127.0.0.1:7600' };
  const store = createTokenStore({ path, files: nodeTokenAccess, clock, randomBytes, log });
  const gate = createGate({
    tokens: store,
    clock,
    randomBytes,
    log,
    allowedHosts: () => settings.allowedHosts,
    boundUrl: () => settings.boundUrl,
  });
  await gate.open();
  const tokens = async (): Promise<TokenFile> => (await store.read())!;
  return { gate, store, path, clock, logged, tokens, settings };
}

/** A request over TCP to the agent itself. */
export function request(
  url: string,
  headers: Readonly<Record<string, string | undefined>> = {},
  more: Partial<GateRequest> = {},
): GateRequest {
  return {
    via: 'tcp',
    method: 'GET',
    url,
    address: '127.0.0.1',
    ...more,
    headers: { host: '127.0.0.1:7600', ...headers },
  };
}
