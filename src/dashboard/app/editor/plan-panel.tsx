/** What the text would change, or what is wrong with it. */
import { Problem } from '../parts.js';
import { PlanView } from '../parts/plan-view.js';
import type { Checked } from './check.js';
import type { Place } from './code-field.js';

interface Props {
  readonly checked: Checked | null;
  /** It speaks of what is in the field now. */
  readonly isCurrent: boolean;
  readonly onPlace: (place: Place) => void;
}

export function PlanPanel({ checked, isCurrent, onPlace }: Props) {
  return (
    <>
      <div class="section-head">
        <h2 id="plan">Plan</h2>
        {isCurrent ? null : <span class="soft">planning…</span>}
      </div>
      <div aria-live="polite">{checked === null ? null : <Result checked={checked} onPlace={onPlace} />}</div>
    </>
  );
}

function Result({ checked, onPlace }: { readonly checked: Checked; readonly onPlace: Props['onPlace'] }) {
  const { problems, plan, error } = checked;
  if (error !== null) return <Problem error={error} />;
  if (problems.length === 0) return plan === null ? null : <PlanView plan={plan.plan} />;
  return (
    <ul class="problems">
      {problems.map((problem) => (
        <li key={`${problem.line}:${problem.column}:${problem.message}`} class="problem" data-row>
          <button
            type="button"
            class="plain"
            onClick={() => {
              onPlace({ line: problem.line, column: problem.column });
            }}
          >
            Line {problem.line}
          </button>{' '}
          {problem.field === '' ? null : <code>{problem.field}</code>} {problem.message}
          {problem.suggestion === '' ? null : <div class="soft">{problem.suggestion}</div>}
        </li>
      ))}
    </ul>
  );
}
