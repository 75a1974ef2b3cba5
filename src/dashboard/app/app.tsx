/** The frame of every page, and which page it is. */
import { useEffect } from 'preact/hooks';
import { countDrift, countStandings } from '../model/standing.js';
import { duration } from '../model/format.js';
import { linkTo, type Route } from '../model/routes.js';
import { Help } from './help.js';
import { listenToKeys } from './keys.js';
import { ComponentPage } from './pages/component.js';
import { DriftPage } from './pages/drift.js';
import { EditPage } from './pages/edit.js';
import { EventsPage } from './pages/events.js';
import { OverviewPage } from './pages/overview.js';
import { useScene } from './scene.js';
import { useCell, useRested } from './use.js';

export function App() {
  const scene = useScene();
  const route = useCell(scene.route);
  const helping = useCell(scene.helping);
  useEffect(() => listenToKeys(scene), []);
  useNodes();
  useEffect(() => {
    document.title = `${titleOf(route)} – Berth ${scene.home}`;
    scrollTo(0, 0);
  }, [route]);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        Skip to the content
      </a>
      <Bar route={route} />
      <StaleBanner />
      <main class="page" id="main" tabIndex={-1}>
        <Page route={route} />
      </main>
      <ToastLine />
      {helping ? <Help /> : null}
    </>
  );
}

function titleOf(route: Route): string {
  switch (route.page) {
    case 'component':
      return `${route.service}/${route.component}`;
    case 'edit':
      return `Edit ${route.service}`;
    case 'new':
      return 'New service';
    case 'drift':
      return 'Drift';
    case 'events':
      return 'Events';
    case 'overview':
      return 'Overview';
  }
}

function Page({ route }: { readonly route: Route }) {
  switch (route.page) {
    case 'component':
      return <ComponentPage key={`${route.service}/${route.component}`} target={route} />;
    case 'edit':
      return <EditPage key={route.service} service={route.service} />;
    case 'new':
      return <EditPage key="" service={null} />;
    case 'drift':
      return <DriftPage />;
    case 'events':
      return <EventsPage key={route.service ?? ''} service={route.service} />;
    case 'overview':
      return <OverviewPage />;
  }
}

const nodesRestMs = 500;

function sameEntries(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}

/** Which node each service is on; asked again when services have changed. */
function useNodes(): void {
  const { board, api, nodes } = useScene();
  const revision = useRested(useCell(board.services), nodesRestMs);
  const snapshot = useCell(board.snapshots);
  useEffect(() => {
    api.services().then(
      (rows) => {
        const next = new Map(rows.map(({ name, node }) => [name, node]));
        // Every row follows it.
        if (!sameEntries(next, nodes.get())) nodes.set(next);
      },
      () => undefined, // They show as the node that there is.
    );
  }, [revision, snapshot]);
}

function Bar({ route }: { readonly route: Route }) {
  const scene = useScene();
  useCell(scene.board.changes);
  const { broken } = countStandings(scene.board.views());
  const drifting = countDrift(scene.board.views());
  const items: readonly (readonly [Route, string, number, string])[] = [
    [{ page: 'overview' }, 'Overview', broken, 'bad'],
    [{ page: 'drift' }, 'Drift', drifting, 'warn'],
    [{ page: 'events', service: null }, 'Events', 0, ''],
    [{ page: 'new' }, 'New service', 0, ''],
  ];
  return (
    <header class="bar">
      <a class="brand" href="#/">
        Berth <span class="soft">{scene.home}</span>
      </a>
      <nav aria-label="Pages">
        {items.map(([to, words, number, tone]) => (
          <a key={to.page} href={linkTo(to)} aria-current={to.page === route.page ? 'page' : undefined}>
            {words}
            {number > 0 ? <span class={`pill ${tone}`}>{number}</span> : null}
          </a>
        ))}
      </nav>
      <div class="bar-end">
        <LinkState />
        <button
          type="button"
          aria-label="Keyboard help"
          onClick={() => {
            scene.helping.set(true);
          }}
        >
          ?
        </button>
      </div>
    </header>
  );
}

function LinkState() {
  const { board, now } = useScene();
  const link = useCell(board.link);
  const nowMs = useCell(now);
  const age = link.heardAtMs === null ? '' : ` ${duration(Math.max(0, nowMs - link.heardAtMs))}`;
  const words = { connecting: 'connecting', live: 'live', stale: `stale${age}` }[link.state];
  return <span class={`live ${link.state}`}>{words}</span>;
}

/** Says so while nothing is heard: what is shown is what was. */
function StaleBanner() {
  const { board } = useScene();
  const { state } = useCell(board.link);
  const isStale = state === 'stale';
  useEffect(() => {
    document.body.classList.toggle('is-stale', isStale);
  }, [isStale]);
  return (
    <div role="status">
      {isStale ? (
        <p class="banner">The agent is not heard. What you see is what was last known; it is tried again by itself.</p>
      ) : null}
    </div>
  );
}

const toastMs = 6_000;

function ToastLine() {
  const { toast } = useScene();
  const message = useCell(toast);
  useEffect(() => {
    if (message === null || message.isBad) return;
    const timer = setTimeout(() => {
      toast.set(null);
    }, toastMs);
    return () => {
      clearTimeout(timer);
    };
  }, [message]);
  return (
    <div aria-live="polite">
      {message === null ? null : (
        <div class={message.isBad ? 'toast bad' : 'toast'}>
          <span>{message.text}</span>
          <button
            type="button"
            class="plain"
            onClick={() => {
              toast.set(null);
            }}
          >
            Close
          </button>
        </div>
      )}
    </div>
  );
}
