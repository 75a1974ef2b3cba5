/** Restarts of the last day, an hour a bar. */
import type { EventView } from '../../../api/views.js';
import { restartsByHour } from '../../model/restarts.js';
import { count } from '../../model/format.js';
import { useScene } from '../scene.js';

const bar = { width: 18, gap: 4, height: 64 };

export function RestartChart({ events }: { readonly events: readonly EventView[] }) {
  const { board, now } = useScene();
  const hours = restartsByHour(events, now.get() + board.skewMs);
  const most = Math.max(1, ...hours.map((hour) => hour.count));
  const total = hours.reduce((sum, hour) => sum + hour.count, 0);
  const step = bar.width + bar.gap;
  return (
    <figure class="chart">
      <svg
        viewBox={`0 0 ${hours.length * step} ${bar.height + 18}`}
        role="img"
        aria-label={`${count(total, 'restart')} in 24 hours, at most ${most} an hour`}
      >
        {hours.map((hour, index) => {
          const height = hour.count === 0 ? 1.5 : Math.max(4, (hour.count / most) * bar.height);
          return (
            <rect
              key={hour.fromMs}
              class={hour.count === 0 ? 'bar-none' : 'bar-some'}
              x={index * step}
              y={bar.height - height}
              width={bar.width}
              height={height}
            >
              <title>{`${new Date(hour.fromMs).getHours()}:00: ${count(hour.count, 'restart')}`}</title>
            </rect>
          );
        })}
        {hours.map((hour, index) =>
          index % 6 === 0 ? (
            <text key={hour.fromMs} x={index * step} y={bar.height + 14}>
              {`${new Date(hour.fromMs).getHours()}:00`}
            </text>
          ) : null,
        )}
      </svg>
      <figcaption class="soft">{count(total, 'restart')} in 24 hours</figcaption>
    </figure>
  );
}
