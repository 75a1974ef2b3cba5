/** The command line over a real registry in a temporary home, with an agent that only writes what it is told. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  createTokenKeeper,
  createTokenStore,
  nodeTokenAccess,
  type LoginLink,
} from '../../../src/api/http/auth/index.js';
import { createLocalClient } from '../../../src/api/local-client.js';
import type { AgentInfo } from '../../../src/api/views.js';
import type { AgentOptions, CliDeps, ConnectOptions, Input, LoginRequest, Maintenance } from '../../../src/cli/deps.js';
import { runCli } from '../../../src/cli/run-cli.js';
import { BerthError } from '../../../src/core/errors.js';
import type { NewEvent } from '../../../src/core/event.js';
import { parseKey } from '../../../src/core/names.js';
import type { Driver } from '../../../src/core/ports/driver.js';
import type { Log } from '../../../src/core/ports/log.js';
import type { ChangeContext, Registry } from '../../../src/core/ports/registry.js';
import type { UsageView } from '../../../src/core/ports/usage.js';
import { initialStatus, type ComponentStatus } from '../../../src/core/status.js';
import { createDefinitionReader, nodeFiles } from '../../../src/definition/index.js';
import { openRegistry } from '../../../src/registry/index.js';
import { createSimulatedDriver, createSimulatedHost } from '../../../src/runtimes/simulated/index.js';
import { scenarioNames, simulate } from '../../../src/simulation/index.js';
import { realChance, realClock } from '../../support/real-clock.js';

export interface Result {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

/** A command that goes on. */
export interface Running {
  out(): string;
  err(): string;
  interrupt(): void;
  closeStdout(): void;
  readonly done: Promise<Result>;
}

export const shopToml = `name = "shop"

[[components]]
name = "web"
image = "localhost/shop-web:1.4"
memory_mb = 128
ports = ["127.0.0.1:8080:8080"]
depends_on = ["db"]

[[components]]
name = "db"
image = "localhost/shop-db:1"
volumes = ["data:/data"]
`;

const noLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const noInput: Input = {
  isTty: false,
  async *read() {
    // A pipe that is empty.
  },
  makeRaw: () => () => undefined,
};

/** For `expect.poll`: the machine may be busy. */
export const patiently = { timeout: 8_000 };

const agentContext: ChangeContext = { actor: 'agent', request: null, message: null };

