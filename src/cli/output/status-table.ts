/** The status of components as a table. */
import type { ComponentView, StatusReport } from '../../api/views.js';
import type { Phase } from '../../core/status.js';
import { formatAge } from '../durations.js';
import type { Styles, Tone } from './styles.js';
import { cell, formatTable, type Cell } from './table.js';

const headings = ['COMPONENT', 'PHASE', 'OBSERVED', 'READY', 'RUNTIME', 'RESTARTS', 'AGE', 'DRIFT', 'MESSAGE'];

const toneOfPhase: Readonly<Record<Phase, Tone>> = {
  pending: 'dim',
  blocked: 'bad',
  invalid: 'bad',
  unknown: 'warn',
  building: 'warn',
  creating: 'warn',
  starting: 'warn',
  running: 'good',
  stopping: 'warn',
  stopped: 'dim',
  completed: 'good',
  backoff: 'bad',
  failed: 'bad',
  contested: 'bad',
  deleting: 'dim',
};

/** The colour of a phase. */
export function phaseTone(phase: Phase): Tone {
  return toneOfPhase[phase];
}

/** One line a component; AGE is how long the program has been running. */
export function formatStatus(report: StatusReport, nowMs: number, styles: Styles): string {
  if (report.components.length === 0) return 'nothing is wanted here yet; begin with: berth apply -f FILE';
  return formatTable(
    headings,
    report.components.map((component) => statusRow(component, nowMs)),
    styles,
  );
}

function statusRow(view: ComponentView, nowMs: number): readonly Cell[] {
  const startedAt = view.observed === 'running' ? view.startedAt : null;
  const age = startedAt === null ? '-' : formatAge(nowMs - Date.parse(startedAt));
  const observed = view.exitCode !== null && view.observed === 'exited' ? `exited (${view.exitCode})` : view.observed;
  return [
    cell(`${view.service}/${view.component}`),
    cell(view.phase, phaseTone(view.phase)),
    cell(observed),
    cell(view.ready ? 'yes' : 'no', view.ready ? 'good' : 'dim'),
    cell(view.runtime),
    cell(String(view.restarts), view.restarts > 0 ? 'warn' : 'plain'),
    cell(age),
    cell(
      view.drift.length === 0 ? '-' : view.drift.map((drift) => drift.field).join(','),
      view.drift.length === 0 ? 'dim' : 'bad',
    ),
    cell(view.message),
  ];
}

/** What is said when nobody acts on what is wanted. */
export const noAgent = 'no agent serves this home: nothing converges until one runs (berth agent)';
