/** Drift in a component: how it is worded, since when, and when Berth stops fighting it. Pure. */
import type { NewEvent } from '../../src/core/event.js';
import type { Drift, HealTimes } from '../../src/core/status.js';
import type { FieldDifference } from '../../src/core/workload-diff.js';
import type { Scene } from './scene.js';
import type { DriftFinding, Verdict } from './types.js';

/** Findings for differences of fields, all with one evidence and one action. */
export function findingsOf(
  differences: readonly FieldDifference[],
  evidence: string,
  action: string,
): readonly DriftFinding[] {
  return differences.map(({ field, desired, observed, fromFile }) => ({
    field,
    desired,
    observed,
    evidence: fromFile ? 'the env or secret file changed after the workload was made' : evidence,
    action: fromFile ? 'applied at the next restart' : action,
  }));
}

/** Adds to each finding since when it stands: kept from before while it says the same. */
export function stampDrift(
  findings: readonly DriftFinding[],
  before: readonly Drift[],
  nowMs: number,
): readonly Drift[] {
  return findings.map(({ sinceMs, ...finding }) => {
    const known = before.find((item) => item.field === finding.field);
    const same = known?.observed === finding.observed && known.desired === finding.desired;
    return { ...finding, sinceMs: same ? known.sinceMs : Math.min(sinceMs ?? nowMs, nowMs) };
  });
}

/** Events for drift that came and drift that went. */
export function driftEvents(scene: Scene, before: readonly Drift[], after: readonly Drift[]): readonly NewEvent[] {
  const { key } = scene.world.record;
  const known = (list: readonly Drift[], item: Drift): Drift | undefined =>
    list.find((other) => other.field === item.field);
  const events: NewEvent[] = [];
  for (const item of after) {
    const old = known(before, item);
    if (old?.observed === item.observed && old.desired === item.desired) continue;
    events.push({
      ...key,
      severity: 'warning',
      reason: 'DriftDetected',
      message: `${item.field}: desired ${item.desired}, observed ${item.observed} (${item.evidence}); ${item.action}`,
      data: { ...item },
    });
  }
  for (const item of before) {
    if (known(after, item)) continue;
    const message = `${item.field} is as desired again: ${item.desired}`;
    events.push({
      ...key,
      severity: 'info',
      reason: 'DriftHealed',
      message,
      data: { field: item.field, sinceMs: item.sinceMs },
    });
  }
  return events;
}

/** What was put back within the window, without what is older. */
function recentHeals(scene: Scene, field: string): readonly number[] {
  const { nowMs, settings } = scene.world;
  return (scene.status.heals[field] ?? []).filter((atMs) => atMs > nowMs - settings.contestWindowMs);
}

/**
 * A verdict that mends drift of `field`, unless it was mended too often already: then Berth stops
 * fighting and says what it saw of the contender.
 */
export function mend(scene: Scene, field: string, verdict: Verdict): Verdict {
  const { nowMs, settings, lastRuntimeEvent } = scene.world;
  const recent = recentHeals(scene, field);
  if (recent.length >= settings.healsBeforeContest) {
    const minutes = Math.round(settings.contestWindowMs / 60_000);
    const saw = lastRuntimeEvent ?? 'no event of the runtime tells who';
    return {
      verb: 'CONTEST',
      reason: 'Contested',
      message: `${field} was put back ${String(recent.length)} times in ${String(minutes)} min and changed again; Berth stops fighting until you edit or restart it. Last seen: ${saw}`,
      drift: (verdict.drift ?? []).map((item) => ({
        ...item,
        action: 'contested: left alone until you edit or restart it',
      })),
    };
  }
  const heals: HealTimes = { ...scene.status.heals, [field]: [...recent, nowMs] };
  return { ...verdict, patch: { ...verdict.patch, heals } };
}

/** A tag that names another image than the pinned one: reported, not followed. */
export function movedTag(scene: Scene): readonly DriftFinding[] {
  const { imageNow } = scene.world;
  const { effective } = scene;
  if (imageNow === undefined || effective.holding || effective.digest === null || imageNow === effective.digest)
    return [];
  return [
    {
      field: 'image',
      desired: imageNow,
      observed: effective.digest,
      evidence: `${effective.spec.image} now names another image`,
      action: 'reported; apply again to follow the tag, or set update = "auto"',
    },
  ];
}
