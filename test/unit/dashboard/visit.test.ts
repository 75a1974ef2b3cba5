import { beforeEach, describe, expect, it } from 'vitest';
import { readVisit, type Memory } from '../../../src/dashboard/app/visit.js';

/** What a browser keeps for a page. */
function memory(): Memory {
  const kept = new Map<string, string>();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
}

describe('a visit', () => {
  let kept = memory();

  beforeEach(() => {
    kept = memory();
  });

  it('is the first one of a browser that was not here', () => {
    expect(readVisit(kept, 1_000).beforeMs.get()).toBeNull();
  });

  it('knows when the one before ended', () => {
    readVisit(kept, 1_000).markSeen(5_000);
    expect(readVisit(kept, 90_000).beforeMs.get()).toBe(5_000);
  });

  it('goes on when the page is opened again soon', () => {
    readVisit(kept, 1_000).markSeen(5_000);
    expect(readVisit(kept, 60_000).beforeMs.get()).toBeNull();
  });

  it('is the first one each time for a browser that keeps nothing', () => {
    const denied = (): never => {
      throw new Error('denied');
    };
    const visit = readVisit({ getItem: denied, setItem: denied }, 1_000);
    visit.markSeen(2_000);
    expect(visit.beforeMs.get()).toBeNull();
  });
});
