/** What a reader of a watch makes of it, and whatever was wrong with how it was told. */
import { createSseParser, type SseMessage, type SseParser } from '../../src/api/http/watch/parse.js';
import type { ComponentView } from '../../src/api/views.js';

type Data = Readonly<Record<string, unknown>> & { readonly revision: number };

/** A component without its age, which is another one each time it is told. */
export function withoutAge(view: ComponentView): ComponentView {
  return { ...view, observedAgeMs: null };
}

/** Follows one watch through however many connections. */
export class WatchFold {
  /** By `service/component`. */
  readonly components = new Map<string, ComponentView>();
  /** Revisions, in the order in which they were told. */
  readonly events: number[] = [];
  readonly changed: number[] = [];
  readonly names: string[] = [];
  readonly problems: string[] = [];
  beats = 0;
  synced = false;
  /** Revision of the snapshot. */
  begunAt = 0;
  #parser: SseParser = createSseParser();
  #lastId = '';
  #snapshot = new Set<string>();

  /** Where to resume; null: from the beginning. */
  get lastId(): string | null {
    return this.#lastId === '' ? null : this.#lastId;
  }

  /** The revision up to which all was told; -1: nothing was. */
  get revision(): number {
    return this.#lastId === '' ? -1 : revisionOf(this.#lastId);
  }

  /** A connection ended; the next begins where this one was. */
  reconnect(): void {
    this.#parser = createSseParser();
    this.#snapshot = new Set();
    if (!this.synced) this.components.clear();
  }

  /** The history is over; the next connection tells everything. */
  startAnew(): void {
    this.reconnect();
    this.#lastId = '';
    this.synced = false;
    this.components.clear();
  }

  push(text: string): void {
    for (const message of this.#parser.push(text)) this.#take(message);
  }

  #take(message: SseMessage): void {
    const data = JSON.parse(message.data) as Data;
    this.names.push(message.name);
    if (!this.synced && message.name !== 'component' && message.name !== 'synced') {
      this.#complain(`${message.name} before synced`);
    }
    this.#checkRevision(message, data);
    this.#apply(message.name, data);
    this.#checkId(message);
  }

  #checkRevision({ name }: SseMessage, { revision }: Data): void {
    const known = this.revision;
    const isLevel = name === 'component' || name === 'gone' || name === 'beat' || name === 'synced';
    if (isLevel ? revision < known : revision <= known) this.#complain(`${name} of ${revision} after ${known}`);
  }

  #checkId({ name, id }: SseMessage): void {
    if (id === '' || id === this.#lastId) return;
    if (!this.synced) this.#complain(`${name} has an id before synced`);
    const [epoch] = id.split(':');
    if (this.#lastId !== '' && this.#lastId.split(':')[0] !== epoch) this.#complain(`another epoch: ${id}`);
    if (revisionOf(id) <= this.revision) this.#complain(`id ${id} after ${this.#lastId}`);
    this.#lastId = id;
  }

  #apply(name: string, data: Data): void {
    switch (name) {
      case 'component': {
        const told = withoutAge(data['component'] as ComponentView);
        const key = `${told.service}/${told.component}`;
        if (!this.synced && this.#snapshot.has(key)) this.#complain(`${key} twice before synced`);
        this.#snapshot.add(key);
        this.components.set(key, told);
        break;
      }
      case 'gone':
        this.components.delete(`${String(data['service'])}/${String(data['component'])}`);
        break;
      case 'event':
      case 'changed': {
        const list = name === 'event' ? this.events : this.changed;
        if (data.revision <= (list.at(-1) ?? 0)) this.#complain(`${name} ${data.revision} after ${list.at(-1) ?? 0}`);
        list.push(data.revision);
        break;
      }
      case 'synced':
        this.synced = true;
        this.begunAt = data.revision;
        break;
      case 'beat':
        this.beats += 1;
        break;
      default:
        this.#complain(`a message called ${name}`);
    }
  }

  #complain(problem: string): void {
    this.problems.push(problem);
  }
}

const revisionOf = (id: string): number => Number(id.slice(id.lastIndexOf(':') + 1));
