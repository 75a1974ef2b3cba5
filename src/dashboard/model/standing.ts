/** How a component stands, for people: what is broken, what drifts, what is on its way. Pure. */
import type { ComponentView } from '../../api/views.js';
import type { Phase } from '../../core/status.js';

/** Worst first. */
export const standings = ['broken', 'unknown', 'drift', 'changing', 'running', 'resting'] as const;
export type Standing = (typeof standings)[number];

/** The colour and the sign of a phase. */
export type Tone = 'bad' | 'warn' | 'busy' | 'good' | 'rest' | 'unknown';

export const standingWords: Readonly<Record<Standing, string>> = {
  broken: 'Broken',
  unknown: 'Unknown',
  drift: 'Drift',
  changing: 'Changing',
  running: 'Running',
  resting: 'At rest',
};

const tones: Readonly<Record<Phase, Tone>> = {
  pending: 'busy',
  blocked: 'bad',
  invalid: 'bad',
  unknown: 'unknown',
  building: 'busy',
  creating: 'busy',
  starting: 'busy',
  running: 'good',
  stopping: 'busy',
  stopped: 'rest',
  completed: 'rest',
  backoff: 'warn',
  failed: 'bad',
  contested: 'bad',
  deleting: 'busy',
};

/** Phases that want somebody's eyes, worst first. */
const brokenPhases: readonly Phase[] = ['failed', 'contested', 'invalid', 'blocked', 'backoff'];

export function toneOf(phase: Phase): Tone {
  return tones[phase];
}

/** It should run, does not, and nobody is about to change that. What is held and never ran is as its owner left it. */
function isDown({ desired, observed, phase, drift, reason }: ComponentView): boolean {
  if (reason === 'Held') return false;
  const gone = observed === 'missing' || observed === 'exited' || observed === 'stopped';
  return desired === 'running' && gone && drift.length > 0 && tones[phase] !== 'busy' && phase !== 'completed';
}

export function standingOf(view: ComponentView): Standing {
  if (brokenPhases.includes(view.phase)) return 'broken';
  if (view.phase === 'unknown') return 'unknown';
  if (isDown(view)) return 'broken';
  if (view.drift.length > 0) return 'drift';
  const tone = tones[view.phase];
  if (tone === 'busy') return 'changing';
  return tone === 'good' ? 'running' : 'resting';
}

/** The smaller, the more it matters. */
export function urgency(view: ComponentView): number {
  const standing = standings.indexOf(standingOf(view)) * 10;
  const phase = brokenPhases.indexOf(view.phase);
  return standing + (phase < 0 ? 9 : phase);
}

/** How many stand how. */
export function countStandings(views: Iterable<ComponentView>): Readonly<Record<Standing, number>> {
  const counts: Record<Standing, number> = { broken: 0, unknown: 0, drift: 0, changing: 0, running: 0, resting: 0 };
  for (const view of views) counts[standingOf(view)] += 1;
  return counts;
}

/** How many differ from what is wanted, or cannot be seen. */
export function countDrift(views: Iterable<ComponentView>): number {
  return [...views].filter(({ drift, phase }) => drift.length > 0 || phase === 'unknown').length;
}

/** What is broken, worst first. */
export function brokenFirst(views: Iterable<ComponentView>): readonly ComponentView[] {
  return [...views]
    .filter((view) => standingOf(view) === 'broken')
    .sort((a, b) => urgency(a) - urgency(b) || keyOf(a).localeCompare(keyOf(b)));
}

/** `service/component`. */
export function keyOf({ service, component }: { readonly service: string; readonly component: string }): string {
  return `${service}/${component}`;
}
