/** Where the page begins: the board, the watch that feeds it, and the app that takes over what the server rendered. */
import './styles/base.css';
import './styles/frame.css';
import './styles/table.css';
import './styles/parts.css';
import './styles/usage.css';
import './icon.svg';
import { options, render } from 'preact';
import { Board } from '../model/board.js';
import { Cell } from '../model/cell.js';
import { Watcher } from '../model/watcher.js';
import { createApi } from './api.js';
import { App } from './app.js';
import { readVisit } from './visit.js';
import { followRoute } from './route.js';
import { followSight } from './sight.js';
import { SceneContext, type Scene, type Toast } from './scene.js';
import { watcherPorts } from './watch-stream.js';

/** How long what the server rendered stays while nothing is heard. */
const patienceMs = 1_500;

function meta(name: string): string {
  return document.querySelector(`meta[name="${name}"]`)?.getAttribute('content') ?? '';
}

function begin(root: HTMLElement): void {
  // At most one rendering a frame, however much is told.
  options.debounceRendering = (render) => void requestAnimationFrame(render);
  const board = new Board();
  const api = createApi();
  const now = new Cell(Date.now());
  const scene: Scene = {
    board,
    api,
    now,
    route: followRoute(),
    nodes: new Cell<ReadonlyMap<string, string>>(new Map()),
    toast: new Cell<Toast | null>(null),
    helping: new Cell(false),
    sight: followSight(),
    services: new Map(),
    drafts: new Map(),
    visit: readVisit(localStorage, Date.now()),
    home: meta('berth-home'),
    version: meta('berth-version'),
  };
  setInterval(() => {
    now.set(Date.now());
  }, 1_000);
  const watcher = new Watcher(board, watcherPorts(api));
  watcher.start();
  addEventListener('online', () => {
    watcher.hurry();
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) watcher.hurry();
  });
  scene.sight.follow(() => {
    if (scene.sight.get()) watcher.wake();
    else watcher.sleep();
  });
  takeOver(root, scene);
}

/** The table of the server stays until there is something better to show. */
function takeOver(root: HTMLElement, scene: Scene): void {
  let isDone = false;
  const show = (): void => {
    if (isDone) return;
    isDone = true;
    root.replaceChildren();
    render(
      <SceneContext.Provider value={scene}>
        <App />
      </SceneContext.Provider>,
      root,
    );
  };
  const stop = scene.board.ready.follow(() => {
    stop();
    show();
  });
  setTimeout(show, patienceMs);
}

const root = document.getElementById('app');
if (root !== null) begin(root);
