/** The stream of events: filtered, paused, followed; repeats are one line with their count. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Severity } from '../../../core/event.js';
import { eventMatcher, fold, type EventFilter } from '../../model/fold.js';
import { count } from '../../model/format.js';
import type { EventView } from '../../../api/views.js';
import { useEvents } from '../events.js';
import { Problem } from '../parts.js';
import { EventLine } from '../parts/event-line.js';
import { useScene } from '../scene.js';

const severities: readonly (readonly [Severity, string])[] = [
  ['info', 'every severity'],
  ['warning', 'warning and worse'],
  ['error', 'errors'],
];
const eventsAtFirst = 500;
const eventsKept = 1_000;
const linesShown = 400;

export function EventsPage({ service }: { readonly service: string | null }) {
  const [filter, setFilter] = useState<EventFilter>({
    severity: 'info',
    service: service ?? '',
    reason: '',
    text: '',
  });
  const [held, setHeld] = useState<readonly EventView[] | null>(null);
  const { events: live, isCut, isTold, error } = useStream(filter);
  const events = held ?? live;
  const lines = useMemo(() => fold(events.filter(eventMatcher(filter))), [events, filter]);
  const waiting = held === null ? 0 : live.filter(({ revision }) => revision > (held.at(-1)?.revision ?? 0)).length;
  const choose = (next: EventFilter): void => {
    // Other events are asked for; what was held is not among them.
    if (next.service !== filter.service || next.severity !== filter.severity) setHeld(null);
    setFilter(next);
  };
  return (
    <>
      <div class="page-head">
        <h1>Events</h1>
        <p class="soft">{count(lines.length, 'line')}, newest first</p>
      </div>
      <div class="tools block">
        <Filters events={live} filter={filter} onFilter={choose} />
        <button
          type="button"
          aria-pressed={held !== null}
          onClick={() => {
            setHeld(held === null ? live : null);
          }}
        >
          {held === null ? 'Pause' : `Follow${waiting > 0 ? ` (${waiting} new)` : ''}`}
        </button>
      </div>
      {error === null ? null : <Problem error={error} />}
      {lines.length > 0 ? (
        <Lines lines={lines.slice(0, linesShown)} isHeld={held !== null} />
      ) : (
        <p class="empty">{isTold ? nothing(isCut ? events.length : 0) : 'Reading the events…'}</p>
      )}
    </>
  );
}

function nothing(newest: number): string {
  return newest === 0 ? 'No event is like that.' : `None of the newest ${String(newest)} events is like that.`;
}

/** A quiet service, or a rare error, would be lost among the newest of all: the agent is asked for that alone. */
function useStream({ service, severity }: EventFilter) {
  const { api } = useScene();
  const of = service === '' ? {} : { service };
  return useEvents(
    {
      ask: (signal) => api.events({ tail: String(eventsAtFirst), severity, ...of }, signal),
      most: eventsAtFirst,
      isOne: eventMatcher({ service, severity, reason: '', text: '' }),
      kept: eventsKept,
    },
    [service, severity],
  );
}

/** Newest first; who has scrolled down to read stays where they are. */
function Lines({ lines, isHeld }: { readonly lines: ReturnType<typeof fold>; readonly isHeld: boolean }) {
  const ref = useRef<HTMLUListElement>(null);
  const height = useRef(0);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const grown = element.scrollHeight - height.current;
    if (!isHeld && height.current > 0 && grown > 0 && scrollY > 120) scrollBy(0, grown);
    height.current = element.scrollHeight;
  }, [lines]);
  return (
    <ul class="event-list" ref={ref}>
      {lines.map((line) => (
        <EventLine key={line.id} line={line} />
      ))}
    </ul>
  );
}

interface FiltersProps {
  readonly events: readonly EventView[];
  readonly filter: EventFilter;
  readonly onFilter: (filter: EventFilter) => void;
}

function Filters({ events, filter, onFilter }: FiltersProps) {
  const { board } = useScene();
  const services = namesIn(
    [...board.views(), ...events].map((each) => each.service ?? ''),
    filter.service,
  );
  const reasons = namesIn(
    events.map(({ reason }) => reason),
    filter.reason,
  );
  return (
    <>
      <input
        type="search"
        data-filter
        placeholder="Filter   /"
        aria-label="Filter events"
        value={filter.text}
        onInput={(event) => {
          onFilter({ ...filter, text: event.currentTarget.value });
        }}
      />
      <Choice
        label="Service"
        value={filter.service}
        options={[['', 'every service'], ...services.map((name) => [name, name] as const)]}
        onChoice={(service) => {
          onFilter({ ...filter, service });
        }}
      />
      <Choice
        label="Least severity"
        value={filter.severity}
        options={severities}
        onChoice={(severity) => {
          onFilter({ ...filter, severity: severities.find(([name]) => name === severity)?.[0] ?? 'info' });
        }}
      />
      <Choice
        label="Reason"
        value={filter.reason}
        options={[['', 'every reason'], ...reasons.map((name) => [name, name] as const)]}
        onChoice={(reason) => {
          onFilter({ ...filter, reason });
        }}
      />
    </>
  );
}

/** Every name once, in order, the chosen one among them. */
function namesIn(names: readonly string[], chosen: string): readonly string[] {
  return [...new Set([...names, chosen])].filter((name) => name !== '').sort();
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [string, string])[];
  readonly onChoice: (value: string) => void;
}

function Choice({ label, value, options, onChoice }: ChoiceProps) {
  return (
    <select
      aria-label={label}
      value={value}
      onChange={(event) => {
        onChoice(event.currentTarget.value);
      }}
    >
      {options.map(([name, words]) => (
        <option key={name} value={name}>
          {words}
        </option>
      ))}
    </select>
  );
}
