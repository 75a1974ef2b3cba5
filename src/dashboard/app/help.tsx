/** What the keys do. */
import { Dialog } from './parts.js';
import { useScene } from './scene.js';

const keys = [
  ['/', 'filter'],
  ['j  k', 'next, previous'],
  ['Enter', 'open'],
  ['e', 'edit the definition'],
  ['g o  g d  g e', 'overview, drift, events'],
  ['Esc', 'leave a field, close what is open'],
  ['?', 'this help'],
] as const;

export function Help() {
  const { helping, version } = useScene();
  const close = (): void => {
    helping.set(false);
  };
  return (
    <Dialog title="Keys" onClose={close}>
      <div class="keys">
        {keys.map(([names, words]) => (
          <>
            <span>
              {names.split('  ').map((name) => (
                <>
                  <kbd>{name}</kbd>{' '}
                </>
              ))}
            </span>
            <span>{words}</span>
          </>
        ))}
      </div>
      <p class="soft">
        The filter takes words that must all be found, and <code>phase:failed</code>, <code>runtime:microvm</code>,{' '}
        <code>service:shop</code>, <code>node:local</code>. Berth {version}, <a href="/docs">the API</a>.
      </p>
      <div class="actions">
        <form method="post" action="/logout">
          <button>Log out</button>
        </form>
        <button type="button" class="primary" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
