/** Small parts that every page uses. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Phase } from '../../core/status.js';
import type { ComponentView } from '../../api/views.js';
import { ago, clock, duration, easyTimes } from '../model/format.js';
import { linkTo } from '../model/routes.js';
import { toneOf, type Tone } from '../model/standing.js';
import { Refusal } from './api.js';
import { useScene } from './scene.js';
import { useCell } from './use.js';

const signs: Readonly<Record<Tone, ComponentChildren>> = {
  good: <circle cx="5" cy="5" r="3.5" fill="currentColor" />,
  busy: (
    <g class="pulse">
      <circle cx="5" cy="5" r="3.6" fill="none" stroke="currentColor" stroke-width="1.6" />
      <path d="M5 1.4a3.6 3.6 0 0 1 0 7.2z" fill="currentColor" />
    </g>
  ),
  warn: <path d="M5 1 9.4 9H.6z" fill="currentColor" />,
  bad: <path d="M1.5 1.5l7 7m0-7-7 7" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" />,
  rest: <rect x="2" y="2" width="6" height="6" fill="currentColor" />,
  unknown: (
    <circle cx="5" cy="5" r="3.6" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2.2 1.6" />
  ),
};

/** A phase with its sign. */
export function Badge({ phase }: { readonly phase: Phase }) {
  const tone = toneOf(phase);
  return (
    <span class={`badge tone-${tone}`}>
      <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
        {signs[tone]}
      </svg>
      {phase}
    </span>
  );
}

/** A moment, as long ago as it is by now. */
export function Ago({ at }: { readonly at: string | null }) {
  const { now, board } = useScene();
  const nowMs = useCell(now) + board.skewMs;
  if (at === null) return <span>never</span>;
  return (
    <time dateTime={at} title={at}>
      {ago(at, nowMs)}
    </time>
  );
}

/** A moment by the clock. */
export function At({ at }: { readonly at: string }) {
  const { now } = useScene();
  return (
    <time dateTime={at} title={at} class="mono">
      {clock(at, now.get())}
    </time>
  );
}

/** What Berth says, with the times in it by this browser's clock. */
export function Words({ of }: { readonly of: string }) {
  const { now } = useScene();
  return <>{easyTimes(of, now.get())}</>;
}

/** How old the observation of a component is. */
export function Age({ view }: { readonly view: ComponentView }) {
  const { board, now } = useScene();
  const nowMs = useCell(now);
  useCell(board.beat);
  const ageMs = board.ageMs(view, nowMs);
  return <>{ageMs === null ? 'never' : duration(ageMs)}</>;
}

/** `service/component`, which leads to its page. */
export function ComponentLink({ service, component }: { readonly service: string; readonly component: string }) {
  return (
    <a class="component-link" href={linkTo({ page: 'component', service, component })}>
      <span class="service">{service}/</span>
      <span class="component">{component}</span>
    </a>
  );
}

/** What went wrong, and what to do. */
export function Problem({ error }: { readonly error: Error }) {
  const suggestion = error instanceof Refusal ? error.suggestion : '';
  return (
    <div class="problem" role="alert">
      {error instanceof Refusal ? <strong>{error.code} </strong> : null}
      {error.message}
      {suggestion === '' ? null : <div>Next: {suggestion}</div>}
    </div>
  );
}

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** A question over the page; Escape closes it. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => {
      dialog?.close();
    };
  }, []);
  return (
    <dialog ref={ref} aria-labelledby="dialog-title" onClose={onClose}>
      <div class="dialog-body">
        <h2 id="dialog-title">{title}</h2>
        {children}
      </div>
    </dialog>
  );
}
