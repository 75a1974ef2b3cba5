/** What runs out: disks, memory, certificates, backups, patience; and what the node lacks, as `berth doctor` tells it. */
import { useEffect, useState } from 'preact/hooks';
import type { DoctorCheck } from '../../../api/views.js';
import { areaInWords, runningOut } from '../../model/outlook.js';
import { standingOf } from '../../model/standing.js';
import { ComponentLink, Problem, Words } from '../parts.js';
import { useScene } from '../scene.js';
import { useCell, useLoaded, useRested } from '../use.js';

const shownAtOnce = 8;
/** Several edits that come together are asked about once. */
const editRestMs = 300;

export function WatchOut() {
  const { api, board } = useScene();
  const edited = useRested(useCell(board.edit)?.revision ?? 0, editRestMs);
  const { value: report, error } = useLoaded((signal) => api.outlook(signal), [useMinute(), edited]);
  useCell(board.changes);
  if (report === null) return error === null ? null : <Problem error={error} />;
  const lines = runningOut(report.checks, (name) => isBroken(board.row(name).get()));
  return (
    <section aria-labelledby="runs-out">
      <div class="section-head">
        <h2 id="runs-out">What runs out</h2>
        {lines.length === 0 ? null : <span class={`pill ${pillOf(lines)}`}>{lines.length}</span>}
      </div>
      {lines.length === 0 ? <p class="soft">Nothing that Berth knows of.</p> : <Lines lines={lines} />}
      <Lacks told={report.checks} />
    </section>
  );
}

function Lines({ lines }: { readonly lines: readonly DoctorCheck[] }) {
  return (
    <>
      <ul class="outlook">
        {lines.slice(0, shownAtOnce).map((check) => (
          <Line key={`${check.area} ${check.name}`} check={check} />
        ))}
      </ul>
      {lines.length > shownAtOnce ? (
        <p class="soft">{lines.length - shownAtOnce} more are told by: berth doctor</p>
      ) : null}
    </>
  );
}

function Line({ check }: { readonly check: DoctorCheck }) {
  const { board } = useScene();
  const view = board.row(check.name).get();
  return (
    <li>
      <strong class={check.level === 'error' ? 'tone-bad' : 'tone-warn'}>{areaInWords(check.area)}</strong>{' '}
      {view === undefined ? (
        <span class="mono">{check.name}</span>
      ) : (
        <ComponentLink service={view.service} component={view.component} />
      )}{' '}
      <Words of={check.detail} /> {check.remedy === null ? null : <span class="soft">{check.remedy}</span>}
    </li>
  );
}

/** What the runtimes say that they lack. They are asked for it once: it takes a while, and seldom changes. */
function Lacks({ told }: { readonly told: readonly DoctorCheck[] }) {
  const { api } = useScene();
  const { value: report } = useLoaded((signal) => api.doctor(signal), []);
  const areas = new Set([...told.map(({ area }) => area), 'holds', 'tries', 'certificates', 'backups']);
  const checks = runningOut((report?.checks ?? []).filter(({ area }) => !areas.has(area)));
  if (checks.length === 0) return null;
  return (
    <details class="watch-out">
      <summary>
        What this node lacks <span class="pill warn">{checks.length}</span>
      </summary>
      <ul class="outlook">
        {checks.map((check) => (
          <Line key={`${check.area} ${check.name}`} check={check} />
        ))}
      </ul>
    </details>
  );
}

function isBroken(view: Parameters<typeof standingOf>[0] | undefined): boolean {
  return view !== undefined && standingOf(view) === 'broken';
}

function pillOf(lines: readonly DoctorCheck[]): string {
  return lines[0]?.level === 'error' ? 'bad' : 'warn';
}

const minuteMs = 60_000;

/** Rises each minute while the page is looked at, and when it is looked at again. */
function useMinute(): number {
  const [round, setRound] = useState(0);
  useEffect(() => {
    const tick = (): void => {
      if (!document.hidden) setRound((count) => count + 1);
    };
    const timer = setInterval(tick, minuteMs);
    document.addEventListener('visibilitychange', tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', tick);
    };
  }, []);
  return round;
}
