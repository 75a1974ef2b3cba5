import { beforeEach, describe, expect, it } from 'vitest';
import type { WatchMessage } from '../../../src/api/http/contract.js';
import { Board } from '../../../src/dashboard/model/board.js';
import { Watcher, type StreamListener, type WatcherPorts } from '../../../src/dashboard/model/watcher.js';
import { viewOf } from './views.js';

/** A world in which time passes when it is told to. */
class World implements WatcherPorts {
  nowMs = 0;
  /** null: a plain request waits for ever. */
  answer: 'answers' | 'refused' | 'silent' | null = 'silent';
  logins = 0;
  readonly opened: { readonly after: string | null; readonly listener: StreamListener; closed: boolean }[] = [];
  #timers: { readonly atMs: number; readonly then: () => void }[] = [];

  open(after: string | null, listener: StreamListener) {
    const stream = { after, listener, closed: false };
    this.opened.push(stream);
    return { close: () => void (stream.closed = true) };
  }

  async probe(signal: AbortSignal) {
    if (this.answer !== null) return this.answer;
    return new Promise<'silent'>((resolve) => {
      signal.addEventListener('abort', () => {
        resolve('silent');
      });
    });
  }

  login(): void {
    this.logins += 1;
  }

  now(): number {
    return this.nowMs;
  }

  after(delayMs: number, then: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, then };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  chance(): number {
    return 1;
  }

  /** Lets time pass up to the next timer; answers how long that took. */
  async next(): Promise<number> {
    const [timer] = [...this.#timers].sort((a, b) => a.atMs - b.atMs);
    if (timer === undefined) throw new Error('nothing waits for the time');
    this.#timers = this.#timers.filter((other) => other !== timer);
    const passedMs = timer.atMs - this.nowMs;
    this.nowMs = timer.atMs;
    timer.then();
    await settle();
    return passedMs;
  }

  last() {
    return this.opened.at(-1)!;
  }

  tell(message: WatchMessage, id: string): void {
    this.last().listener.onMessage(message, id);
  }

  async end(): Promise<void> {
    this.last().listener.onEnd();
    await settle();
  }
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
};

const component = (name: string): WatchMessage => ({
  name: 'component',
  data: { revision: 3, component: viewOf(name) },
});
const synced: WatchMessage = { name: 'synced', data: { revision: 5, now: '1970-01-01T00:00:00.000Z' } };

describe('the watcher', () => {
  let world = new World();
  let board = new Board();
  let watcher = new Watcher(board, world);

  beforeEach(() => {
    world = new World();
    board = new Board();
    watcher = new Watcher(board, world);
    watcher.start();
  });

  it('resumes where it was after a loss, and says meanwhile that it is stale', async () => {
    world.tell(component('shop/web'), 'e:3');
    world.tell(synced, 'e:5');
    await world.end();
    expect(board.link.get().state).toBe('stale');
    expect(await world.next()).toBe(250);
    expect(world.last().after).toBe('e:5');
    expect(world.opened[0]?.closed).toBe(true);
  });

  it('begins anew when it was lost in the midst of the snapshot', async () => {
    world.tell(component('shop/web'), 'e:3');
    await world.end();
    await world.next();
    expect(world.last().after).toBeNull();
  });

  it('begins anew when the place to resume is refused by an agent that answers', async () => {
    world.tell(synced, 'e:5');
    await world.end();
    await world.next();
    world.answer = 'answers';
    await world.end();
    await world.next();
    expect(world.last().after).toBeNull();
  });

  it('keeps its place while the agent is silent, and waits longer each time, up to 5 s', async () => {
    world.tell(synced, 'e:5');
    const waits: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      await world.end();
      waits.push(await world.next());
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
    expect(world.last().after).toBe('e:5');
  });

  it('leads to the login when it is refused', async () => {
    world.answer = 'refused';
    await world.end();
    expect(world.logins).toBe(1);
  });

  it('takes 15 s of silence for a loss', async () => {
    world.tell(synced, 'e:5');
    expect(await world.next()).toBe(15_000);
    expect(board.link.get().state).toBe('stale');
    expect(world.opened[0]?.closed).toBe(true);
  });

  it('does not listen to a stream that it has given up', async () => {
    world.tell(synced, 'e:5');
    const old = world.last();
    await world.end();
    await world.next();
    old.listener.onMessage(component('shop/late'), 'e:9');
    expect(board.size()).toBe(0);
  });

  it('tries at once when it is asked to hurry, and not twice', async () => {
    world.tell(synced, 'e:5');
    watcher.hurry();
    expect(world.opened).toHaveLength(1);
    await world.end();
    watcher.hurry();
    watcher.hurry();
    expect(world.opened).toHaveLength(2);
  });

  it('gives up a plain request after 10 s, and tries again', async () => {
    world.answer = null;
    await world.end();
    expect(await world.next()).toBe(10_000);
    expect(await world.next()).toBe(250);
    expect(world.opened).toHaveLength(2);
  });

  it('does not heed a plain request that was overtaken', async () => {
    world.answer = null;
    await world.end();
    watcher.hurry();
    await settle();
    expect(world.opened).toHaveLength(2);
    expect(await world.next()).toBe(15_000);
  });

  it('holds no connection while it sleeps, tries nothing, and goes on where it was', async () => {
    world.tell(synced, 'e:5');
    watcher.sleep();
    expect(world.last().closed).toBe(true);
    expect(board.link.get()).toEqual({ state: 'connecting', heardAtMs: 0 });
    await expect(world.next()).rejects.toThrow('nothing waits');
    watcher.hurry();
    await world.end();
    expect(world.opened).toHaveLength(1);
    watcher.wake();
    expect(world.last().after).toBe('e:5');
    world.tell(component('shop/web'), 'e:6');
    expect(board.link.get().state).toBe('live');
  });

  it('sleeps though it was about to try again', async () => {
    world.answer = null;
    await world.end();
    watcher.sleep();
    await settle();
    await expect(world.next()).rejects.toThrow('nothing waits');
    watcher.wake();
    watcher.wake();
    expect(world.opened).toHaveLength(2);
  });

  it('stays closed', async () => {
    watcher.close();
    await world.end();
    expect(world.opened).toHaveLength(1);
    expect(world.last().closed).toBe(true);
  });
});
