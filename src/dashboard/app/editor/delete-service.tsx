/** Deletes a service, after saying what goes with it. */
import { useState } from 'preact/hooks';
import { useAction } from '../parts/action.js';
import { Dialog } from '../parts.js';
import { goTo } from '../route.js';
import { useScene } from '../scene.js';
import { useService } from '../services.js';

/** What goes with it is what there is by now, which may be more than when the page was opened. */
export function DeleteService({ service }: { readonly service: string }) {
  const { api } = useScene();
  const { value: found, error } = useService(service);
  const components = found?.spec.components ?? [];
  const [isOpen, setOpen] = useState(false);
  const { run, isBusy } = useAction();
  const volumes = [...new Set(components.flatMap((each) => each.volumes).filter((text) => !text.startsWith('/')))];
  const close = (): void => {
    setOpen(false);
  };
  return (
    <div class="actions">
      <button
        type="button"
        class="danger"
        onClick={() => {
          setOpen(true);
        }}
      >
        Delete service…
      </button>
      {isOpen ? (
        <Dialog title={`Delete ${service}?`} onClose={close}>
          <p>These are stopped and removed, and the service leaves the registry:</p>
          <ul class="bullets">
            {components.map(({ name, runtime, image }) => (
              <li key={name}>
                <strong>{name}</strong>{' '}
                <span class="soft">
                  {runtime} of <span class="mono">{image}</span>
                </span>
              </li>
            ))}
          </ul>
          {volumes.length === 0 ? null : (
            <p>
              Named volumes stay, with their data: <span class="mono">{volumes.join(', ')}</span>
            </p>
          )}
          <div class="actions">
            <button type="button" onClick={close}>
              Keep it
            </button>
            <button
              type="button"
              class="danger"
              disabled={isBusy || (found === null && error === null)}
              onClick={() => {
                run(
                  `${service} is being deleted`,
                  () => api.deleteService(service),
                  () => {
                    close();
                    goTo({ page: 'overview' });
                  },
                );
              }}
            >
              Delete
            </button>
          </div>
        </Dialog>
      ) : null}
    </div>
  );
}