/** A simulated driver with some of its members replaced. */
export function fakeDriver(members: Partial<Driver>): Driver {
  // Each command closes the drivers that it opened; here the next one asks the same object.
  const replaced: Partial<Driver> = { close: () => Promise.resolve(), ...members };
  const host = createSimulatedHost({ clock: realClock, chance: realChance });
  const driver = createSimulatedDriver({ host, homeId: '0', namePrefix: '', clock: realClock });
  return new Proxy(driver, {
    get(target, member) {
      const value: unknown = Reflect.get(Object.hasOwn(replaced, member) ? replaced : target, member);
      // Private members want the driver itself as their receiver.
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

export class Bench {
  readonly home: string;
  readonly env: Record<string, string> = {};
  readonly agentRuns: AgentOptions[] = [];
  /** What was to be connected to. */
  readonly connections: ConnectOptions[] = [];
  readonly maintenanceCalls: string[] = [];
  readonly loginRequests: LoginRequest[] = [];
  agent: AgentInfo | null = { pid: 4711, sinceMs: 1_000 };
  drivers: readonly Driver[] | undefined = undefined;
  /** What is seen of what components use; undefined: nobody looks. */
  usage: UsageView | undefined = undefined;
  /** What the editor does to the text; answers its exit code. */
  editor: (
    text: string,
  ) => Promise<{ readonly text: string; readonly exit?: number }> | { readonly text: string; readonly exit?: number } =
    (text) => ({ text });
  /** Answers to questions, in order; undefined: there is no terminal. */
  answers: string[] | undefined = undefined;
  /** What is typed or piped in. */
  stdin: Input = noInput;
  vmSetUp: CliDeps['vm']['setUp'] = () => Promise.resolve({ version: '0', path: '/dev/null' });
  registryProblems: readonly string[] = [];
  #registry: Registry | undefined;

  constructor() {
    this.home = mkdtempSync(join(tmpdir(), 'berth-cli-'));
    // What an edit keeps for its user goes with the home.
    this.env['TMPDIR'] = this.home;
    onTestFinished(async () => {
      await this.#registry?.close();
      rmSync(this.home, { recursive: true, force: true });
    });
  }

  /** The agent's own connection to the registry. */
  async registry(): Promise<Registry> {
    this.#registry ??= await this.#open(true);
    return this.#registry;
  }

  async file(name: string, text: string): Promise<string> {
    const path = join(this.home, name);
    await writeFile(path, text);
    return path;
  }

  /** Applies `shopToml`. */
  async withShop(): Promise<string> {
    const path = await this.file('shop.toml', shopToml);
    const { exit, err } = await this.run('apply', '-f', path);
    if (exit !== 0) throw new Error(err);
    return path;
  }

  /** What the agent saw and did. */
  async observe(key: string, patch: Partial<ComponentStatus>, events: readonly NewEvent[] = []): Promise<void> {
    const registry = await this.registry();
    const parsed = parseKey(key);
    const record = parsed && (await registry.component(parsed));
    if (!record) throw new Error(`no component ${key}`);
    const status = {
      ...initialStatus,
      observedGeneration: record.generation,
      observedRevision: record.revision,
      restartToken: record.restartToken,
      ...patch,
    };
    await registry.updateStatus([{ key: record.key, generation: record.generation, status, events }], agentContext);
  }

  /** The agent brought it up. */
  async running(key: string, patch: Partial<ComponentStatus> = {}, events: readonly NewEvent[] = []): Promise<void> {
    const up = { phase: 'running', observed: 'running', ready: true, reason: 'Running', message: 'it runs' } as const;
    await this.observe(key, { ...up, ...patch }, events);
  }

  /** Removes the rows of components that are marked as deleting, as the agent does when their workloads are gone. */
  async purged(...keys: readonly string[]): Promise<void> {
    const registry = await this.registry();
    for (const text of keys) {
      const key = parseKey(text);
      if (!key) throw new Error(`no key: ${text}`);
      await registry.purgeComponent(key, [], agentContext);
    }
  }

  async run(...argv: readonly string[]): Promise<Result> {
    return this.start(...argv).done;
  }

  start(...argv: readonly string[]): Running {
    const text = { out: '', err: '' };
    const interrupts = new Set<() => void>();
    const closes = new Set<() => void>();
    const listen = (set: Set<() => void>) => (run: () => void) => {
      set.add(run);
      return () => void set.delete(run);
    };
    const output = (name: 'out' | 'err') => ({
      write: (part: string | Uint8Array) =>
        void (text[name] += typeof part === 'string' ? part : Buffer.from(part).toString()),
      isTty: this.answers !== undefined,
      columns: undefined,
    });
    const deps = this.#deps({
      stdin: this.stdin,
      stdout: output('out'),
      stderr: output('err'),
      ask: this.answers === undefined ? undefined : () => Promise.resolve(this.answers?.shift() ?? ''),
      onStdoutClosed: listen(closes),
      onInterrupt: listen(interrupts),
    });
    return {
      out: () => text.out,
      err: () => text.err,
      interrupt: () => {
        for (const run of [...interrupts]) run();
      },
      closeStdout: () => {
        for (const run of [...closes]) run();
      },
      done: runCli(argv, deps).then((exit) => ({ exit, ...text })),
    };
  }

  #open(create: boolean): Promise<Registry> {
    return openRegistry({ path: join(this.home, 'registry.db'), clock: realClock, chance: realChance, create });
  }

  #deps(stdio: CliDeps['stdio']): CliDeps {
    return {
      connect: async (options) => {
        this.connections.push(options);
        const { create, actor } = options;
        const { drivers, usage } = this;
        return createLocalClient({
          registry: await this.#open(create),
          reader: () => Promise.resolve(createDefinitionReader({ files: nodeFiles() })),
          ...(drivers === undefined ? {} : { drivers: () => Promise.resolve(drivers) }),
          ...(usage === undefined ? {} : { usage }),
          clock: realClock,
          chance: realChance,
          actor,
          agentHolder: () => Promise.resolve(this.agent),
        });
      },
      runAgent: (options) => {
        this.agentRuns.push(options);
        return Promise.resolve(0);
      },
      maintenance: this.#maintenance(),
      tokens: () => {
        const shared = { path: join(this.home, 'tokens.json'), clock: realClock, randomBytes };
        const store = createTokenStore({ ...shared, files: nodeTokenAccess, log: noLog });
        return Promise.resolve(createTokenKeeper({ ...shared, store }));
      },
      loginLink: (request): Promise<LoginLink> => {
        this.loginRequests.push(request);
        return Promise.resolve({ url: 'http://127.0.0.1:7600/login?code=x', expiresAt: '2026-01-01T00:10:00.000Z' });
      },
      vm: { setUp: (...args) => this.vmSetUp(...args) },
      simulation: {
        names: () => Promise.resolve(scenarioNames()),
        async *run(request) {
          const schedule = request.schedule === null ? null : await readFile(request.schedule, 'utf8');
          yield* simulate({ ...request, schedule });
        },
      },
      runEditor: async (argv) => {
        const path = argv.at(-1) ?? '';
        const { text, exit = 0 } = await this.editor(await readFile(path, 'utf8'));
        await writeFile(path, text);
        return exit;
      },
      stdio,
      env: this.env,
      cwd: this.home,
      clock: realClock,
      userName: () => 'tester',
      version: '9.9.9',
    };
  }

  #maintenance(): Maintenance {
    const path = join(this.home, 'registry.db');
    const note = (text: string): void => void this.maintenanceCalls.push(text);
    return {
      check: () => {
        const problems = this.registryProblems;
        return Promise.resolve({ ok: problems.length === 0, path, version: 7, problems });
      },
      backup: (_home, to) => {
        note(`backup ${to ?? 'beside'}`);
        return Promise.resolve(to ?? `${path}.backup`);
      },
      restore: (_home, from) => {
        note(`restore ${from}`);
        if (from.endsWith('missing.db')) throw new BerthError('E_REGISTRY_MISSING', `there is no registry at ${from}`);
        return Promise.resolve({ path, kept: `${path}.replaced` });
      },
      migrate: () => Promise.resolve({ path, from: 4, to: 7, backup: `${path}.backup-v4` }),
    };
  }
}
