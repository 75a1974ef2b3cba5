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

  it('keeps what was told of each service, though more is told before anybody looks', () => {
    const board = boardOf('shop/web');
    const edit = { entity: 'service', op: 'insert', service: 'shop', component: null, actor: 'cli:ann' } as const;
    board.take({ name: 'changed', data: { ...edit, revision: 8 } }, 1);
    board.take({ name: 'changed', data: { ...edit, entity: 'component', component: 'web', revision: 9 } }, 1);
    board.take({ name: 'changed', data: { ...edit, entity: 'component', service: 'mail', revision: 10 } }, 1);
    expect(board.services.get()).toBe(8);
    expect(board.editOf('shop')).toMatchObject({ revision: 9, actor: 'cli:ann' });
    expect(board.editOf('blog')).toBeUndefined();
    expect(board.edit.get()?.service).toBe('mail');
  });

  it('counts how often all was told anew, and not when a watch was resumed', () => {
    const board = boardOf('shop/web');
    expect(board.snapshots.get()).toBe(1);
    board.take(synced, 1);
    expect(board.snapshots.get()).toBe(1);
    board.beginSnapshot();
    expect(board.snapshots.get()).toBe(1);
    board.take(synced, 2);
    expect(board.snapshots.get()).toBe(2);
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

  it('tells whoever follows of each event', () => {
    const board = new Board();
    const seen: (number | undefined)[] = [];
    board.heard.follow(() => seen.push(board.heard.get()?.revision));
    for (const revision of [5, 6, 7]) board.take({ name: 'event', data: eventOf(revision) }, 0);
    expect(seen).toEqual([5, 6, 7]);
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
