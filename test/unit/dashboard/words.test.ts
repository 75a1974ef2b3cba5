import { describe, expect, it } from 'vitest';
import type { Plan } from '../../../src/core/plan.js';
import { ago, clock, count, duration, easyTimes, value } from '../../../src/dashboard/model/format.js';
import { planLines } from '../../../src/dashboard/model/plan-words.js';
import { linkTo, readRoute, type Route } from '../../../src/dashboard/model/routes.js';

describe('words for people', () => {
  it('tell a length of time in its largest unit', () => {
    expect([0, 999, 1_000, 61_000, 3_600_000, 90_000_000].map(duration)).toEqual([
      '0 s',
      '0 s',
      '1 s',
      '1 min',
      '1 h',
      '1 d',
    ]);
  });

  it('tell a moment by how far it is', () => {
    const now = Date.parse('2026-01-31T12:00:00Z');
    expect(ago('2026-01-31T11:59:30Z', now)).toBe('30 s ago');
    expect(ago('2026-01-31T12:00:05Z', now)).toBe('in 5 s');
    expect(ago('2026-01-31T12:00:00Z', now)).toBe('now');
    expect(ago(null, now)).toBe('never');
    expect(ago('nonsense', now)).toBe('never');
    expect(clock('nonsense', now)).toBe('nonsense');
    expect(clock('2026-01-31T11:59:30Z', now)).toMatch(/^\d\d:\d\d:\d\d$/);
  });

  it('tell the times within a message by the clock here', () => {
    const now = Date.parse('2026-01-31T12:00:00Z');
    const told = easyTimes('next try at 2026-01-31T12:00:41.014Z, 3 times', now);
    expect(told).toBe(`next try at ${clock('2026-01-31T12:00:41.014Z', now)}, 3 times`);
  });

  it('tell a value in one line', () => {
    expect([null, '', 'x', 3, ['a'], { b: 1 }].map((each) => value(each))).toEqual([
      '–',
      '""',
      'x',
      '3',
      '["a"]',
      '{"b":1}',
    ]);
    expect(value('x'.repeat(50), 10)).toBe(`${'x'.repeat(9)}…`);
    expect([count(1, 'heal'), count(2, 'heal')]).toEqual(['1 heal', '2 heals']);
  });
});

describe('addresses', () => {
  const routes: readonly Route[] = [
    { page: 'overview' },
    { page: 'drift' },
    { page: 'new' },
    { page: 'events', service: null },
    { page: 'events', service: 'shop' },
    { page: 'edit', service: 'a/b c' },
    { page: 'component', service: 'shop', component: 'we%b/x' },
  ];

  it.each(routes)('%j leads there and back', (route) => {
    expect(readRoute(linkTo(route))).toEqual(route);
  });

  it('that are not understood lead to the overview', () => {
    for (const hash of ['', '#main', '#/nowhere', '#/component/shop', '#/component/%ff/']) {
      expect(readRoute(hash)).toEqual({ page: 'overview' });
    }
  });
});

describe('a plan in words', () => {
  const item = { service: 'shop', effect: 'none', differences: [], refreshImage: null, note: null } as const;
  const plan: Plan = {
    services: [{ service: 'shop', source: null, action: 'unchanged', differences: [] }],
    components: [
      { ...item, component: 'same', action: 'unchanged' },
      { ...item, component: 'new', action: 'create', effect: 'create' },
      {
        ...item,
        component: 'web',
        action: 'update',
        effect: 'replace',
        differences: [{ field: 'image', before: 'a:1', after: 'a:2', effect: 'replace' }],
      },
      { ...item, component: 'old', action: 'delete', effect: 'remove' },
      { ...item, component: 'moved', action: 'unchanged', refreshImage: 'moved' },
    ],
    conflicts: [],
    problems: [],
    breaches: [],
    changes: [],
    differs: true,
  };

  it('leaves out what stays', () => {
    expect(planLines(plan).map(({ sign, name }) => `${sign} ${name}`)).toEqual([
      '+ shop/new',
      '~ shop/web',
      '- shop/old',
      '= shop/moved',
    ]);
  });

  it('says what becomes of what runs', () => {
    const web = planLines(plan)[1];
    expect(web?.words).toBe('a new workload takes the place of the old one');
    expect(web?.differences).toEqual([{ field: 'image', before: 'a:1', after: 'a:2' }]);
  });
});
