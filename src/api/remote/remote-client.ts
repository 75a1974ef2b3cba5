/** The client that asks an agent over its HTTP API, on this machine or another one. Answers and failures are those of the local client. */
import type { Clock } from '../../core/ports/clock.js';
import type { DefinitionReader } from '../../core/ports/definition.js';
import type { AppliedResult, ApplyOptions, BerthClient, ChangeResult, ReplaceOptions, Target } from '../client.js';
import { loadDefinitions, parseEdit } from '../definitions.js';
import { apiPrefix } from '../http/contract.js';
import { pagesBack } from '../pages-back.js';
import { viewAgent } from '../status-view.js';
import type { EventView, HistoryView } from '../views.js';
import { followEvents, followStatus, type FollowPorts } from './following.js';
import { pathOf, queryOf, timeOf } from './paths.js';
import { remoteConsole } from './remote-console.js';
import { remoteLogs } from './remote-logs.js';
import * as shapes from './shapes.js';
import type { Shape } from './shapes.js';
import type { Call, Transport } from './transport.js';
import { remoteWait } from './waiting.js';

export interface RemoteClientOptions {
  readonly transport: Transport;
  /** Definitions are files of this machine, read and checked here. */
  readonly reader: () => Promise<DefinitionReader>;
  readonly clock: Clock;
  /** False: what goes on ends with E_AGENT_UNREACHABLE when the agent is gone, instead of waiting for it to come back. */
  readonly reconnect: boolean;
  /** What reading, planning and writing may take, in milliseconds. */
  readonly callDeadlineMs: number;
}

/** What may wait for a runtime: each driver has deadlines of its own, that end it before. */
const slowDeadlineMs = 300_000;
/** A program that is run inside a container may take its time. */
const execDeadlineMs = 24 * 3_600_000;

type Ask = <T>(shape: Shape<T>, method: Call['method'], path: string, more?: Partial<Call>) => Promise<T>;

/** A client over a transport. `close` cuts its connections. */
export function createRemoteClient(options: RemoteClientOptions): BerthClient {
  const { transport, callDeadlineMs } = options;
  const ask: Ask = async (shape, method, path, more = {}) => {
    const call = { method, path: `${apiPrefix}${path}`, deadlineMs: callDeadlineMs, ...more };
    return shape(await transport.json(call), 'the answer');
  };
  return {
    ...readingOf(ask),
    ...changingOf(ask),
    ...definingOf(ask, options.reader),
    ...goingOn(ask, options),
    console: (target, signal) => remoteConsole(options, target, signal),
    exec: (target, argv, signal) =>
      ask(shapes.execShape, 'POST', `${pathOf(target)}/exec`, { body: { argv }, deadlineMs: execDeadlineMs, signal }),
    gc: ({ dryRun }, signal) =>
      ask(shapes.garbageShape, 'POST', '/gc', { body: { dryRun }, deadlineMs: slowDeadlineMs, signal }),
    doctor: ({ drivers } = { drivers: true }) =>
      ask(shapes.doctorShape, 'GET', `/doctor${queryOf(drivers ? {} : { drivers: 'false' })}`, {
        deadlineMs: slowDeadlineMs,
      }),
    close: () => {
      transport.close();
      return Promise.resolve();
    },
  };
}

type Reading = Pick<BerthClient, 'status' | 'explain' | 'usage' | 'events' | 'history' | 'export' | 'agent' | 'names'>;

function readingOf(ask: Ask): Reading {
  return {
    status: ({ service }) => ask(shapes.statusShape, 'GET', `/status${queryOf({ service })}`),
    explain: (target) => ask(shapes.explanationShape, 'GET', pathOf(target)),
    usage: (target) => ask(shapes.usageShape, 'GET', `${pathOf(target)}/usage`),
    events: async ({ target, sinceMs, tail, severity = null, after = null, before: first = null }) => {
      const { service = null, component = null } = target ?? {};
      const read = (limit: number, before: number | null): Promise<readonly EventView[]> => {
        const query = queryOf({ service, component, severity, since: timeOf(sinceMs), after, before, tail: limit });
        return ask(shapes.itemsOf(shapes.eventShape), 'GET', `/events${query}`);
      };
      // Of none it is asked all the same: whether there is such a thing.
      return tail === 0 ? read(0, first) : (await pagesBack(read, tail, first)).toReversed().flat();
    },
    history: async (target, count, first = null) => {
      const read = (limit: number, before: number | null): Promise<readonly HistoryView[]> =>
        ask(shapes.itemsOf(shapes.historyShape), 'GET', `${pathOf(target)}/history${queryOf({ limit, before })}`);
      return (await pagesBack(read, count, first)).flat();
    },
    export: async (service, { reveal } = { reveal: false }) => {
      const query = queryOf(reveal ? { reveal: 'true' } : {});
      const path = `${pathOf({ service, component: null })}${query}`;
      const { spec, text, base } = await ask(shapes.serviceShape, 'GET', path);
      return { spec, text, base };
    },
    agent: async () => (await ask(shapes.agentShape, 'GET', '/agent')).agent,
    names: () => ask(shapes.namesShape, 'GET', '/names'),
  };
}

