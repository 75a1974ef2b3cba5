/** Where the phases of the machine stand in its drawing, and the lines between them. Pure. */
import type { EventView } from '../../api/views.js';
import type { Phase } from '../../core/status.js';
import type { Seen } from './board.js';
import { ways, type Way } from './machine.js';

export const box = { width: 92, height: 30 };
export const drawing = { width: 700, height: 330 };

/** Column and row of each phase: the way up runs from left to right, the way down below it, mishaps between. */
const cells: Readonly<Record<Phase, readonly [number, number]>> = {
  pending: [0, 0],
  building: [1, 0],
  creating: [2, 0],
  starting: [3, 0],
  running: [4, 0],
  failed: [1.5, 1],
  backoff: [2.5, 1],
  contested: [4, 1],
  completed: [0.5, 2],
  stopped: [1.75, 2],
  stopping: [3, 2],
  blocked: [0.5, 3],
  invalid: [1.5, 3],
  unknown: [2.5, 3],
  deleting: [3.5, 3],
};

const column = 143;
const row = 84;

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The middle of a phase's box. */
export function middleOf(phase: Phase): Point {
  const [across, down] = cells[phase];
  return { x: 62 + across * column, y: 46 + down * row };
}

/** A curve from the edge of one box to the edge of another, bent so that there and back are two. */
export function curve(from: Phase, to: Phase): string {
  const [a, b] = [middleOf(from), middleOf(to)];
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = Math.hypot(dx, dy);
  if (length === 0) return '';
  // Along a row the curve has to pass over the boxes in between.
  const bend = dy === 0 ? Math.max(0, Math.abs(dx) / column - 1) * 9 + 7 : 11;
  const over = { x: (a.x + b.x) / 2 + (dy / length) * bend * 2, y: (a.y + b.y) / 2 - (dx / length) * bend * 2 };
  const [start, end] = [edge(a, over), edge(b, over)];
  return `M${fixed(start)}Q${fixed(over)} ${fixed(end)}`;
}

/** Where the line from the middle of a box towards a point leaves the box. */
function edge(middle: Point, towards: Point): Point {
  const [dx, dy] = [towards.x - middle.x, towards.y - middle.y];
  const reach = Math.min(
    dx === 0 ? Infinity : (box.width / 2 + 3) / Math.abs(dx),
    dy === 0 ? Infinity : (box.height / 2 + 3) / Math.abs(dy),
  );
  return { x: middle.x + dx * Math.min(1, reach), y: middle.y + dy * Math.min(1, reach) };
}

function fixed({ x, y }: Point): string {
  return `${x.toFixed(1)},${y.toFixed(1)}`;
}

/** What may come next, in the course of an undisturbed life. */
export function nextOf(phase: Phase): readonly Way[] {
  return ways.filter(({ from }) => from === phase);
}

/** The phase that an event tells of; what tells of none is left out. */
const phaseOfReason: Readonly<Record<string, Phase>> = {
  ImageResolved: 'building',
  Created: 'creating',
  Started: 'starting',
  Restarted: 'starting',
  BackOff: 'backoff',
  Completed: 'completed',
  Stopped: 'stopped',
  RolledOut: 'running',
  Contested: 'contested',
  Blocked: 'blocked',
  Invalid: 'invalid',
  Unknown: 'unknown',
};

const longestPath = 7;

/**
 * The path that a component took, oldest first: by its events up to when this page began to watch it, from then on as
 * seen. The last is the phase that it is in.
 */
export function pathOf(events: readonly EventView[], trail: readonly Seen[], now: Phase): readonly Seen[] {
  const [first] = trail;
  const told = events
    .filter(({ at }) => first === undefined || Date.parse(at) < first.atMs)
    .flatMap(({ reason, at }): readonly Seen[] => {
      const phase = phaseOfReason[reason];
      return phase === undefined ? [] : [{ phase, atMs: Date.parse(at) }];
    });
  const all = [...told, ...trail];
  if (all.at(-1)?.phase !== now) all.push({ phase: now, atMs: all.at(-1)?.atMs ?? 0 });
  return all.filter(({ phase }, index) => all[index - 1]?.phase !== phase).slice(-longestPath);
}
