/** Networks and named volumes: made when missing, listed and removed by their owner's label. */
import { z } from 'zod';
import { BerthError } from '../../core/errors.js';
import type { HostObject } from '../../core/observation.js';
import type { CallOptions, LibpodClient } from './client.js';
import { labels, serviceLabels } from './labels.js';
import { networkSchema, readAnswer, volumeSchema } from './wire.js';

export interface HostObjectsOptions {
  readonly driver: string;
  readonly homeId: string;
  readonly client: () => LibpodClient;
  readonly callDeadlineMs: number;
}

type Kind = 'network' | 'volume';
interface Found {
  readonly name: string;
  readonly bag: Readonly<Record<string, string>>;
  /** Of a volume: where its content is; empty when podman does not say. */
  readonly folder: string;
}

const folders: Readonly<Record<Kind, string>> = { network: 'networks', volume: 'volumes' };

function readFound(kind: Kind, json: unknown): Found {
  if (kind === 'network') {
    // Podman 4.3 answers the one that was asked for, older ones a list of one.
    const network = readAnswer(networkSchema, Array.isArray(json) ? (json[0] as unknown) : json, 'inspect a network');
    return { name: network.name, bag: network.labels ?? {}, folder: '' };
  }
  const volume = readAnswer(volumeSchema, json, 'inspect a volume');
  return { name: volume.Name, bag: volume.Labels ?? {}, folder: volume.Mountpoint ?? '' };
}

function isKind(kind: HostObject['kind']): kind is Kind {
  return kind === 'network' || kind === 'volume';
}

const never = new AbortController().signal;

/** Keeps the networks and volumes of this home; it remembers what it saw, so that twenty creates look once. */
export class HostObjects {
  readonly #options: HostObjectsOptions;
  readonly #known = new Map<string, Promise<void>>();

  constructor(options: HostObjectsOptions) {
    this.#options = options;
  }

  /** Makes what is missing. E_NAME_TAKEN when somebody else holds the name. */
  ensure(object: HostObject): Promise<void> {
    const { kind, name } = object;
    if (!isKind(kind)) return Promise.resolve();
    const key = `${kind} ${name}`;
    const before = this.#known.get(key);
    if (before) return before;
    // Several creates wait for this one call, so none of their signals may end it; its deadline does.
    const attempt = this.#ensureOnce(kind, object, never);
    this.#known.set(key, attempt);
    attempt.catch(() => {
      if (this.#known.get(key) === attempt) this.#known.delete(key);
    });
    return attempt;
  }

  /** A create said that something is missing after all: looks again next time. */
  forget(): void {
    this.#known.clear();
  }

  /** Those that bear this home's label. */
  async list(signal: AbortSignal): Promise<readonly HostObject[]> {
    return (await Promise.all([this.#listKind('network', signal), this.#listKind('volume', signal)])).flat();
  }

  /** Removes one of this home; succeeds when it is gone. E_NAME_TAKEN when it is somebody else's. */
  async remove(object: HostObject, signal: AbortSignal): Promise<void> {
    const { kind, name } = object;
    if (!isKind(kind)) throw new BerthError('E_NOT_SUPPORTED', `podman's driver removes no ${kind} by name`);
    const found = await this.#find(kind, name, signal);
    this.#known.delete(`${kind} ${name}`);
    if (!found) return;
    this.#mustBeOurs(kind, found);
    await this.#options.client().call('DELETE', `/${folders[kind]}/${encodeURIComponent(name)}`, {
      ...this.#call(`remove ${kind} ${name}`, signal),
      allow: [404],
    });
  }

  /** Where a volume of this home has its content; undefined when there is none. E_NAME_TAKEN when it is another's. */
  async volumeFolder({ name }: HostObject, signal: AbortSignal): Promise<string | undefined> {
    const found = await this.#find('volume', name, signal);
    if (!found) return undefined;
    this.#mustBeOurs('volume', found);
    return found.folder;
  }

  #call(what: string, signal: AbortSignal): CallOptions {
    return { what, signal, deadlineMs: this.#options.callDeadlineMs };
  }

  async #find(kind: Kind, name: string, signal: AbortSignal): Promise<Found | undefined> {
    const { status, json } = await this.#options
      .client()
      .call('GET', `/${folders[kind]}/${encodeURIComponent(name)}/json`, {
        ...this.#call(`inspect ${kind} ${name}`, signal),
        allow: [404],
      });
    return status === 404 ? undefined : readFound(kind, json);
  }

  #mustBeOurs(kind: Kind, found: Found): void {
    if (found.bag[labels.owner] === this.#options.homeId) return;
    throw new BerthError('E_NAME_TAKEN', `the ${kind} ${found.name} exists and is not of this home`, {
      suggestion: `look at it with: podman ${kind} inspect ${found.name}`,
      details: { kind, name: found.name },
    });
  }

  async #make(kind: Kind, object: HostObject, signal: AbortSignal): Promise<void> {
    const bag = serviceLabels(this.#options.homeId, object.service);
    const body =
      kind === 'network'
        ? { name: object.name, driver: 'bridge', dns_enabled: true, labels: bag }
        : { Name: object.name, Labels: bag };
    const call = this.#call(`create ${kind} ${object.name}`, signal);
    await this.#options.client().call('POST', `/${folders[kind]}/create`, { ...call, body });
  }

  async #ensureOnce(kind: Kind, object: HostObject, signal: AbortSignal): Promise<void> {
    const found = await this.#find(kind, object.name, signal);
    if (found) {
      this.#mustBeOurs(kind, found);
      return;
    }
    try {
      await this.#make(kind, object, signal);
    } catch (error) {
      // Somebody was quicker: an agent that was killed in mid-call, say. What counts is that it is there.
      const again = await this.#find(kind, object.name, signal).catch(() => undefined);
      if (!again) throw error;
      this.#mustBeOurs(kind, again);
    }
  }

  async #listKind(kind: Kind, signal: AbortSignal): Promise<readonly HostObject[]> {
    const { driver, homeId, client } = this.#options;
    const what = `list ${kind}s`;
    const query = { filters: JSON.stringify({ label: [`${labels.owner}=${homeId}`] }) };
    const { json } = await client().call('GET', `/${folders[kind]}/json`, { ...this.#call(what, signal), query });
    return readAnswer(z.array(z.unknown()), json ?? [], what)
      .map((entry) => readFound(kind, entry))
      .map(({ name, bag }) => ({ kind, driver, name, service: bag[labels.service] ?? '', component: null }));
  }
}
