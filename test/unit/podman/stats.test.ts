import { describe, expect, it } from 'vitest';
import { StatsReader } from '../../../src/runtimes/podman/stats.js';

const { signal } = new AbortController();

/** A podman with containers of this home and of others: which run, and which it was asked for. */
function makePodman(ours: readonly string[]) {
  const podman = {
    ours,
    running: [] as readonly string[],
    calls: [] as string[],
    reader: undefined as unknown as StatsReader,
  };
  const answers: Readonly<Record<string, () => unknown>> = {
    '/containers/stats': () => ({
      Error: null,
      Stats: [
        ...podman.running.map((id) => ({ ContainerID: id, MemUsage: 1_024, CPUNano: 2_400_000 })),
        { ContainerID: 'a-that-is-down', MemUsage: 0, CPUNano: 0 },
      ],
    }),
    '/containers/json': () => podman.ours.map((Id) => ({ Id })),
  };
  podman.reader = new StatsReader({
    client: () => ({
      call: (_method, path) => {
        podman.calls.push(path);
        return Promise.resolve({ status: 200, json: answers[path]?.() });
      },
    }),
    callDeadlineMs: 1_000,
    homeId: 'h',
  });
  return podman;
}

describe('stats', () => {
  it('are those of this home', async () => {
    const podman = makePodman(['a', 'b', 'a-that-is-down']);
    podman.running = ['a', 'foreign'];
    expect(await podman.reader.read(signal)).toEqual([{ nativeId: 'a', memoryBytes: 1_024, cpuMs: 2 }]);
  });

  it('take one call, and a list when somebody is new', async () => {
    const podman = makePodman(['a', 'b']);
    podman.running = ['a', 'foreign'];
    await podman.reader.read(signal);
    expect(podman.calls).toEqual(['/containers/stats', '/containers/json']);
    podman.calls.length = 0;
    await podman.reader.read(signal);
    podman.running = ['foreign'];
    expect(await podman.reader.read(signal)).toEqual([]);
    expect(podman.calls).toEqual(['/containers/stats', '/containers/stats']);
    podman.running = ['foreign', 'b'];
    expect((await podman.reader.read(signal)).map(({ nativeId }) => nativeId)).toEqual(['b']);
    expect(podman.calls).toHaveLength(4);
  });

  it('of nothing need no list', async () => {
    const podman = makePodman([]);
    expect(await podman.reader.read(signal)).toEqual([]);
    expect(podman.calls).toEqual(['/containers/stats']);
  });
});
