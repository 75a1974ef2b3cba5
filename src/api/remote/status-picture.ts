/** The status of all components, kept up to date by what a watch tells. */
import { formatKey } from '../../core/names.js';
import type { Clock } from '../../core/ports/clock.js';
import type { ComponentView, StatusReport } from '../views.js';
import { beatShape, componentMessageShape, goneMessageShape, revisionShape } from './shapes.js';

interface Seen {
  readonly view: ComponentView;
  /** Monotonic milliseconds. */
  readonly atMs: number;
}

export class StatusPicture {
  readonly #clock: Clock;
  #components = new Map<string, Seen>();
  /** What is told of the present until all of it is; null: what comes are changes. */
  #beginning: Map<string, Seen> | null = null;
  #revision: number;
  #agent: StatusReport['agent'];
  /** Age of each driver's last good answer when it was told; null: it never answered. */
  readonly #drivers = new Map<string, { readonly ageMs: number | null; readonly atMs: number }>();
  #told = '';

  constructor(clock: Clock, report: StatusReport) {
    this.#clock = clock;
    this.#revision = report.revision;
    this.#agent = report.agent;
    for (const view of report.components) this.#put(this.#components, view);
  }

  /** An agent is known. */
  get served(): boolean {
    return this.#agent !== null;
  }

  setAgent(agent: StatusReport['agent']): void {
    this.#agent = agent;
  }

  /** All of the present comes next, and then `synced`. */
  beginAnew(): void {
    this.#beginning = new Map();
  }

  /** Takes one message of the watch. E_AGENT_ANSWER. */
  take(name: string, data: unknown): void {
    const into = this.#beginning ?? this.#components;
    switch (name) {
      case 'component': {
        const { revision, component } = componentMessageShape(data, 'the component');
        this.#put(into, component);
        this.#rise(revision);
        break;
      }
      case 'gone': {
        const { revision, service, component } = goneMessageShape(data, 'what is gone');
        into.delete(formatKey({ service, component }));
        this.#rise(revision);
        break;
      }
      case 'synced':
        if (this.#beginning !== null) {
          this.#components = this.#beginning;
          // A registry that was put back may be at a lower one.
          this.#revision = revisionShape(data, 'the mark').revision;
        }
        this.#beginning = null;
        break;
      case 'beat':
        this.#beat(data);
        break;
      default:
        this.#rise(revisionShape(data, name).revision);
    }
  }

  /** The report when it says something else than the last one did; null when it does not. Ages alone are nothing new. */
  news(): StatusReport | null {
    if (this.#beginning !== null) return null;
    const seen = [...this.#components.values()].sort(inOrder);
    const text = JSON.stringify([this.#agent, seen.map(({ view }) => ({ ...view, observedAgeMs: null }))]);
    if (text === this.#told) return null;
    this.#told = text;
    const nowMs = this.#clock.monotonic();
    const components = seen.map((one) => ({ ...one.view, observedAgeMs: this.#ageOf(one, nowMs) }));
    return { revision: this.#revision, agent: this.#agent, components };
  }

  #put(into: Map<string, Seen>, view: ComponentView): void {
    into.set(formatKey(view), { view, atMs: this.#clock.monotonic() });
  }

  #rise(revision: number): void {
    if (this.#beginning === null) this.#revision = Math.max(this.#revision, revision);
  }

  #beat(data: unknown): void {
    const { now, drivers } = beatShape(data, 'the beat');
    const atMs = this.#clock.monotonic();
    for (const { name, lastGoodAt } of drivers) {
      const ageMs = lastGoodAt === null ? null : Math.max(0, Date.parse(now) - Date.parse(lastGoodAt));
      this.#drivers.set(name, { ageMs, atMs });
    }
  }

  /** By whichever was told last, the driver's age or the component's. */
  #ageOf({ view, atMs }: Seen, nowMs: number): number | null {
    const driver = this.#drivers.get(view.driver);
    const [ageMs, toldAtMs] =
      driver !== undefined && driver.atMs > atMs ? [driver.ageMs, driver.atMs] : [view.observedAgeMs, atMs];
    return ageMs === null ? null : Math.round(ageMs + nowMs - toldAtMs);
  }
}

/** As the registry orders them. */
function inOrder({ view: a }: Seen, { view: b }: Seen): number {
  return compare(a.service, b.service) || compare(a.component, b.component);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