type Changing = Pick<
  BerthClient,
  'setDesired' | 'restart' | 'delete' | 'deleteVolume' | 'refresh' | 'planRollback' | 'rollback'
>;

function changingOf(ask: Ask): Changing {
  const change = (method: 'POST' | 'DELETE', path: string, message: string | null): Promise<ChangeResult> =>
    ask(shapes.changeShape, method, path, { body: { message } });
  const rollbackPath = (service: string): string => `${pathOf({ service, component: null })}/rollback`;
  return {
    setDesired: (target, desired, { message }) =>
      change('POST', `${pathOf(target)}/${desired === 'running' ? 'start' : 'stop'}`, message),
    restart: (target, { message }) => change('POST', `${pathOf(target)}/restart`, message),
    delete: (target, { message }) => change('DELETE', pathOf(target), message),
    deleteVolume: (service, volume, { message }) =>
      change('DELETE', `${pathOf({ service, component: null })}/volumes/${encodeURIComponent(volume)}`, message),
    refresh: (target: Target, { message }): Promise<AppliedResult> =>
      ask(shapes.appliedShape, 'POST', `${pathOf(target)}/refresh`, { body: { message } }),
    planRollback: (service, to) =>
      ask(shapes.rolledPlanShape, 'POST', rollbackPath(service), { body: { to, dryRun: true } }),
    rollback: (service, to, { message, base = null }) => {
      const body = { to, message, ...(base === null ? {} : { base }) };
      return ask(shapes.rolledBackShape, 'POST', rollbackPath(service), { body });
    },
  };
}

type Defining = Pick<BerthClient, 'plan' | 'apply' | 'planReplace' | 'replace'>;

function definingOf(ask: Ask, reader: () => Promise<DefinitionReader>): Defining {
  const loaded = async ({ path, prune, force }: ApplyOptions) => ({
    ...(await loadDefinitions(await reader(), path)),
    prune,
    force,
  });
  // What is wrong with a text is said here, by the name of its file; what goes over the wire needs no folder any more.
  const edited = async (options: ReplaceOptions) => {
    const checker = await reader();
    const { spec } = parseEdit(checker, options);
    return { text: checker.print(spec), base: options.base, force: options.force };
  };
  return {
    plan: async (options) => ask(shapes.planResultShape, 'POST', '/plan', { body: await loaded(options) }),
    apply: async (options) => {
      const body = { ...(await loaded(options)), message: options.message };
      return ask(shapes.appliedShape, 'POST', '/apply', { body });
    },
    planReplace: async (options) => {
      const path = `${pathOf({ service: options.service, component: null })}/plan`;
      return ask(shapes.planResultShape, 'POST', path, { body: await edited(options) });
    },
    replace: async (options) => {
      const body = { ...(await edited(options)), message: options.message };
      return ask(shapes.appliedShape, 'PUT', pathOf({ service: options.service, component: null }), { body });
    },
  };
}

type GoingOn = Pick<BerthClient, 'watchStatus' | 'followEvents' | 'logs' | 'waitFor'>;

function goingOn(ask: Ask, { transport, clock, reconnect }: RemoteClientOptions): GoingOn {
  const position = () => ask(shapes.agentShape, 'GET', '/agent');
  const { status, events } = readingOf(ask);
  const ports: FollowPorts = {
    transport,
    clock,
    reconnect,
    status: (service) => status({ service }),
    agent: async () => viewAgent((await position()).agent),
    events,
    position,
  };
  return {
    watchStatus: ({ service }, signal) => followStatus(ports, service, signal),
    followEvents: (options, signal) => followEvents(ports, options, signal),
    logs: (options, signal) => remoteLogs(ports, options, signal),
    waitFor: (options) => remoteWait(ports, options),
  };
}
