/** A plan: what would change, and what that does to what runs. */
import type { Plan } from '../../../core/plan.js';
import { planLines, type PlanLine } from '../../model/plan-words.js';

const spoken: Readonly<Record<PlanLine['sign'], string>> = {
  '+': 'added',
  '-': 'removed',
  '~': 'changed',
  '!': 'in conflict',
  '=': 'unchanged',
};

const tones: Readonly<Record<PlanLine['sign'], string>> = {
  '+': 'good',
  '-': 'bad',
  '~': 'busy',
  '!': 'warn',
  '=': 'rest',
};

export function PlanView({ plan }: { readonly plan: Plan }) {
  const lines = planLines(plan);
  return (
    <div class="plan">
      {plan.conflicts.map((conflict) => (
        <p class="problem" key={conflict.message}>
          {conflict.message}
        </p>
      ))}
      {plan.problems.map((problem) => (
        <p class="problem" key={problem.field + problem.message}>
          {problem.field}: {problem.message}
        </p>
      ))}
      {plan.breaches.map((breach) => (
        <p class="problem" key={breach.message}>
          {breach.message}
        </p>
      ))}
      {lines.length === 0 ? <p class="soft">Nothing would change.</p> : null}
      <ul>
        {lines.map((line) => (
          <li key={line.name}>
            <span class={`plan-sign tone-${tones[line.sign]}`} aria-hidden="true">
              {line.sign}
            </span>
            <div>
              <strong>{line.name}</strong> <span class="hidden-words">{spoken[line.sign]}</span>
              <span class="soft">{line.words}</span>
              {line.note === null ? null : <p class="soft">{line.note}</p>}
              <Differences of={line.differences} />
            </div>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface DifferencesProps {
  readonly of: readonly { readonly field: string; readonly before: string; readonly after: string }[];
}

/** Fields with the value before and after. */
export function Differences({ of }: DifferencesProps) {
  if (of.length === 0) return null;
  return (
    <dl class="differences">
      {of.map(({ field, before, after }) => (
        <div key={field}>
          <dt>{field}</dt>
          <dd>
            <del>{before}</del> <span aria-hidden="true">→</span> <ins>{after}</ins>
          </dd>
        </div>
      ))}
    </dl>
  );
}
