/** The log of a component as it grows, with search and pause. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { LogEntry } from '../../../api/views.js';
import { clockMs } from '../../model/format.js';
import { followLog, LogPlace } from '../../model/log-reader.js';
import type { Key } from '../api.js';
import { Problem } from '../parts.js';
import { useScene } from '../scene.js';
import { useCell } from '../use.js';
import { memo } from './memo.js';

interface Line extends LogEntry {
  readonly id: number;
}

const linesKept = 1_500;
export function LogPanel({ target }: { readonly target: Key }) {
  const { api, sight } = useScene();
  const isSeen = useCell(sight);
  const place = useMemo(() => new LogPlace(), [target.service, target.component]);
  const [error, setError] = useState<Error | null>(null);
  const [lines, setLines] = useState<readonly Line[]>([]);
  const [isPaused, setPaused] = useState(false);
  const [search, setSearch] = useState('');
  const paused = useRef(isPaused);
  paused.current = isPaused;
  const kept = useRef<{ all: readonly Line[]; next: number }>({ all: [], next: 0 });
  useEffect(() => {
    if (!isSeen) return;
    return followLog(place, {
      read: (query, signal) => api.logs(target, query, signal),
      after: (delayMs, then) => {
        const timer = setTimeout(then, delayMs);
        return () => {
          clearTimeout(timer);
        };
      },
      onLines: (more, isAnew) => {
        const { all, next } = kept.current;
        const added = more.map((line, index) => ({ ...line, id: next + index }));
        kept.current = { all: [...(isAnew ? [] : all), ...added].slice(-linesKept), next: next + more.length };
        if (!paused.current) setLines(kept.current.all);
      },
      onError: (thrown) => {
        // That nobody answers at all is said at the top of the page.
        setError(thrown instanceof Error && !(thrown instanceof TypeError) ? thrown : null);
      },
    });
  }, [place, isSeen]);
  const shown = useMemo(() => {
    const words = search.toLowerCase();
    return words === '' ? lines : lines.filter(({ text }) => text.toLowerCase().includes(words));
  }, [lines, search]);
  return (
    <section aria-labelledby="log">
      <div class="section-head">
        <h2 id="log">Log</h2>
        <input
          type="search"
          data-filter
          placeholder="Search   /"
          aria-label="Search the log"
          value={search}
          onInput={(event) => {
            setSearch(event.currentTarget.value);
          }}
        />
        <button
          type="button"
          aria-pressed={isPaused}
          onClick={() => {
            setPaused(!isPaused);
            if (isPaused) setLines(kept.current.all);
          }}
        >
          {isPaused ? 'Go on' : 'Pause'}
        </button>
        <span class="soft">{search === '' ? '' : `${shown.length} of ${lines.length} lines`}</span>
      </div>
      {error === null ? null : <Problem error={error} />}
      <LogText lines={shown} isPaused={isPaused} />
    </section>
  );
}

/** Stays at the end while somebody reads the end. */
function LogText({ lines, isPaused }: { readonly lines: readonly Line[]; readonly isPaused: boolean }) {
  const ref = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  useEffect(() => {
    const element = ref.current;
    if (element !== null && atEnd.current && !isPaused) element.scrollTop = element.scrollHeight;
  }, [lines, isPaused]);
  return (
    <div
      ref={ref}
      class="log"
      role="log"
      aria-live="off"
      aria-label="Lines of the log"
      tabIndex={0}
      onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
        atEnd.current = scrollHeight - scrollTop - clientHeight < 24;
      }}
    >
      {lines.length === 0 ? <p class="soft">No lines.</p> : null}
      {lines.map((line) => (
        <LogLine key={line.id} line={line} />
      ))}
    </div>
  );
}

const LogLine = memo(function LogLine({ line }: { readonly line: Line }) {
  const { now } = useScene();
  return (
    <div class={`log-line stream-${line.stream}`}>
      {line.at === null ? null : <time dateTime={line.at}>{clockMs(line.at, now.get())}</time>} {line.text}
    </div>
  );
});
