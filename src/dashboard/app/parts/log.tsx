/** The log of a component as it grows, with search and pause. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { LogEntry } from '../../../api/views.js';
import type { Key } from '../api.js';
import { useScene, type Scene } from '../scene.js';
import { memo } from './memo.js';

interface Line extends LogEntry {
  readonly id: number;
}

const linesKept = 1_500;
const linesAtFirst = '200';
const againMs = 2_000;

/** Tells lines as they come, and begins anew when the stream ends. Answers what ends it. */
function followLog(api: Scene['api'], key: Key, tell: (lines: readonly LogEntry[]) => void): () => void {
  const control = new AbortController();
  let since: string | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const read = async (): Promise<void> => {
    const from: Record<string, string> = since === null ? { tail: linesAtFirst } : { since };
    for await (const lines of api.logs(key, { ...from, follow: 'true' }, control.signal)) {
      const fresh: readonly LogEntry[] = lines.filter(({ at }) => since === null || at === null || at > since);
      since = fresh.at(-1)?.at ?? since;
      tell(fresh);
    }
  };
  const begin = (): void => {
    read()
      .catch(() => undefined)
      .finally(() => {
        if (!control.signal.aborted) timer = setTimeout(begin, againMs);
      });
  };
  begin();
  return () => {
    control.abort();
    clearTimeout(timer);
  };
}

export function LogPanel({ target }: { readonly target: Key }) {
  const { api } = useScene();
  const [lines, setLines] = useState<readonly Line[]>([]);
  const [isPaused, setPaused] = useState(false);
  const [search, setSearch] = useState('');
  const paused = useRef(isPaused);
  paused.current = isPaused;
  const kept = useRef<{ all: readonly Line[]; next: number }>({ all: [], next: 0 });
  useEffect(
    () =>
      followLog(api, target, (more) => {
        const state = kept.current;
        const added = more.map((line, index) => ({ ...line, id: state.next + index }));
        kept.current = { all: [...state.all, ...added].slice(-linesKept), next: state.next + more.length };
        if (!paused.current) setLines(kept.current.all);
      }),
    [target.service, target.component],
  );
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
  return (
    <div class={`log-line stream-${line.stream}`}>
      {line.at === null ? null : <time dateTime={line.at}>{line.at.slice(11, 23)}</time>} {line.text}
    </div>
  );
});
