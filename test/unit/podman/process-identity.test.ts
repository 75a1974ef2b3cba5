import { describe, expect, it } from 'vitest';
import { identityOf, isSameProcess, readStat, startTicksOf } from '../../../src/runtimes/host/process-identity.js';
import { fitsSocket, placeSocket, systemSockets } from '../../../src/runtimes/podman/sockets.js';
import { createFakeHost } from './fake-host.js';

const stat = (state: string, ticks: string): string =>
  `42 (pod (man) x) ${state} 1 42 42 0 -1 4194560 1 0 0 0 3 4 0 0 20 0 9 0 ${ticks} 1000 200\n`;
const boot = '/proc/sys/kernel/random/boot_id';

describe('the identity of a process', () => {
  it('is read past a name with brackets and blanks', () => {
    expect(readStat(stat('S', '777'))).toEqual({ state: 'S', startTicks: '777' });
    expect(readStat('')).toBeUndefined();
  });

  it('is boot, number and start time', async () => {
    const host = createFakeHost({ [boot]: 'boot-1\n', '/proc/42/stat': stat('S', '777') });
    const identity = await identityOf(host, 42);
    expect(identity).toEqual({ bootId: 'boot-1', pid: 42, startTicks: '777' });
    expect(await isSameProcess(host, identity!)).toBe(true);
    host.files.set('/proc/42/stat', stat('S', '778'));
    expect(await isSameProcess(host, identity!)).toBe(false);
    host.files.set('/proc/42/stat', stat('S', '777'));
    host.files.set(boot, 'boot-2\n');
    expect(await isSameProcess(host, identity!)).toBe(false);
  });

  it('ends with the process, also when nobody has reaped it yet', async () => {
    const host = createFakeHost({ [boot]: 'boot-1\n', '/proc/42/stat': stat('Z', '777') });
    expect(await identityOf(host, 42)).toBeUndefined();
    expect(await startTicksOf(host, 42)).toBeUndefined();
    expect(await startTicksOf(host, 43)).toBeUndefined();
    host.files.set('/proc/42/stat', stat('T', '777'));
    expect(await startTicksOf(host, 42)).toBe('777');
  });
});

describe('sockets', () => {
  it('of the system depend on who asks', () => {
    expect(systemSockets(0, {})).toEqual(['/run/podman/podman.sock']);
    expect(systemSockets(1000, {})).toEqual(['/run/user/1000/podman/podman.sock']);
    expect(systemSockets(1000, { XDG_RUNTIME_DIR: '/x' })).toEqual(['/x/podman/podman.sock']);
  });

  it('of our own stand in the home unless its path is too long', async () => {
    const homeId = '11111111-1111-4111-8111-111111111111';
    expect(await placeSocket(createFakeHost(), '/var/lib/berth/podman', homeId, 'podman')).toEqual({
      socket: '/var/lib/berth/podman/podman.sock',
      folder: null,
    });
    const deep = `/${'d'.repeat(120)}`;
    expect(fitsSocket(deep)).toBe(false);
    const inTemporary = await placeSocket(createFakeHost(), deep, homeId, 'podman');
    expect(inTemporary).toEqual({ socket: '/tmp/berth-abc123/p.sock', folder: '/tmp/berth-abc123' });
    const host = { ...createFakeHost({ '/run/user/7': '' }), env: { XDG_RUNTIME_DIR: '/run/user/7' } };
    expect(await placeSocket(host, deep, homeId, 'podman')).toEqual({
      socket: '/run/user/7/berth-11111111-podman.sock',
      folder: null,
    });
  });
});
