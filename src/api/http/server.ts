/** The API server: one application behind a unix socket and a loopback port, that ends at once when it is told to. */
import type { IncomingMessage } from 'node:http';
import { messageOf } from '../../core/errors.js';
import type { DoctorCheck } from '../views.js';
import { createApp, type App } from './app.js';
import type { Gate } from './auth/index.js';
import { createConnections, type Connections } from './connections.js';
import { apiLimits, type ApiLimits } from './limits.js';
import { listenOnSocket, listenOnTcp, removeAddress, removeSocket, writeAddress } from './listeners.js';
import type { ApiOptions, RouteDeps, Via } from './parts.js';
import { StreamSlots } from './slots.js';

/** A port that is taken is tried again this often, in milliseconds. */
const tryAgainMs = 15_000;

export interface ApiServer {
  /**
   * Serves from now on. Never fails: what cannot be listened on is logged, tried again, and told by `problem`.
   * Resolves when each address was tried once.
   */
  listen(): Promise<void>;
  /** Streams and connections that are open now. */
  serving(): { readonly streams: number; readonly connections: number };
  /** Ends every connection and every request under way, and takes the socket away. Never fails. */
  close(): Promise<void>;
  /** Null: it does not listen there, or not yet. */
  readonly address: { readonly socket: string | null; readonly url: string | null };
}

/** Makes the server; it listens nowhere yet. */
export function createApiServer(options: ApiOptions): ApiServer {
  return new Server(options);
}

class Server implements ApiServer {
  readonly #options: ApiOptions;
  readonly #app: Promise<App>;
  readonly #limits: ApiLimits;
  readonly #slots: StreamSlots;
  readonly #gate: Gate;
  readonly #socket: Connections;
  readonly #tcp: Connections;
  readonly #vias = new WeakMap<IncomingMessage, Via>();
  readonly #problems = new Map<Via, string>();
  #address: { socket: string | null; url: string | null } = { socket: null, url: null };
  readonly #cancels = new Set<() => void>();
  readonly #attempts = new Set<Promise<void>>();
  #closed = false;

  constructor(options: ApiOptions) {
    this.#options = options;
    this.#limits = options.limits ?? apiLimits;
    this.#slots = new StreamSlots(this.#limits);
    const gate = options.gate(() => this.#address.url);
    const deps: RouteDeps = {
      ...options,
      gate,
      limits: this.#limits,
      addressChecks: () => this.#checks(),
      takeSlot: (caller) => this.#slots.take(caller),
    };
    this.#gate = gate;
    this.#app = createApp(deps, (request) => this.#vias.get(request) ?? 'tcp');
    // Whoever listens awaits it; until then a failure is nobody's.
    this.#app.catch(() => undefined);
    this.#socket = this.#connections('socket');
    this.#tcp = this.#connections('tcp');
  }

  get address(): ApiServer['address'] {
    return this.#address;
  }

  /** What `doctor` says of each address that it should be reached at. */
  #checks(): readonly DoctorCheck[] {
    const { socket, url } = this.#address;
    const places = [{ via: 'socket', name: 'socket', detail: socket }] as const;
    const tcp = this.#options.tcp === 'off' ? [] : [{ via: 'tcp', name: 'tcp', detail: url } as const];
    return [...places, ...tcp].map(({ via, name, detail }) => {
      const problem = this.#problems.get(via);
      const ok = problem === undefined && detail !== null;
      const remedy = 'free it, or set api_listen; it is tried again every 15 s';
      const words = problem ?? detail ?? 'it does not listen there yet';
      return { area: 'api', name, ok, level: ok ? 'ok' : 'warning', detail: words, remedy: ok ? null : remedy };
    });
  }

  serving(): { readonly streams: number; readonly connections: number } {
    return { streams: this.#slots.taken, connections: this.#socket.count() + this.#tcp.count() };
  }

  async listen(): Promise<void> {
    await this.#gate.open();
    // It may be over before it began.
    if (this.#closed) return;
    await Promise.all([
      this.#try('socket', async () => {
        await this.#app;
        const socket = await listenOnSocket(this.#socket.server, this.#options.home);
        this.#address = { ...this.#address, socket };
      }),
      this.#options.tcp === 'off' ? this.#forgetAddress() : this.#try('tcp', () => this.#listenOnTcp()),
    ]);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const cancel of this.#cancels) cancel();
    await Promise.all(this.#attempts);
    const { socket, url } = this.#address;
    this.#address = { socket: null, url: null };
    const app = await this.#app.catch(() => null);
    app?.end();
    for (const connections of [this.#socket, this.#tcp]) {
      connections.server.close();
      connections.destroyAll();
    }
    await Promise.allSettled([
      app?.close(),
      socket === null ? undefined : removeSocket(this.#options.home, socket),
      url === null ? undefined : removeAddress(this.#options.home),
    ]);
  }

  #connections(via: Via): Connections {
    return createConnections(this.#limits, (request, response, upgrade) => {
      this.#vias.set(request, via);
      void this.#app.then((app) => {
        if (upgrade === null) app.handle(request, response);
        else app.upgrade(request, response, upgrade);
      });
    });
  }

  async #listenOnTcp(): Promise<void> {
    const { tcp, home, pid } = this.#options;
    await this.#app;
    const url = await listenOnTcp(this.#tcp.server, tcp);
    this.#address = { ...this.#address, url };
    await writeAddress(home, { url, pid });
  }

  /** That of an agent that died: there is none now. */
  async #forgetAddress(): Promise<void> {
    const { home, log } = this.#options;
    await removeAddress(home).catch((error: unknown) => {
      log.warn({ err: messageOf(error) }, 'the address of an earlier agent cannot be taken away');
    });
  }

  /** Tries it, and again and again after a failure. */
  async #try(via: Via, attempt: () => Promise<void>): Promise<void> {
    const { log, clock, tcp } = this.#options;
    const trying = attempt();
    const heard = trying.catch(() => undefined);
    this.#attempts.add(heard);
    void heard.then(() => this.#attempts.delete(heard));
    try {
      await trying;
      this.#problems.delete(via);
      log.info({ ...this.#address }, 'API serves');
    } catch (error) {
      if (this.#closed) return;
      const place = via === 'tcp' ? tcp : 'the socket in the home';
      const words = `the API cannot be served on ${place}: ${messageOf(error)}`;
      if (!this.#problems.has(via)) log.warn({ err: messageOf(error), place }, 'API does not serve there yet');
      this.#problems.set(via, words);
      const cancel = clock.after(tryAgainMs, () => {
        this.#cancels.delete(cancel);
        void this.#try(via, attempt);
      });
      this.#cancels.add(cancel);
    }
  }
}
