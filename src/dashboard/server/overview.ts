/**
 * The overview as a whole HTML document that needs no JavaScript: what is there before the app has loaded, and all there
 * is without it. The app takes over what stands in `#app`. Pure.
 */
import type { ComponentView, DoctorCheck, StatusReport } from '../../api/views.js';
import { count, duration } from '../model/format.js';
import { countStandings, keyOf, standingOf, standings, standingWords, toneOf, urgency } from '../model/standing.js';
import { areaInWords, runningOut } from '../model/outlook.js';
import { escapeHtml } from './escape.js';

/** What the document says beside the status. */
export interface OverviewFacts {
  /** Of Berth. */
  readonly version: string;
  /** What the home is called. */
  readonly home: string;
  /** Addresses of the app; empty: it was not built, and the table is all there is. */
  readonly scripts: readonly string[];
  readonly styles: readonly string[];
  /** Address of the icon; null: none. */
  readonly icon: string | null;
}

/** No more rows than a page can hold; the app shows all of them. */
const rowsShown = 2_000;

/** `outlook`: what runs out, as far as it is known. */
export function renderOverview(
  report: StatusReport,
  facts: OverviewFacts,
  outlook: readonly DoctorCheck[] = [],
): string {
  const title = `Berth – ${facts.home}`;
  const rows = [...report.components].sort((a, b) => urgency(a) - urgency(b) || (keyOf(a) < keyOf(b) ? -1 : 1));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="berth-version" content="${escapeHtml(facts.version)}">
<meta name="berth-home" content="${escapeHtml(facts.home)}">
<title>${escapeHtml(title)}</title>
${facts.styles.map((path) => `<link rel="stylesheet" href="${escapeHtml(path)}">\n`).join('')}${
    facts.icon === null ? '' : `<link rel="icon" href="${escapeHtml(facts.icon)}" type="image/svg+xml">\n`
  }${facts.scripts.map((path) => `<script type="module" src="${escapeHtml(path)}"></script>\n`).join('')}</head>
<body>
<div id="app">
<header class="bar"><a class="brand" href="/">Berth <span class="soft">${escapeHtml(facts.home)}</span></a>
<div class="bar-end"><span class="live connecting">as of revision ${report.revision}</span></div></header>
<main class="page" id="main">
<div class="page-head"><h1>Overview</h1><p class="soft">${escapeHtml(summary(report))}</p></div>
${runsOut(outlook)}<section>
${table(rows.slice(0, rowsShown))}
${rows.length > rowsShown ? `<p class="soft">${count(rows.length - rowsShown, 'more component')}: berth status shows all.</p>\n` : ''}</section>
<noscript><p class="soft">Reload to see what changed since: this page shows it by itself with JavaScript.</p></noscript>
</main>
</div>
</body>
</html>
`;
}

/** One line: how many stand how, and whether an agent serves. */
function summary(report: StatusReport): string {
  const counts = countStandings(report.components);
  const parts = standings
    .filter((standing) => counts[standing] > 0)
    .map((standing) => `${counts[standing]} ${standingWords[standing].toLowerCase()}`);
  const agent = report.agent === null ? 'no agent serves this home: nothing converges' : '';
  return [count(report.components.length, 'component'), ...parts, agent].filter((part) => part !== '').join(' · ');
}

function runsOut(outlook: readonly DoctorCheck[]): string {
  const lines = runningOut(outlook);
  if (lines.length === 0) return '';
  return `<section aria-labelledby="runs-out">
<h2 id="runs-out">What runs out</h2>
<ul class="outlook">
${lines.map(line).join('\n')}
</ul>
</section>
`;
}

function line({ area, name, level, detail, remedy }: DoctorCheck): string {
  const tone = level === 'error' ? 'bad' : 'warn';
  const next = remedy === null ? '' : ` <span class="soft">${escapeHtml(remedy)}</span>`;
  const what = `<strong class="tone-${tone}">${escapeHtml(areaInWords(area))}</strong> <span class="mono">${escapeHtml(name)}</span>`;
  return `<li>${what} ${escapeHtml(detail)}${next}</li>`;
}

function table(views: readonly ComponentView[]): string {
  if (views.length === 0) return '<p class="empty">There is no component yet. Apply a definition to begin.</p>';
  const heads = [
    ['name', 'Component'],
    ['phase', 'Phase'],
    ['desired', 'Desired'],
    ['observed', 'Observed'],
    ['runtime', 'Runtime'],
    ['age', 'Seen'],
    ['restarts', 'Restarts'],
    ['drift', 'Drift'],
    ['message', 'Why'],
  ];
  return `<table class="rows"><thead><tr>${heads
    .map(([name = '', words = '']) => `<th scope="col" class="c-${name}">${words}</th>`)
    .join('')}</tr></thead>
<tbody>
${views.map(row).join('\n')}
</tbody></table>`;
}

function row(view: ComponentView): string {
  const age = view.observedAgeMs === null ? 'never' : `${duration(view.observedAgeMs)} ago`;
  const cells: readonly (readonly [string, string])[] = [
    ['phase', `<span class="badge tone-${toneOf(view.phase)}">${escapeHtml(view.phase)}</span>`],
    ['desired', escapeHtml(view.desired)],
    ['observed', escapeHtml(view.observed)],
    ['runtime', escapeHtml(view.runtime)],
    ['age', age],
    ['restarts', String(view.restarts)],
    ['drift', String(view.drift.length)],
    ['message', escapeHtml(view.message)],
  ];
  const name = `<span class="service">${escapeHtml(view.service)}/</span><span class="component">${escapeHtml(view.component)}</span>`;
  return `<tr data-standing="${standingOf(view)}"><td class="c-name">${name}</td>${cells
    .map(([column, html]) => `<td class="c-${column}">${html}</td>`)
    .join('')}</tr>`;
}
