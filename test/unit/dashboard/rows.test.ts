import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { phases } from '../../../src/core/status.js';
import { arrange, sameOrder, windowOf, type RowFacts, type Sort } from '../../../src/dashboard/model/rows.js';
import { brokenFirst, countDrift, countStandings, keyOf, standingOf } from '../../../src/dashboard/model/standing.js';
import { drift, viewOf } from './views.js';

const facts: RowFacts = {
  nodeOf: (service) => (service === 'shop' ? 'north' : 'local'),
  ageMsOf: (view) => view.observedAgeMs,
};
const all = { text: '', standing: null };
const worstFirst: Sort = { by: 'urgency', descending: false };

const views = [
  viewOf('shop/web'),
  viewOf('shop/db', { runtime: 'microvm', restarts: 3, observedAgeMs: null }),
  viewOf('mail/relay', { phase: 'backoff', message: 'exited with 1' }),
  viewOf('mail/queue', { phase: 'failed' }),
  viewOf('mail/lost', { phase: 'unknown' }),
  viewOf('mail/odd', { drift: [drift] }),
  viewOf('mail/new', { phase: 'creating', observed: 'missing', drift: [] }),
  viewOf('mail/off', { phase: 'stopped', desired: 'stopped', observed: 'stopped' }),
];

describe('rows', () => {
  it('stand worst first, then by name', () => {
    expect(arrange(views, all, worstFirst, facts)).toEqual([
      'mail/queue',
      'mail/relay',
      'mail/lost',
      'mail/odd',
      'mail/new',
      'shop/db',
      'shop/web',
      'mail/off',
    ]);
  });

  it.each([
    ['relay', ['mail/relay']],
    ['EXITED', ['mail/relay']],
    ['runtime:microvm', ['shop/db']],
    ['node:north db', ['shop/db']],
    ['phase:failed', ['mail/queue']],
    ['service:shop phase:failed', []],
    ['unknown-key:x', []],
  ])('are filtered by %s', (text, expected) => {
    expect(arrange(views, { text, standing: null }, worstFirst, facts)).toEqual(expected);
  });

  it('are filtered by how they stand', () => {
    expect(arrange(views, { text: '', standing: 'broken' }, worstFirst, facts)).toEqual(['mail/queue', 'mail/relay']);
  });

  it('sort by a column in both directions, and never lose or double one', () => {
    const columns = ['name', 'phase', 'desired', 'observed', 'runtime', 'node', 'age', 'restarts', 'drift'] as const;
    fc.assert(
      fc.property(fc.constantFrom(...columns), fc.boolean(), fc.shuffledSubarray(views), (by, descending, some) => {
        const order = arrange(some, all, { by, descending }, facts);
        expect([...order].sort()).toEqual(some.map(keyOf).sort());
        // The order does not depend on the order that they came in.
        expect(arrange([...some].reverse(), all, { by, descending }, facts)).toEqual(order);
      }),
    );
    expect(arrange(views, all, { by: 'restarts', descending: true }, facts)[0]).toBe('shop/db');
    expect(arrange(views, all, { by: 'age', descending: true }, facts)[0]).toBe('shop/db');
  });

  it('know when the order is the same', () => {
    expect(sameOrder(['a', 'b'], ['a', 'b'])).toBe(true);
    expect(sameOrder(['a', 'b'], ['b', 'a'])).toBe(false);
    expect(sameOrder(['a'], ['a', 'b'])).toBe(false);
  });

  it('are drawn only where they are in sight, whatever is asked for', () => {
    expect(windowOf({ total: 1_000, rowPx: 30, topPx: -3_000, heightPx: 600, spare: 5 })).toEqual({
      from: 95,
      to: 125,
    });
    fc.assert(
      fc.property(fc.nat(5_000), fc.integer({ min: -200_000, max: 5_000 }), fc.nat(3_000), (total, topPx, heightPx) => {
        const { from, to } = windowOf({ total, rowPx: 33, topPx, heightPx, spare: 20 });
        expect(from).toBeGreaterThanOrEqual(0);
        expect(to).toBeGreaterThanOrEqual(from);
        expect(to).toBeLessThanOrEqual(total);
        expect(to - from).toBeLessThanOrEqual(Math.ceil(heightPx / 33) + 42);
      }),
    );
  });
});

describe('how components stand', () => {
  it('has a place for every phase', () => {
    for (const phase of phases) expect(standingOf(viewOf('a/b', { phase }))).toBeDefined();
  });

  it('is broken when it should run, is gone, and nobody acts', () => {
    const gone = { observed: 'exited', drift: [{ ...drift, field: 'state' }] } as const;
    expect(standingOf(viewOf('a/b', gone))).toBe('broken');
    expect(standingOf(viewOf('a/b', { ...gone, phase: 'starting' }))).toBe('drift');
    expect(standingOf(viewOf('a/b', { ...gone, reason: 'Held' }))).toBe('drift');
    expect(standingOf(viewOf('a/b', { phase: 'completed', observed: 'exited' }))).toBe('resting');
  });

  it('is counted, and what is broken stands first', () => {
    expect(countStandings(views)).toEqual({ broken: 2, unknown: 1, drift: 1, changing: 1, running: 2, resting: 1 });
    expect(countDrift(views)).toBe(2);
    expect(brokenFirst(views).map(keyOf)).toEqual(['mail/queue', 'mail/relay']);
  });
});
