/** What the node lacks or runs out of, as `berth doctor` tells it. */
import { useScene } from '../scene.js';
import { useLoaded } from '../use.js';

export function WatchOut() {
  const { api } = useScene();
  const { value: report } = useLoaded((signal) => api.doctor(signal), []);
  const checks = (report?.checks ?? []).filter(({ level }) => level !== 'ok');
  if (checks.length === 0) return null;
  return (
    <section aria-labelledby="watch-out">
      <details class="watch-out">
        <summary>
          <h2 id="watch-out">This node</h2> <span class="pill warn">{checks.length}</span>
        </summary>
        <ul>
          {checks.map((check) => (
            <li key={`${check.area} ${check.name}`}>
              <strong class={check.level === 'error' ? 'tone-bad' : 'tone-warn'}>
                {check.area}: {check.name}
              </strong>{' '}
              {check.detail} {check.remedy === null ? null : <span class="soft">{check.remedy}</span>}
            </li>
          ))}
        </ul>
      </details>
    </section>
  );
}
