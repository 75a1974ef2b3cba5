/** What happened since this browser was here last. */
import { useEffect, useMemo } from 'preact/hooks';
import { count } from '../../model/format.js';
import { isTold, sumUp, type Since } from '../../model/since.js';
import { useEvents } from '../events.js';
import { Ago } from '../parts.js';
import { useScene } from '../scene.js';
import { useCell } from '../use.js';
import { EventLine } from './event-line.js';

/** The most events that are asked for at once. */
const longestTail = 1_000;
/** Of those that count; more than anybody reads. */
const eventsKept = 5_000;

export function SinceLastVisit() {
  const { visit, now } = useScene();
  const beforeMs = useCell(visit.beforeMs);
  useEffect(() => {
    // What the page tells now has been seen when it is left.
    const leave = (): void => {
      visit.markSeen(now.get());
    };
    addEventListener('pagehide', leave);
    return () => {
      removeEventListener('pagehide', leave);
    };
  }, []);
  return beforeMs === null ? null : <Told beforeMs={beforeMs} />;
}

function Told({ beforeMs }: { readonly beforeMs: number }) {
  const { api, visit, now } = useScene();
  const since = new Date(beforeMs).toISOString();
  const told = useEvents(
    {
      ask: (signal) => api.events({ since, tail: String(longestTail) }, signal),
      most: longestTail,
      isOne: isTold,
      kept: eventsKept,
    },
    [since],
  );
  const sum = useMemo(() => sumUp(told.events, beforeMs), [told.events]);
  if (!told.isTold) return null;
  return (
    <section aria-labelledby="since">
      <div class="section-head">
        <h2 id="since">Since your last visit</h2>
        <span class="soft">
          <Ago at={since} />
        </span>
        <button
          type="button"
          class="plain"
          onClick={() => {
            visit.markSeen(now.get());
            visit.beforeMs.set(null);
          }}
        >
          Seen
        </button>
      </div>
      <p>{figures(sum, told.isCut)}</p>
      <ul class="event-list">
        {sum.notable.map((line) => (
          <EventLine key={line.id} line={line} />
        ))}
      </ul>
    </section>
  );
}

function figures({ restarts, heals, deploys, failures }: Since, isCut: boolean): string {
  const words = [count(failures, 'failure'), count(restarts, 'restart'), count(heals, 'heal'), count(deploys, 'deploy')]
    .filter((each) => !each.startsWith('0 '))
    .join(' · ');
  if (words !== '') return isCut ? `At least ${words}` : words;
  return isCut ? `Nothing of note in the newest ${String(longestTail)} events.` : 'Nothing happened.';
}
