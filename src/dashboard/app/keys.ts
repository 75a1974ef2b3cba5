/** The keyboard: `/` filters, `j` and `k` move through whatever the page lists, `Enter` opens, `e` edits, `?` helps. */
import { goTo } from './route.js';
import type { Scene } from './scene.js';

/** Whatever the page lists bears this attribute; its first link or button, or itself, takes the focus. */
const rowSelector = '[data-row]';

/** So soon after `g` another key belongs to it, in milliseconds. */
const prefixMs = 1_500;

/** Answers what ends it. */
export function listenToKeys(scene: Scene): () => void {
  let prefixAtMs = Number.NEGATIVE_INFINITY;
  const onKey = (event: KeyboardEvent): void => {
    // A key that is held presses a button once: by the next time it may mean the opposite.
    if (event.repeat && event.key === 'Enter' && event.target instanceof HTMLButtonElement) event.preventDefault();
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event)) {
      if (event.key === 'Escape' && event.target instanceof HTMLInputElement) event.target.blur();
      return;
    }
    if (document.querySelector('dialog[open]') !== null) return;
    const isSecond = event.timeStamp - prefixAtMs <= prefixMs;
    const taken = isSecond ? jump(event.key) : act(event.key, scene);
    prefixAtMs = event.key === 'g' ? event.timeStamp : Number.NEGATIVE_INFINITY;
    if (taken) event.preventDefault();
  };
  addEventListener('keydown', onKey);
  return () => {
    removeEventListener('keydown', onKey);
  };
}

function isTyping(event: KeyboardEvent): boolean {
  const [target] = event.composedPath();
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

/** True when the key meant something. */
function act(key: string, scene: Scene): boolean {
  switch (key) {
    case '/':
      return focusOn(document.querySelector<HTMLElement>('[data-filter]'));
    case 'j':
      return move(1);
    case 'k':
      return move(-1);
    case 'e':
      return edit(scene);
    case '?':
      scene.helping.set(true);
      return true;
    default:
      return false;
  }
}

function jump(key: string): boolean {
  if (key === 'o') goTo({ page: 'overview' });
  else if (key === 'd') goTo({ page: 'drift' });
  else if (key === 'e') goTo({ page: 'events', service: null });
  else return false;
  return true;
}

function focusOn(element: HTMLElement | null): boolean {
  element?.focus();
  if (element instanceof HTMLInputElement) element.select();
  return element !== null;
}

/** Rows still to go, downwards positive: those out of sight are drawn a frame or more after the page has scrolled. */
let owed = 0;
const framesToWait = 60;

function move(step: 1 | -1): boolean {
  const isWaiting = owed !== 0;
  owed += step;
  if (!isWaiting) pay(framesToWait);
  return document.querySelector(rowSelector) !== null;
}

function pay(frames: number): void {
  while (owed !== 0) {
    const step = owed > 0 ? 1 : -1;
    const next = neighbour(step);
    if (next === 'not drawn yet' && frames > 0) {
      requestAnimationFrame(() => {
        pay(frames - 1);
      });
      return;
    }
    if (typeof next === 'string') {
      owed = 0;
      return;
    }
    owed -= step;
    next.scrollIntoView({ block: 'nearest' });
    focusOn(next.querySelector<HTMLElement>('a, button') ?? next);
  }
}

function neighbour(step: 1 | -1): HTMLElement | 'not drawn yet' | 'none' {
  const rows = [...document.querySelectorAll<HTMLElement>(rowSelector)];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const inSight = rows.findIndex((row) => row.getBoundingClientRect().bottom > 60);
  const row = at < 0 ? rows[Math.max(0, inSight)] : rows[at + step];
  if (row !== undefined) return row;
  const beyond = step > 0 ? rows[at]?.nextElementSibling : rows[at]?.previousElementSibling;
  return beyond?.matches('.spacer') === true ? 'not drawn yet' : 'none';
}

/** The service of the row that has the focus, else that of the page. */
function edit({ route }: Scene): boolean {
  const row = document.activeElement?.closest<HTMLElement>('[data-service]');
  const here = route.get();
  const service = row?.dataset['service'] ?? (here.page === 'component' ? here.service : undefined);
  if (service === undefined) return false;
  goTo({ page: 'edit', service });
  return true;
}
