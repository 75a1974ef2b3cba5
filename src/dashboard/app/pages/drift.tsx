/** Every difference between what is wanted and what is, and what nobody can see at the moment. */
import type { ComponentView } from '../../../api/views.js';
import { keyOf, urgency } from '../../model/standing.js';
import { count } from '../../model/format.js';
import { Age, Ago, Badge, ComponentLink, Words } from '../parts.js';
import { DriftItems } from '../parts/drift-items.js';
import { useScene } from '../scene.js';
import { useCell } from '../use.js';

/** More than anybody reads; a runtime that is silent may have thousands. */
const shownAtOnce = 200;

export function DriftPage() {
  const { board } = useScene();
  useCell(board.changes);
  const views = [...board.views()].sort((a, b) => urgency(a) - urgency(b) || (keyOf(a) < keyOf(b) ? -1 : 1));
  const drifting = views.filter(({ drift }) => drift.length > 0);
  const unseen = views.filter(({ phase }) => phase === 'unknown');
  const total = drifting.reduce((sum, { drift }) => sum + drift.length, 0);
  return (
    <>
      <div class="page-head">
        <h1>Drift</h1>
        <p class="soft">
          {count(total, 'difference')} in {count(drifting.length, 'component')}
        </p>
      </div>
      {unseen.length === 0 ? null : <Unseen views={unseen} />}
      {drifting.length === 0 ? (
        <p class="empty block">
          {unseen.length === 0 ? 'Everything is as it is wanted.' : 'What can be seen is as it is wanted.'}
        </p>
      ) : null}
      {drifting.slice(0, shownAtOnce).map((view) => (
        <section key={keyOf(view)} aria-label={`Drift of ${keyOf(view)}`}>
          <div class="section-head">
            <h2>
              <ComponentLink service={view.service} component={view.component} />
            </h2>
            <Badge phase={view.phase} />
            <span class="soft">
              <Words of={view.message} />
            </span>
          </div>
          <DriftItems view={view} />
        </section>
      ))}
      <Rest of={drifting} where="are told by: berth drift" />
    </>
  );
}

function Rest({ of, where }: { readonly of: readonly ComponentView[]; readonly where: string }) {
  const more = of.length - shownAtOnce;
  return more > 0 ? (
    <p class="soft">
      {more} more {where}
    </p>
  ) : null;
}

/** Not known is not the same as not as desired: nothing is done about these until they are seen again. */
function Unseen({ views }: { readonly views: readonly ComponentView[] }) {
  const { board } = useScene();
  const beat = useCell(board.beat);
  return (
    <section class="unseen" aria-labelledby="unseen">
      <div class="section-head">
        <h2 id="unseen">Not seen now</h2>
        <span>Nothing is done about these until their runtime answers.</span>
      </div>
      {(beat?.drivers ?? [])
        .filter(({ error }) => error !== null)
        .map(({ name, error, lastGoodAt }) => (
          <p key={name}>
            <strong>{name}</strong> last answered <Ago at={lastGoodAt} />: {error}
          </p>
        ))}
      <ul>
        {views.slice(0, shownAtOnce).map((view) => (
          <li key={keyOf(view)} data-row data-service={view.service}>
            <ComponentLink service={view.service} component={view.component} />
            <span>
              last seen <Age view={view} /> ago
            </span>
            <span class="unseen-why">
              <Words of={view.message} />
            </span>
          </li>
        ))}
      </ul>
      <Rest of={views} where="are in the overview: phase:unknown" />
    </section>
  );
}
