/** What happened since this browser was here last. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { count } from '../../model/format.js';
import { sumUp, type Since } from '../../model/since.js';
import { Ago } from '../parts.js';
import { useScene } from '../scene.js';
import { useCell } from '../use.js';
import { EventLine } from './event-line.js';

/** The most events that are asked for at once. */
const longestTail = 1_000;

export function SinceLastVisit() {
  const { api, board, visit, now } = useScene();
  const [isSeen, setSeen] = useState(false);
  const events = useCell(board.events);
  const { beforeMs } = visit;
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
  useEffect(() => {
    if (beforeMs === null) return;
    api.events({ since: new Date(beforeMs).toISOString(), tail: String(longestTail) }).then(
      (more) => {
        board.addEvents(more);
      },
      () => undefined, // It is told without them.
    );
  }, []);
  const since = useMemo(() => (beforeMs === null ? null : sumUp(events, beforeMs)), [events]);
  if (since === null || beforeMs === null || isSeen) return null;
  return (
    <section aria-labelledby="since">
      <div class="section-head">
        <h2 id="since">Since your last visit</h2>
        <span class="soft">
          <Ago at={new Date(beforeMs).toISOString()} />
        </span>
        <button
          type="button"
          class="plain"
          onClick={() => {
            visit.markSeen(now.get());
            setSeen(true);
          }}
        >
          Seen
        </button>
      </div>
      <p>{figures(since)}</p>
      <ul class="event-list">
        {since.notable.map((line) => (
          <EventLine key={line.id} line={line} />
        ))}
      </ul>
    </section>
  );
}

function figures({ restarts, heals, deploys, failures }: Since): string {
  if (restarts + heals + deploys + failures === 0) return 'Nothing happened.';
  return [count(failures, 'failure'), count(restarts, 'restart'), count(heals, 'heal'), count(deploys, 'deploy')]
    .filter((words) => !words.startsWith('0 '))
    .join(' · ');
}
