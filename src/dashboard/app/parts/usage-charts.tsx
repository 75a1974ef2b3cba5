/** Memory and processor time of the last day. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { UsageReport } from '../../../api/views.js';
import {
  chartOf,
  figure,
  mebibytes,
  plot,
  stepAt,
  stepByKey,
  ticksOf,
  timeOfDay,
  wordsAt,
  wordsOf,
  xOf,
  yOf,
  type Chart,
  type Measure,
} from '../../model/usage-chart.js';
import type { Key } from '../api.js';
import { Problem } from '../parts.js';
import { useScene } from '../scene.js';
import { useLoaded } from '../use.js';

export function UsageCharts({ target }: { readonly target: Key }) {
  const { value: report, error } = useUsage(target);
  return (
    <section aria-labelledby="usage">
      <div class="section-head">
        <h2 id="usage">Usage</h2>
        <span class="soft">24 hours</span>
      </div>
      {error === null || report !== null ? null : <Problem error={error} />}
      {report === null ? null : report.points.length === 0 ? (
        <p class="empty">No figures yet.</p>
      ) : (
        <div class="usage-charts">
          <UsageChart report={report} measure="memory" />
          <UsageChart report={report} measure="cpu" />
        </div>
      )}
    </section>
  );
}

const refreshMs = 60_000;

/** Asked again once a minute while the page is looked at. */
function useUsage({ service, component }: Key) {
  const { api } = useScene();
  const loaded = useLoaded((signal) => api.usage({ service, component }, signal), [service, component]);
  const { reload } = loaded;
  useEffect(() => {
    let askedAtMs = performance.now();
    const refresh = (): void => {
      if (document.hidden || performance.now() - askedAtMs < refreshMs) return;
      askedAtMs = performance.now();
      reload();
    };
    // Whoever comes back does not wait for the next minute.
    document.addEventListener('visibilitychange', refresh);
    const timer = setInterval(refresh, refreshMs / 4);
    return () => {
      document.removeEventListener('visibilitychange', refresh);
      clearInterval(timer);
    };
  }, [service, component]);
  return loaded;
}

const titles: Readonly<Record<Measure, string>> = { memory: 'Memory', cpu: 'Processor, of one core' };

interface Props {
  readonly report: UsageReport;
  readonly measure: Measure;
}

function UsageChart({ report, measure }: Props) {
  const { now, board } = useScene();
  // Drawn as of when the figures came.
  const chart = useMemo(() => chartOf(report, measure, now.get() + board.skewMs), [report]);
  const [shownMs, show] = useState<number | null>(null);
  const title = titles[measure];
  const words = wordsOf(chart, report);
  const onPointer = (event: PointerEvent): void => {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
    show(stepAt(chart, (event.clientX - left) / width));
  };
  const onKey = (event: KeyboardEvent): void => {
    const step = event.key === 'Escape' ? null : stepByKey(chart, shownMs, event.key);
    if (step === null && event.key !== 'Escape') return;
    event.preventDefault();
    show(step);
  };
  const hide = (): void => {
    show(null);
  };
  return (
    <figure class="usage">
      <figcaption>
        <strong>{title}</strong> <span>{shownMs === null ? words : wordsAt(chart, shownMs)}</span>
      </figcaption>
      <div class="usage-plot">
        <svg
          viewBox={`0 0 ${plot.width} ${plot.height}`}
          preserveAspectRatio="none"
          role="slider"
          aria-label={`${title}: ${words}`}
          aria-valuemin={chart.fromMs}
          aria-valuemax={chart.toMs - chart.stepMs}
          aria-valuenow={shownMs ?? chart.marks.at(-1)?.fromMs ?? chart.fromMs}
          aria-valuetext={shownMs === null ? words : wordsAt(chart, shownMs)}
          tabindex={0}
          onPointerMove={onPointer}
          onPointerDown={onPointer}
          onPointerLeave={hide}
          onKeyDown={onKey}
          onBlur={hide}
        >
          <Lines chart={chart} shownMs={shownMs} />
        </svg>
        <Scale chart={chart} />
      </div>
      <div class="usage-times soft" aria-hidden="true">
        {ticksOf(chart).map(({ atMs, x }) => (
          <span key={atMs} style={{ left: `${x / 10}%` }}>
            {timeOfDay(atMs)}
          </span>
        ))}
      </div>
    </figure>
  );
}

function Lines({ chart, shownMs }: { readonly chart: Chart; readonly shownMs: number | null }) {
  const middle = shownMs === null ? 0 : xOf(shownMs + chart.stepMs / 2, chart);
  return (
    <>
      {ticksOf(chart).map(({ atMs, x }) => (
        <path key={atMs} class="u-grid" d={`M${x} 0V${plot.height}`} />
      ))}
      <path class="u-surface" d={chart.surface} />
      {chart.peaks === '' ? null : <path class="u-peaks" d={chart.peaks} />}
      <path class="u-mean" d={chart.mean} />
      {chart.limit === null ? null : <path class="u-limit" d={`M0 ${yOf(chart.limit, chart)}H${plot.width}`} />}
      {shownMs === null ? null : <path class="u-shown" d={`M${middle} 0V${plot.height}`} />}
    </>
  );
}

/** What the upper edge, or the limit, stands for; the lower one is nothing. */
function Scale({ chart }: { readonly chart: Chart }) {
  const { limit, top, measure } = chart;
  return (
    <span class="usage-scale" aria-hidden="true">
      {limit === null ? figure(top, measure) : `limit ${mebibytes(limit)}`}
    </span>
  );
}
