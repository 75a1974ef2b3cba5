import { describe, expect, it } from 'vitest';
import type { WatchMessage } from '../../../src/api/http/contract.js';
import { Board } from '../../../src/dashboard/model/board.js';
import { eventOf, viewOf } from './views.js';

const told = (name: string, more = {}): WatchMessage => ({
  name: 'component',
  data: { revision: 1, component: viewOf(name, more) },
});
const synced: WatchMessage = { name: 'synced', data: { revision: 1, now: '1970-01-01T00:00:05.000Z' } };

function boardOf(...names: readonly string[]): Board {
  const board = new Board();
  board.beginSnapshot();
  for (const name of names) board.take(told(name), 0);
  board.take(synced, 0);
  return board;
}

describe('the board', () => {
  it('tells the followers of one row, and of no other', () => {
    const board = boardOf('shop/web', 'shop/db');
    const seen: string[] = [];
    board.row('shop/web').follow(() => seen.push('web'));
    board.row('shop/db').follow(() => seen.push('db'));
    board.take(told('shop/web', { phase: 'failed' }), 1);
    expect(seen).toEqual(['web']);
    expect(board.row('shop/web').get()?.phase).toBe('failed');
  });

  it('is ready when all of the present was told', () => {
    const board = new Board();
    board.beginSnapshot();
    board.take(told('shop/web'), 0);
    expect(board.ready.get()).toBe(false);
    board.take(synced, 0);
    expect(board.ready.get()).toBe(true);
  });

  it('forgets what a new snapshot does not tell, and only at its end', () => {
    const board = boardOf('shop/web', 'shop/db');
    board.beginSnapshot();
    board.take(told('shop/web'), 1);
    expect(board.size()).toBe(2);
    board.take(synced, 1);
    expect([...board.views()].map(({ component }) => component)).toEqual(['web']);
    expect(board.row('shop/db').get()).toBeUndefined();
  });

  it('keeps everything when a watch was resumed', () => {
    const board = boardOf('shop/web', 'shop/db');
    board.take(synced, 1);
    expect(board.size()).toBe(2);
  });

  it('takes out what is gone', () => {
    const board = boardOf('shop/web');
    board.take({ name: 'gone', data: { revision: 2, service: 'shop', component: 'web' } }, 1);
    expect(board.size()).toBe(0);
  });

  it('tells when a definition changed, and after a new snapshot that it may have', () => {
    const board = boardOf('shop/web');
    const seen: number[] = [];
    board.definition('shop').follow(() => seen.push(board.definition('shop').get()));
    const edit = { entity: 'component', op: 'update', service: 'shop', component: 'web', actor: 'sql' } as const;
    board.take({ name: 'changed', data: { ...edit, revision: 8 } }, 1);
    board.take({ name: 'changed', data: { ...edit, service: 'mail', revision: 9 } }, 1);
    board.beginSnapshot();
    board.take({ ...synced, data: { ...synced.data, revision: 12 } }, 2);
    expect(seen).toEqual([8, 12]);
  });

  it('remembers the phases that it saw', () => {
    const board = boardOf('shop/web');
    board.take(told('shop/web', { restarts: 1 }), 1);
    board.take(told('shop/web', { phase: 'backoff' }), 2);
    expect(board.trail('shop/web')).toEqual([
      { phase: 'running', atMs: 0 },
      { phase: 'backoff', atMs: 2 },
    ]);
  });

  it('counts each event once, in order, however it came', () => {
    const board = new Board();
    board.take({ name: 'event', data: eventOf(7) }, 0);
    board.addEvents([eventOf(5), eventOf(7), eventOf(6)]);
    board.take({ name: 'event', data: eventOf(6) }, 0);
    expect(board.events.get().map(({ revision }) => revision)).toEqual([5, 6, 7]);
  });

  it('keeps the newest thousand events', () => {
    const board = new Board();
    for (let revision = 0; revision < 1_200; revision += 1) board.addEvents([eventOf(revision)]);
    expect(board.events.get()).toHaveLength(1_000);
    expect(board.events.get().at(-1)?.revision).toBe(1_199);
  });

  it('tells the age of an observation by the clock of the agent', () => {
    const board = boardOf('shop/web');
    const beat = { now: '1970-01-01T00:01:00.000Z', revision: 1 };
    const driver = { name: 'podman', lastGoodAt: '1970-01-01T00:00:58.000Z', error: null };
    board.take({ name: 'beat', data: { ...beat, drivers: [driver] } }, 5_000);
    expect(board.ageMs(viewOf('shop/web'), 6_000)).toBe(3_000);
    board.take({ name: 'beat', data: { ...beat, drivers: [{ ...driver, lastGoodAt: null }] } }, 5_000);
    expect(board.ageMs(viewOf('shop/web'), 6_000)).toBeNull();
  });

  it('says when it is not heard, and since when', () => {
    const board = boardOf('shop/web');
    board.take(told('shop/web'), 40);
    board.lose();
    expect(board.link.get()).toEqual({ state: 'stale', heardAtMs: 40 });
  });
});
