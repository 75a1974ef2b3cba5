/** What may be done with a component. */
import { useEffect, useState } from 'preact/hooks';
import type { ComponentView } from '../../../api/views.js';
import type { ReconcileMode } from '../../../core/spec.js';
import { linkTo } from '../../model/routes.js';
import { Refusal } from '../api.js';
import { Dialog } from '../parts.js';
import { useScene } from '../scene.js';
import { useService } from '../services.js';
import { useAction } from './action.js';

export function ComponentActions({ view }: { readonly view: ComponentView }) {
  const { api } = useScene();
  const { run, isBusy } = useAction();
  const name = `${view.service}/${view.component}`;
  const verb = view.desired === 'running' ? 'stop' : 'start';
  return (
    <div class="actions">
      <ModeChoice view={view} />
      <button
        type="button"
        disabled={isBusy}
        onClick={() => {
          run(`${name} is restarted`, () => api.operate(view, 'restart'));
        }}
      >
        Restart
      </button>
      <button
        type="button"
        disabled={isBusy || view.desired === 'deleted'}
        onClick={() => {
          run(`${name} is wanted ${verb === 'stop' ? 'stopped' : 'running'}`, () => api.operate(view, verb));
        }}
      >
        {verb === 'stop' ? 'Stop' : 'Start'}
      </button>
      <a class="button" href={linkTo({ page: 'edit', service: view.service })}>
        Edit
      </a>
      <DeleteButton view={view} />
    </div>
  );
}

const againMs = 2_000;

/** How the component is reconciled, as its definition says; null: not known yet. */
export function useMode({ service, component }: ComponentView): ReconcileMode | null {
  const { value, error, reload } = useService(service);
  useEffect(() => {
    // A service that is not there is there again with another revision, which asks by itself.
    if (error === null || (error instanceof Refusal && error.status === 404)) return;
    const timer = setTimeout(reload, againMs);
    return () => {
      clearTimeout(timer);
    };
  }, [error]);
  return value?.spec.components.find(({ name }) => name === component)?.reconcile ?? null;
}

const modes: readonly (readonly [ReconcileMode, string])[] = [
  ['auto', 'auto: heal'],
  ['observe', 'observe: report only'],
  ['ignore', 'ignore'],
];

function ModeChoice({ view }: { readonly view: ComponentView }) {
  const { api } = useScene();
  const { run, isBusy } = useAction();
  const mode = useMode(view);
  if (mode === null) return null;
  return (
    <label class="mode">
      <span class="soft">Mode</span>
      <select
        value={mode}
        disabled={isBusy}
        onChange={(event) => {
          const chosen = modes.find(([each]) => each === event.currentTarget.value)?.[0] ?? mode;
          run(`${view.service}/${view.component} is in mode ${chosen}`, () => api.setMode(view, chosen));
        }}
      >
        {modes.map(([each, words]) => (
          <option key={each} value={each}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

function DeleteButton({ view }: { readonly view: ComponentView }) {
  const { api } = useScene();
  const [isOpen, setOpen] = useState(false);
  const { run, isBusy } = useAction();
  const name = `${view.service}/${view.component}`;
  const close = (): void => {
    setOpen(false);
  };
  return (
    <>
      <button
        type="button"
        class="danger"
        disabled={view.desired === 'deleted'}
        onClick={() => {
          setOpen(true);
        }}
      >
        Delete…
      </button>
      {isOpen ? (
        <Dialog title={`Delete ${name}?`} onClose={close}>
          <p>
            Its workload <code>{view.workload}</code> is stopped and removed, then the component leaves the registry.
            Named volumes stay.
          </p>
          <div class="actions">
            <button type="button" onClick={close}>
              Keep it
            </button>
            <button
              type="button"
              class="danger"
              disabled={isBusy}
              onClick={() => {
                run(`${name} is being deleted`, () => api.deleteComponent(view), close);
              }}
            >
              Delete
            </button>
          </div>
        </Dialog>
      ) : null}
    </>
  );
}
