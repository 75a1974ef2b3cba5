/** Repeats of an event as one, with their count. Pure. */
import type { EventView } from '../../api/views.js';
import type { Severity } from '../../core/event.js';

/** One line of the stream: an event, and how often it came. */
export interface Folded {
  /** The same for as long as the first of them is known. */
  readonly id: string;
  /** The newest of them. */
  readonly event: EventView;
  readonly count: number;
  /** When the first of them was. */
  readonly firstAt: string;
}

/** Numbers and ids in a message change from one repeat to the next. */
function likeness({ service, component, reason, severity, message }: EventView): string {
  const words = message.replace(/[0-9a-f]{12,}/g, '#').replace(/\d+(?:[.:,]\d+)*/g, '#');
  return [service, component, reason, severity, words].join('\u0000');
}

/** How far apart repeats may be and still be one line, in events of the same component. */
const reach = 6;

/**
 * Events, oldest first, as lines, newest first. A repeat joins its like although a few others of the same component came
 * between: a program that ends and is started again makes three events a round.
 */
export function fold(events: readonly EventView[]): readonly Folded[] {
  const lines: { key: string; folded: Folded }[] = [];
  const recent = new Map<string, number[]>();
  for (const event of events) {
    const key = likeness(event);
    const owner = `${event.service ?? ''}/${event.component ?? ''}`;
    const places = recent.get(owner) ?? [];
    const at = places.find((place) => lines[place]?.key === key);
    const known = at === undefined ? undefined : lines[at];
    if (at === undefined || known === undefined) {
      lines.push({ key, folded: { id: String(event.revision), event, count: 1, firstAt: event.at } });
      recent.set(owner, [...places.slice(1 - reach), lines.length - 1]);
    } else {
      known.folded = { ...known.folded, event, count: known.folded.count + 1 };
      recent.set(owner, [...places.filter((place) => place !== at), at]);
    }
  }
  return lines.map(({ folded }) => folded).sort((a, b) => b.event.revision - a.event.revision);
}

export interface EventFilter {
  /** The least severity. */
  readonly severity: Severity;
  /** Empty: of every service. */
  readonly service: string;
  /** Empty: of every reason. */
  readonly reason: string;
  /** Words that must all be found. */
  readonly text: string;
}

const ranks: Readonly<Record<Severity, number>> = { info: 0, warning: 1, error: 2 };

export function eventMatcher(filter: EventFilter): (event: EventView) => boolean {
  const words = filter.text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return (event) => {
    if (ranks[event.severity] < ranks[filter.severity]) return false;
    if (filter.service !== '' && event.service !== filter.service) return false;
    if (filter.reason !== '' && event.reason !== filter.reason) return false;
    const text = `${event.service ?? ''}/${event.component ?? ''} ${event.reason} ${event.message} ${event.actor}`;
    return words.every((word) => text.toLowerCase().includes(word));
  };
}
