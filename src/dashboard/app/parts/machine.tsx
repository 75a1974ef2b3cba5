/** The state machine of a component, with the phase that it is in and the path that it took. */
import type { Phase } from '../../../core/status.js';
import type { Seen } from '../../model/board.js';
import { anytimePhases, phases, ways } from '../../model/machine.js';
import { box, curve, drawing, middleOf, nextOf } from '../../model/machine-drawing.js';
import { toneOf } from '../../model/standing.js';
import { Badge } from '../parts.js';

interface Props {
  readonly phase: Phase;
  /** Oldest first; the last is `phase`. */
  readonly path: readonly Seen[];
}

export function Machine({ phase, path }: Props) {
  const next = nextOf(phase);
  const steps = path.slice(1).map((seen, index) => ({ from: path[index]?.phase ?? seen.phase, to: seen.phase }));
  return (
    <figure class="machine">
      <svg
        viewBox={`0 0 ${drawing.width} ${drawing.height}`}
        role="img"
        aria-label={`State machine; the component is ${phase}. It came by ${path.map((seen) => seen.phase).join(', ')}.`}
      >
        <Arrows />
        <g class="m-ways">
          {ways.map(({ from, verb, to }) => (
            <path key={from + verb} d={curve(from, to)} />
          ))}
        </g>
        <g class="m-next">
          {next.map(({ from, verb, to }) => (
            <path key={from + verb} d={curve(from, to)} marker-end="url(#arrow-next)" />
          ))}
        </g>
        <g class="m-path">
          {steps.map(({ from, to }, index) => (
            <path key={index} d={curve(from, to)} marker-end="url(#arrow-path)" />
          ))}
        </g>
        {phases.map((each) => (
          <Box key={each} phase={each} isHere={each === phase} wasHere={path.some((seen) => seen.phase === each)} />
        ))}
      </svg>
      <figcaption>
        <ol class="m-trail" aria-label="The path it took">
          {path.map((seen, index) => (
            <li key={index}>
              {index > 0 ? <span aria-hidden="true">→ </span> : null}
              <Badge phase={seen.phase} />
              {seen.atMs > 0 ? <TimeOfDay atMs={seen.atMs} /> : null}
            </li>
          ))}
        </ol>
        <p class="soft">
          {next.length === 0 ? 'What comes next depends on what is found.' : `May come next: ${namesOf(next)}.`} At any
          time: {anytimePhases.join(', ')}.
        </p>
      </figcaption>
    </figure>
  );
}

function TimeOfDay({ atMs }: { readonly atMs: number }) {
  const at = new Date(atMs);
  return (
    <time class="soft" dateTime={at.toISOString()} title={at.toISOString()}>
      {' '}
      {at.toTimeString().slice(0, 8)}
    </time>
  );
}

function namesOf(next: readonly { readonly to: Phase }[]): string {
  return [...new Set(next.map(({ to }) => to))].join(', ');
}

function Arrows() {
  return (
    <defs>
      {['next', 'path'].map((name) => (
        <marker
          key={name}
          id={`arrow-${name}`}
          class={`m-arrow-${name}`}
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          markerUnits="userSpaceOnUse"
          orient="auto-start-reverse"
        >
          <path d="M0 0 8 4 0 8z" />
        </marker>
      ))}
    </defs>
  );
}

interface BoxProps {
  readonly phase: Phase;
  readonly isHere: boolean;
  readonly wasHere: boolean;
}

function Box({ phase, isHere, wasHere }: BoxProps) {
  const { x, y } = middleOf(phase);
  const state = isHere ? 'm-here' : wasHere ? 'm-was' : '';
  return (
    <g class={`m-box ${state} tone-${toneOf(phase)}`}>
      <rect x={x - box.width / 2} y={y - box.height / 2} width={box.width} height={box.height} rx="7" />
      <text x={x} y={y + 4.5} text-anchor="middle">
        {phase}
      </text>
    </g>
  );
}
