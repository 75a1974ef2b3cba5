/** What was changed, by whom, and the way back. */
import type { HistoryView } from '../../../api/views.js';
import { value } from '../../model/format.js';
import type { Key } from '../api.js';
import { Ago, Problem } from '../parts.js';
import { useScene } from '../scene.js';
import { useCell, useLoaded } from '../use.js';
import { Differences } from './plan-view.js';
import { RollBackButton } from './roll-back.js';

const words: Readonly<Record<HistoryView['op'], string>> = { insert: 'made', update: 'changed', delete: 'removed' };

export function History({ target }: { readonly target: Key }) {
  const { api, board } = useScene();
  const revision = useCell(board.definition(target.service));
  const { value: entries, error } = useLoaded(
    (signal) => api.history(target, signal),
    [target.service, target.component, revision],
  );
  return (
    <section aria-labelledby="history">
      <div class="section-head">
        <h2 id="history">History</h2>
      </div>
      {error === null ? null : <Problem error={error} />}
      <ol class="history">
        {(entries ?? []).map((entry, index) => (
          <li key={entry.revision} data-row data-service={target.service}>
            <div class="history-head">
              <strong>Revision {entry.revision}</strong>
              <span>
                {words[entry.op]} by {entry.actor}, <Ago at={entry.at} />
              </span>
              {index > 0 && entry.op !== 'delete' ? (
                <RollBackButton service={target.service} to={entry.revision} />
              ) : null}
            </div>
            {entry.message === null ? null : <p>{entry.message}</p>}
            {entry.op === 'update' ? <Differences of={entry.changes.map(inWords)} /> : null}
          </li>
        ))}
      </ol>
    </section>
  );
}

function inWords({ field, before, after }: HistoryView['changes'][number]) {
  return { field, before: value(before), after: value(after) };
}
