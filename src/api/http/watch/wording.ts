/** From entries of the feed to messages in order. Pure. */
import type { BerthEvent, Severity } from '../../../core/event.js';
import { formatKey, type ComponentKey } from '../../../core/names.js';
import type { ChangeLogEntry, DriverFreshness } from '../../../core/ports/registry.js';
import { isoTime } from '../../status-view.js';
import type { EventView } from '../../views.js';
import type { WatchBeat } from '../contract.js';
import type { Message } from './batch.js';
import { eventText } from './encode.js';
import type { Entry, PresentChange } from './present.js';
import { formatWatchId } from './watch-id.js';

/** What all messages of one moment have in common. */
export interface Moment {
  readonly epoch: string;
  readonly nowMs: number;
  readonly freshness: readonly DriverFreshness[];
}

/** A component as it is, as of a revision. Without an id: a reader that is cut off after it is told it again. */
export function componentText(entry: Entry, revision: number, moment: Moment, id: string | null = null): string {
  const lastGoodAtMs = moment.freshness.find(({ driver }) => driver === entry.driver)?.lastGoodAtMs ?? null;
  const age = lastGoodAtMs === null ? null : Math.max(0, moment.nowMs - lastGoodAtMs);
  return eventText('component', `{"revision":${revision},"component":${entry.head}${String(age)}${entry.tail}}`, id);
}

/** The end of what is told first. */
export function syncedText(revision: number, { epoch, nowMs }: Moment): string {
  const json = JSON.stringify({ revision, now: isoTime(nowMs) });
  return eventText('synced', json, formatWatchId({ epoch, revision }));
}

/** Its id says that everything up to there was told: a reader of one quiet service keeps up with it. */
export function beatText(revision: number, { epoch, nowMs, freshness }: Moment): string {
  const beat: WatchBeat = {
    now: isoTime(nowMs),
    revision,
    drivers: freshness.map(({ driver, lastGoodAtMs, error }) => ({
      name: driver,
      lastGoodAt: isoTime(lastGoodAtMs),
      error,
    })),
  };
  return eventText('beat', JSON.stringify(beat), formatWatchId({ epoch, revision }));
}

/** What a stretch of the feed touches: which components, and at which revision each was touched last. */
export interface Touched {
  /** Of components that an entry names. */
  readonly keys: ReadonlyMap<string, { readonly key: ComponentKey; readonly revision: number }>;
  /** Of services whose own row changed: each of its components is concerned. */
  readonly services: ReadonlyMap<string, number>;
  /** Of the last change of any definition; 0: none. What one says may make another invalid. */
  readonly specs: number;
}

export function touchedBy(entries: readonly ChangeLogEntry[]): Touched {
  const keys = new Map<string, { key: ComponentKey; revision: number }>();
  const services = new Map<string, number>();
  let specs = 0;
  for (const { entity, service, component, revision } of entries) {
    if (entity === 'event' || service === null) continue;
    if (entity !== 'status') specs = revision;
    if (entity === 'service') services.set(service, revision);
    else if (component !== null) {
      const key = { service, component };
      keys.set(formatKey(key), { key, revision });
    }
  }
  return { keys, services, specs };
}

/** Each change with the revision at which it is told: that of the last entry which may have brought it. */
export function placed(changes: readonly PresentChange[], touched: Touched): ReadonlyMap<number, PresentChange[]> {
  const places = new Map<number, PresentChange[]>();
  for (const change of changes) {
    const own = touched.keys.get(formatKey(change.key))?.revision ?? 0;
    const ofService = touched.services.get(change.key.service) ?? 0;
    const revision = Math.max(own, ofService) || touched.specs;
    const there = places.get(revision);
    if (there) there.push(change);
    else places.set(revision, [change]);
  }
  return places;
}

/**
 * The messages of a stretch of the feed. Of those that share a revision only the last bears the id, so that a reader
 * who was cut off between them, and resumes, misses none; only components are told again then.
 */
export function messagesOf(
  entries: readonly ChangeLogEntry[],
  changes: ReadonlyMap<number, readonly PresentChange[]>,
  moment: Moment,
  viewEvent: (event: BerthEvent) => EventView,
): readonly Message[] {
  const messages: Message[] = [];
  for (const entry of entries) {
    const { revision, service } = entry;
    const id = formatWatchId({ epoch: moment.epoch, revision });
    const here = changes.get(revision) ?? [];
    here.forEach((change, place) => {
      const isLast = entry.entity === 'status' && place === here.length - 1;
      const text = changeText(change, revision, moment, isLast ? id : null);
      messages.push({ revision, service: change.key.service, text });
    });
    if (entry.entity === 'event') {
      const text = eventText('event', JSON.stringify(viewEvent(eventOf(entry))), id);
      messages.push({ revision, service, text });
    } else if (entry.entity !== 'status' && service !== null) {
      messages.push({ revision, service, text: changedText(entry, id) });
    }
  }
  return messages;
}

function changeText(change: PresentChange, revision: number, moment: Moment, id: string | null): string {
  if (change.entry !== null) return componentText(change.entry, revision, moment, id);
  const { service, component } = change.key;
  return eventText('gone', JSON.stringify({ revision, service, component }), id);
}

function changedText(entry: ChangeLogEntry, id: string): string {
  const { revision, entity, op, service, component, actor } = entry;
  return eventText('changed', JSON.stringify({ revision, entity, op, service, component, actor }), id);
}

/** An event as the feed has it. */
function eventOf(entry: ChangeLogEntry): BerthEvent {
  const { severity, reason, message, data } = (entry.after ?? {}) as {
    readonly severity: Severity;
    readonly reason: string;
    readonly message: string;
    readonly data: Readonly<Record<string, unknown>> | null;
  };
  const { revision, atMs, actor, service, component } = entry;
  return { revision, atMs, actor, service, component, severity, reason, message, ...(data ? { data } : {}) };
}
