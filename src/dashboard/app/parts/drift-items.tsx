/** Each difference of a component: desired and observed side by side, since when, and what is done about it. */
import { useState } from 'preact/hooks';
import type { ComponentView, DriftView } from '../../../api/views.js';
import { Ago, Dialog, Problem, Words } from '../parts.js';
import { useScene } from '../scene.js';
import { useLoaded } from '../use.js';
import { useAction } from './action.js';
import { useMode } from './component-actions.js';
import { PlanView } from './plan-view.js';

export function DriftItems({ view }: { readonly view: ComponentView }) {
  return (
    <ul class="drifts">
      {view.drift.map((drift) => (
        <Item key={drift.field} view={view} drift={drift} />
      ))}
    </ul>
  );
}

function Item({ view, drift }: { readonly view: ComponentView; readonly drift: DriftView }) {
  return (
    <li class="drift" data-row data-service={view.service}>
      <div class="drift-head">
        <strong class="mono">{drift.field}</strong>
        <span class="soft">
          since <Ago at={drift.since} />
        </span>
        <DriftButtons view={view} drift={drift} />
      </div>
      <dl class="sides">
        <div>
          <dt>Desired</dt>
          <dd class="mono">{drift.desired}</dd>
        </div>
        <div>
          <dt>Observed</dt>
          <dd class="mono differs">{drift.observed}</dd>
        </div>
      </dl>
      <dl class="facts">
        <div>
          <dt>Berth</dt>
          <dd>
            <Words of={drift.action} />
            {view.nextTryAt === null ? null : (
              <>
                , next <Ago at={view.nextTryAt} />
              </>
            )}
          </dd>
        </div>
        <div>
          <dt>Evidence</dt>
          <dd>
            <Words of={drift.evidence} />
          </dd>
        </div>
      </dl>
    </li>
  );
}

function DriftButtons({ view, drift }: { readonly view: ComponentView; readonly drift: DriftView }) {
  const { api } = useScene();
  const { run, isBusy } = useAction();
  const mode = useMode(view);
  const [isAccepting, setAccepting] = useState(false);
  const name = `${view.service}/${view.component}`;
  // A component that is held heals as soon as it is not; any other is asked for a fresh start.
  const heal = () => (mode === 'auto' ? api.operate(view, 'restart') : api.setMode(view, 'auto'));
  return (
    <div class="actions">
      <button
        type="button"
        disabled={isBusy || mode === null}
        title={mode === 'auto' ? 'Restarts the workload as it is wanted' : 'Sets reconcile = "auto"'}
        onClick={() => {
          run(`${name} is being healed`, heal);
        }}
      >
        Heal now
      </button>
      {mode === 'auto' ? (
        <button
          type="button"
          disabled={isBusy}
          title='Sets reconcile = "observe": reported, not touched'
          onClick={() => {
            run(`${name} is held: drift is reported and left alone`, () => api.setMode(view, 'observe'));
          }}
        >
          Hold
        </button>
      ) : null}
      <button
        type="button"
        disabled={isBusy}
        title="What is observed becomes what is desired"
        onClick={() => {
          setAccepting(true);
        }}
      >
        Accept…
      </button>
      {isAccepting ? (
        <AcceptDialog
          view={view}
          field={drift.field}
          onClose={() => {
            setAccepting(false);
          }}
        />
      ) : null}
    </div>
  );
}

interface AcceptProps {
  readonly view: ComponentView;
  readonly field: string;
  readonly onClose: () => void;
}

function AcceptDialog({ view, field, onClose }: AcceptProps) {
  const { api } = useScene();
  const { run, isBusy } = useAction();
  const { value: planned, error, reload } = useLoaded(() => api.planAccept(view, [field]), [view.service, field]);
  return (
    <Dialog title={`Accept ${field} of ${view.service}/${view.component}`} onClose={onClose}>
      <p class="soft">What is observed becomes what is desired. This would change the registry so:</p>
      {error === null ? null : <Problem error={error} />}
      {planned === null ? null : <PlanView plan={planned.plan} />}
      <div class="actions">
        <button type="button" onClick={onClose}>
          Leave it
        </button>
        <button
          type="button"
          class="primary"
          disabled={planned === null || isBusy}
          onClick={() => {
            if (planned === null) return;
            run(`${field} is accepted`, () => api.accept(view, planned), onClose, reload);
          }}
        >
          Accept
        </button>
      </div>
    </Dialog>
  );
}
