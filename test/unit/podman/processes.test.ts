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

describe('what is left of a container', () => {
  const id = '4f'.repeat(32);
  const signal = new AbortController().signal;

  /** Pid 42 as the container's, with these files beside its stat. */
  async function seen(files: Readonly<Record<string, string>>) {
    const [host, clock] = [createFakeHost({ '/proc/42/stat': stat(42, '777'), ...files }), createVirtualClock()];
    const watch = new ProcessWatch(host, clock);
    expect(watch.processOf(id)).toBeUndefined();
    await watch.isGone(id, 42);
    const process = watch.processOf(id);
    expect(process).toEqual({ pid: 42, startTicks: '777' });
    return { host, clock, watch, process };
  }

  it.each([
    ['its control groups', { '/proc/42/cgroup': `4:memory:/libpod_parent/libpod-${id}\n` }],
    [
      'its conmon',
      {
        '/proc/42/status': 'Name:\tsh\nPid:\t42\nPPid:\t41\n',
        '/proc/41/cmdline': `conmon\0-c\0${id}\0`,
        '/proc/42/cgroup': '0::/user.slice\n',
      },
    ],
  ])('is killed until it is gone, proven by %s', async (_by, files) => {
    const { host, clock, watch, process } = await seen(files);
    const ending = watch.end(id, process, signal);
    await clock.advance(25);
    expect(host.signals.length).toBeGreaterThan(1);
    expect(host.signals.every(([pid, name]) => pid === 42 && name === 'SIGKILL')).toBe(true);
    host.files.delete('/proc/42/stat');
    await clock.advance(25);
    await ending;
  });

  it('is left alone when its number is another’s by now, or of another host’s', async () => {
    const group = { '/proc/42/cgroup': `0::/libpod-${id}.scope\n` };
    const later = await seen(group);
    later.host.files.set('/proc/42/stat', stat(42, '9999'));
    await later.watch.end(id, later.process, signal);
    const elsewhere = await seen({ '/proc/42/cgroup': '0::/system.slice/sshd.service\n' });
    await elsewhere.watch.end(id, elsewhere.process, signal);
    const other = await seen({
      '/proc/42/status': 'PPid:\t41\n',
      '/proc/41/cmdline': `conmon\0-c\0${'5e'.repeat(32)}\0`,
    });
    await other.watch.end(id, other.process, signal);
    await other.watch.end(id, undefined, signal);
    expect([...later.host.signals, ...elsewhere.host.signals, ...other.host.signals]).toEqual([]);
  });

  it('is not waited for for ever', async () => {
    const { host, clock, watch, process } = await seen({ '/proc/42/cgroup': `0::/libpod-${id}.scope\n` });
    const ending = watch.end(id, process, signal);
    await clock.advance(2_100);
    await ending;
    const told = host.signals.length;
    await clock.advance(5_000);
    expect(host.signals.length).toBe(told);
  });

  it('is remembered for as long as there is the container', async () => {
    const { watch, process } = await seen({});
    await watch.keepOnly(new Set([id]));
    expect(watch.processOf(id)).toEqual(process);
    await watch.keepOnly(new Set(['other']));
    expect(watch.processOf(id)).toBeUndefined();
  });

  it('is remembered while it runs on without its container, if it is of this home and proven to be it', async () => {
    const [host, clock] = [createFakeHost({ '/proc/42/stat': stat(42, '777') }), createVirtualClock()];
    host.files.set('/proc/42/cgroup', `0::/libpod-${id}.scope\n`);
    const watch = new ProcessWatch(host, clock);
    await watch.isGone(id, 42, 'shop/web');
    await watch.isGone('5e'.repeat(32), 43, 'shop/web');
    await watch.keepOnly(new Set());
    expect(await watch.running('shop/web')).toEqual([id]);
    expect(await watch.running('shop/db')).toEqual([]);
    host.files.set('/proc/42/stat', stat(42, '9999'));
    expect(await watch.running('shop/web')).toEqual([]);
    await watch.keepOnly(new Set());
    expect(watch.processOf(id)).toBeUndefined();
    // Of a stranger's nothing is kept.
    host.files.set('/proc/42/stat', stat(42, '777'));
    await watch.isGone(id, 42, null);
    await watch.keepOnly(new Set());
    expect(watch.processOf(id)).toBeUndefined();
  });
});
