/** What readers of a watch must have been told, as the registry has it. */
import { expect } from 'vitest';
import { defaultDriverNames, viewComponent } from '../../src/api/status-view.js';
import type { ChangeLogEntry, Registry } from '../../src/core/ports/registry.js';
import type { ComponentView } from '../../src/api/views.js';
import { withoutAge, type WatchFold } from './watch-fold.js';

export interface WatchTruth {
  readonly revision: number;
  readonly components: readonly ComponentView[];
  readonly entries: readonly ChangeLogEntry[];
}

const pageSize = 2_000;

/** All that is, and all that was; of a registry in which nothing changes meanwhile. */
export async function readTruth(registry: Registry): Promise<WatchTruth> {
  const records = await registry.components();
  const context = { nowMs: 0, freshness: [], driverNames: defaultDriverNames };
  const entries: ChangeLogEntry[] = [];
  for (let revision = 0; ;) {
    const page = await registry.feed(revision, pageSize);
    if (page.kind === 'gap') throw new Error('a gap without compaction');
    entries.push(...page.entries);
    revision = page.revision;
    if (page.entries.length < pageSize)
      return { revision, components: records.map((record) => withoutAge(viewComponent(record, context))), entries };
  }
}

/** Fails unless a reader, perhaps of one service alone, knows what is there and was told each event and change once. */
export function expectKnown(fold: WatchFold, service: string | null, truth: WatchTruth): void {
  const concerns = (of: string | null): boolean => service === null || of === service;
  const told = (...entities: readonly ChangeLogEntry['entity'][]): readonly number[] =>
    truth.entries
      .filter(({ entity, revision }) => entities.includes(entity) && revision > fold.begunAt)
      .filter((entry) => concerns(entry.service))
      .map(({ revision }) => revision);
  const shown = truth.components.filter((view) => concerns(view.service));
  expect(fold.problems).toEqual([]);
  expect(fold.synced).toBe(true);
  expect(fold.events).toEqual(told('event'));
  expect(fold.changed).toEqual(told('service', 'component'));
  expect(Object.fromEntries(fold.components)).toEqual(
    Object.fromEntries(shown.map((view) => [`${view.service}/${view.component}`, view])),
  );
}
