/** Puts a service back to what it was, after the plan of it was seen. */
import { useState } from 'preact/hooks';
import { Dialog, Problem } from '../parts.js';
import { useScene } from '../scene.js';
import { useLoaded } from '../use.js';
import { PlanView } from './plan-view.js';
import { useAction } from './action.js';

interface Props {
  readonly service: string;
  /** The revision to go back to; null: before the last change. */
  readonly to: number | null;
}

export function RollBackButton({ service, to }: Props) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        onClick={() => {
          setOpen(true);
        }}
      >
        Roll back…
      </button>
      {isOpen ? (
        <RollBackDialog
          service={service}
          to={to}
          onClose={() => {
            setOpen(false);
          }}
        />
      ) : null}
    </>
  );
}

function RollBackDialog({ service, to, onClose }: Props & { readonly onClose: () => void }) {
  const { api } = useScene();
  const { value: plan, error, reload } = useLoaded(() => api.planRollBack(service, to), [service, to]);
  const { run, isBusy } = useAction();
  return (
    <Dialog title={`Roll ${service} back`} onClose={onClose}>
      {error === null ? null : <Problem error={error} />}
      {plan === null && error === null ? <p class="soft">Planning…</p> : null}
      {plan === null ? null : (
        <div class="dialog-scroll">
          <p class="soft">To what it was at revision {plan.to}.</p>
          <PlanView plan={plan.plan} />
        </div>
      )}
      <div class="actions">
        <button type="button" onClick={onClose}>
          Leave it
        </button>
        <button
          type="button"
          class="primary"
          disabled={plan === null || isBusy || !plan.plan.differs}
          onClick={() => {
            if (plan === null) return;
            run(`${service} is rolled back`, () => api.rollBack(service, plan), onClose, reload);
          }}
        >
          Roll back
        </button>
      </div>
    </Dialog>
  );
}
