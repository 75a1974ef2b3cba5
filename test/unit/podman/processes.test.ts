/** Whose process it is that podman names, when nobody tells podman that it ended. */
import { describe, expect, it } from 'vitest';
import { ProcessWatch } from '../../../src/runtimes/podman/processes.js';
import { createVirtualClock } from '../../../src/simulation/virtual-clock.js';
import { createFakeHost } from './fake-host.js';

const stat = (pid: number, ticks: string): string =>
  `${String(pid)} (sh) S 1 42 42 0 -1 4194560 1 0 0 0 3 4 0 0 20 0 9 0 ${ticks} 1000 200\n`;

describe('the process of a container', () => {
  it('is gone when its number is somebody else’s by now', async () => {
    const [host, clock] = [createFakeHost({ '/proc/42/stat': stat(42, '777') }), createVirtualClock()];
    const watch = new ProcessWatch(host, clock);
    expect(await watch.isGone('box', 42)).toBe(false);
    host.files.set('/proc/42/stat', stat(42, '9999'));
    expect(await watch.isGone('box', 42)).toBe(false);
    await clock.advance(3_000);
    expect(await watch.isGone('box', 42)).toBe(true);
  });

  it('is another one after a restart, and there', async () => {
    const [host, clock] = [createFakeHost({ '/proc/42/stat': stat(42, '777') }), createVirtualClock()];
    const watch = new ProcessWatch(host, clock);
    expect(await watch.isGone('box', 42)).toBe(false);
    host.files.set('/proc/43/stat', stat(43, '9999'));
    expect(await watch.isGone('box', 43)).toBe(false);
    await clock.advance(3_000);
    expect(await watch.isGone('box', 43)).toBe(false);
  });
});
