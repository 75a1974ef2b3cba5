/** A plan as people read it: what changes, and what it does to what runs. */
import type { ComponentPlan, Plan, PlanAction, PlanDifference, ServicePlan } from '../../core/plan.js';
import type { SpecFieldChange } from '../../core/spec-diff.js';
import type { Styles, Tone } from './styles.js';

const signs: Readonly<Record<PlanAction, { readonly sign: string; readonly tone: Tone }>> = {
  create: { sign: '+', tone: 'good' },
  update: { sign: '~', tone: 'warn' },
  delete: { sign: '-', tone: 'bad' },
  conflict: { sign: '!', tone: 'bad' },
  kept: { sign: '?', tone: 'dim' },
  unchanged: { sign: '=', tone: 'dim' },
};

type Shown = Pick<Plan, 'services' | 'components'>;

/** One line for each thing that changes, its fields below it, and a summary. Unchanged things are only counted. */
export function formatPlan(plan: Shown, styles: Styles): string {
  const lines = [
    ...plan.services.filter(isWorthShowing).flatMap((item) => serviceLines(item, styles)),
    ...plan.components.filter(isWorthShowing).flatMap((item) => componentLines(item, styles)),
  ];
  return [...lines, summaryOf(plan)].join('\n');
}

/** A plan for programs: all but the statements that carry it out. */
export function planJson(plan: Plan): Omit<Plan, 'changes'> {
  const { services, components, conflicts, problems, breaches, differs } = plan;
  return { differs, services, components, conflicts, problems, breaches };
}

function isWorthShowing(item: ServicePlan | ComponentPlan): boolean {
  return item.action !== 'unchanged' || ('note' in item && (item.note !== null || item.refreshImage !== null));
}

function serviceLines(item: ServicePlan, styles: Styles): readonly string[] {
  const { sign, tone } = signs[item.action];
  return [
    styles.paint(tone, `${sign} service ${item.service}: ${item.action}`),
    ...item.differences.map((difference) => differenceLine(difference, null, styles)),
  ];
}

function componentLines(item: ComponentPlan, styles: Styles): readonly string[] {
  const { sign, tone } = signs[item.action];
  const what = effectText(item);
  const head = `${sign} ${item.service}/${item.component}: ${item.action}${what === '' ? '' : ` (${what})`}`;
  const moved = item.action === 'update' && item.differences.some(({ field }) => field === 'runtime');
  const note = item.note === null ? [] : [styles.paint('dim', `    ${item.note}`)];
  const refresh =
    item.refreshImage === null
      ? []
      : [styles.paint('plain', `    image: asked for again, ${refreshText[item.refreshImage]}`)];
  const fields = item.differences.map((difference) => differenceLine(difference, difference.effect, styles));
  const move = moved ? [styles.paint('dim', `    ${runtimeChange}`)] : [];
  return [styles.paint(tone, head), ...fields, ...move, ...refresh, ...note];
}

/** What a change of `runtime` means. */
const runtimeChange =
  'the workload is replaced: the new one is built first, then the old one stops; its named volumes go along';

const refreshText = { moved: 'its tag names another one now', always: 'pull = "always"' } as const;

function effectText(item: ComponentPlan): string {
  if (item.action === 'conflict') return 'it was changed elsewhere';
  if (item.action !== 'update') return '';
  if (item.differences.some(({ field }) => field === 'runtime')) return 'another runtime';
  if (item.effect === 'replace') return 'replaces the workload';
  if (item.effect === 'update') return 'changes it in place';
  return 'touches nothing that runs';
}

function differenceLine(
  difference: PlanDifference | SpecFieldChange,
  effect: SpecFieldChange['effect'] | null,
  styles: Styles,
): string {
  const effectNote = effect === null || effect === 'none' ? '' : ` [${effect}]`;
  return styles.paint(
    'plain',
    `    ${difference.field}: ${formatValue(difference.before)} → ${formatValue(difference.after)}${effectNote}`,
  );
}

const longestValue = 120;

/** A value of a definition on one line. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined) return '(none)';
  const text = JSON.stringify(value);
  return text.length > longestValue ? `${text.slice(0, longestValue - 1)}…` : text;
}

function summaryOf(plan: Shown): string {
  const counts = new Map<PlanAction, number>();
  for (const item of plan.components) counts.set(item.action, (counts.get(item.action) ?? 0) + 1);
  const words: readonly (readonly [PlanAction, string])[] = [
    ['create', 'to create'],
    ['update', 'to update'],
    ['delete', 'to delete'],
    ['conflict', 'in conflict'],
    ['kept', 'kept though no longer declared'],
    ['unchanged', 'unchanged'],
  ];
  const parts = words.flatMap(([action, word]) => {
    const count = counts.get(action) ?? 0;
    return count === 0 ? [] : [`${count} ${word}`];
  });
  return parts.length === 0 ? 'no components' : parts.join(', ');
}
