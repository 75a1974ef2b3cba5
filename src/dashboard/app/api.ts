/** The agent's HTTP API, as far as the page uses it. Every call may fail with a Refusal, or as `fetch` does. */
import type { Problem } from '../../api/http/contract.js';
import type { AcceptPlan } from '../../api/adopt.js';
import type { AppliedResult, ChangeResult, PlanResult, RollbackPlan } from '../../api/client.js';
import type { ComponentView, DoctorReport, EventView, Explanation, HistoryView, UsageReport } from '../../api/views.js';
import type { ServiceBase } from '../../core/plan-replace.js';
import type { DefinitionProblem } from '../../core/ports/definition.js';
import type { ReconcileMode, ServiceSpec } from '../../core/spec.js';
import { readLines } from './lines.js';

/** What the agent refused, in its own words. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly suggestion: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? problem.title ?? `the agent answered with status ${status}`);
    this.status = status;
    this.code = problem.code ?? `HTTP_${status}`;
    this.suggestion = problem.suggestion ?? '';
    this.details = problem.details ?? {};
  }
}

/** A service as it is edited. */
export interface ServiceText {
  readonly service: string;
  readonly text: string;
  readonly base: ServiceBase;
  readonly spec: ServiceSpec;
  readonly components: readonly ComponentView[];
}

export interface ServiceRow {
  readonly name: string;
  readonly node: string;
  readonly active: boolean;
}

export interface Key {
  readonly service: string;
  readonly component: string;
}

export interface SaveOptions {
  readonly text: string;
  /** What was seen before it was changed; null: there was no such service. */
  readonly base: ServiceBase | null;
  readonly force: boolean;
  readonly message: string;
}

export type Verb = 'start' | 'stop' | 'restart';

const part = encodeURIComponent;
const serviceUrl = (service: string): string => `/v1/services/${part(service)}`;
const componentUrl = ({ service, component }: Key): string => `/v1/components/${part(service)}/${part(component)}`;

export type Api = ReturnType<typeof createApi>;

/** Its methods change with the agent's API alone: docs/api.md. */
export function createApi() {
  return { ...reading(), ...changing() };
}

function reading() {
  return {
    agent: (signal?: AbortSignal) => get('/v1/agent', signal),
    services: async () => ((await get('/v1/services')) as { readonly items: readonly ServiceRow[] }).items,
    service: async (service: string, signal?: AbortSignal) => (await get(serviceUrl(service), signal)) as ServiceText,
    explain: async (key: Key, signal?: AbortSignal) => (await get(componentUrl(key), signal)) as Explanation,
    usage: async (key: Key, signal?: AbortSignal) => (await get(`${componentUrl(key)}/usage`, signal)) as UsageReport,
    history: async (key: Key, signal?: AbortSignal) =>
      ((await get(`${componentUrl(key)}/history?limit=50`, signal)) as { readonly items: readonly HistoryView[] })
        .items,
    /** Of one component, of a service, or of all; oldest first. */
    events: async (query: Readonly<Record<string, string>>, signal?: AbortSignal) => {
      const answer = await get(`/v1/events?${new URLSearchParams(query).toString()}`, signal);
      return (answer as { readonly items: readonly EventView[] }).items;
    },
    /** The checks that ask no runtime: what runs out. */
    outlook: async (signal?: AbortSignal) => (await get('/v1/doctor?drivers=false', signal)) as DoctorReport,
    doctor: async (signal?: AbortSignal) => (await get('/v1/doctor', signal)) as DoctorReport,
    schema: (signal?: AbortSignal) => get('/v1/schema', signal),
    /** Lines as they come, until the signal fires or there are no more. */
    logs: (key: Key, query: Readonly<Record<string, string>>, signal: AbortSignal) =>
      readLines(
        `${componentUrl(key)}/logs?${new URLSearchParams(query).toString()}`,
        signal,
        refuse,
        (problem) => new Refusal(problem.status, problem),
      ),
  };
}

function changing() {
  return {
    parse: async (text: string, path: string, signal?: AbortSignal) =>
      (await send('POST', '/v1/parse', { text, path }, signal)) as {
        readonly problems: readonly DefinitionProblem[];
        readonly spec: ServiceSpec | null;
      },
    plan: async (service: string, options: Omit<SaveOptions, 'message'>, signal?: AbortSignal) =>
      (await send('POST', `${serviceUrl(service)}/plan`, bodyOf(options), signal)) as PlanResult,
    save: async (service: string, options: SaveOptions) => {
      const body = { ...bodyOf(options), ...(options.message === '' ? {} : { message: options.message }) };
      const headers = options.base === null ? { 'if-none-match': '*' } : {};
      return (await send('PUT', serviceUrl(service), body, undefined, headers)) as AppliedResult;
    },
    deleteService: async (service: string) => (await send('DELETE', serviceUrl(service), {})) as ChangeResult,
    deleteComponent: async (key: Key) => (await send('DELETE', componentUrl(key), {})) as ChangeResult,
    operate: async (key: Key, verb: Verb) => (await send('POST', `${componentUrl(key)}/${verb}`, {})) as ChangeResult,
    setMode: async (key: Key, mode: ReconcileMode) =>
      (await send('POST', `${componentUrl(key)}/mode`, { mode })) as AppliedResult,
    planAccept: async (key: Key, fields: readonly string[]) =>
      (await send('POST', `${componentUrl(key)}/accept`, { fields, dryRun: true })) as AcceptPlan,
    /** What the plan shows, and nothing else: refused when it is another by now. */
    accept: async (key: Key, { base, observed }: AcceptPlan) =>
      (await send('POST', `${componentUrl(key)}/accept`, {
        fields: Object.keys(observed),
        base,
        observed,
      })) as PlanResult,
    planRollBack: async (service: string, to: number | null) =>
      (await send('POST', `${serviceUrl(service)}/rollback`, { to, dryRun: true })) as RollbackPlan,
    /** What the plan shows, and nothing else: refused when it is another by now. */
    rollBack: async (service: string, { to, base }: RollbackPlan) =>
      (await send('POST', `${serviceUrl(service)}/rollback`, { to, base })) as AppliedResult,
  };
}

function bodyOf({ text, base, force }: Omit<SaveOptions, 'message'>): Readonly<Record<string, unknown>> {
  return { text, force, ...(base === null ? {} : { base }) };
}

function get(path: string, signal?: AbortSignal): Promise<unknown> {
  return ask(path, { headers: { accept: 'application/json' }, ...(signal === undefined ? {} : { signal }) });
}

// One request has a method, an address, a body, a signal and headers.
function send(
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  body: unknown,
  signal?: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  return ask(path, {
    method,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
    ...(signal === undefined ? {} : { signal }),
  });
}

async function ask(path: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(path, init);
  if (!response.ok) return refuse(response);
  const text = await response.text();
  return text === '' ? null : (JSON.parse(text) as unknown);
}

async function refuse(response: Response): Promise<never> {
  // The login has ended: everything else is refused as well.
  if (response.status === 401) location.assign('/login');
  const text = await response.text().catch(() => '');
  throw new Refusal(response.status, problemOf(text));
}

function problemOf(text: string): Partial<Problem> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}
