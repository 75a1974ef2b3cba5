/** Whose process a number is, and a stop that nobody waits for any more: by what a made-up /proc says. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MachineHost } from '../../../../src/runtimes/host/machine-host.js';
import { isMachineAlive } from '../../../../src/runtimes/qemu/machine/find.js';
import { stopMachine, type MachineDeps, type StopRequest } from '../../../../src/runtimes/qemu/machine/index.js';
import { realClock } from '../../../support/real-clock.js';

const run = { bootId: 'boot', pid: 4_242, startTicks: '777', uuid: 'token', startedAtMs: 0 };

/** A host of which only /proc can be read. */
function hostOf({ commandLine, state = 'S' }: { commandLine: string | undefined; state?: string }): MachineHost {
  const files: Readonly<Record<string, string | undefined>> = {
    '/proc/sys/kernel/random/boot_id': 'boot\n',
    '/proc/4242/stat': `4242 (qemu) ${state} ${'0 '.repeat(18)}777 0`,
    '/proc/4242/cmdline': commandLine,
  };
  const host: Pick<MachineHost, 'readText'> = { readText: (path) => Promise.resolve(files[path]) };
  return host as MachineHost;
}

describe('isMachineAlive', () => {
  it.each([
    ['its token on the command line', { commandLine: 'qemu\0-uuid\0token\0' }, true],
    ['no command line, for it is just becoming the next program', { commandLine: '' }, true],
    ['another token', { commandLine: 'qemu\0-uuid\0other\0' }, false],
    ['gone between two looks', { commandLine: undefined }, false],
    ['a zombie', { commandLine: '', state: 'Z' }, false],
  ])('%s', async (_, facts, alive) => {
    expect(await isMachineAlive(hostOf(facts), run)).toBe(alive);
  });

  it('is not another process with that number', async () => {
    expect(await isMachineAlive(hostOf({ commandLine: '' }), { ...run, startTicks: '778' })).toBe(false);
  });
});

describe('a stop that is cancelled while QEMU is told to quit', () => {
  const unheard: unknown[] = [];
  const hear = (reason: unknown): void => {
    unheard.push(reason);
  };
  beforeEach(() => {
    unheard.length = 0;
    process.on('unhandledRejection', hear);
  });
  afterEach(() => {
    process.off('unhandledRejection', hear);
  });

  it('fails once, and leaves no failure that nobody hears of', async () => {
    const life = new AbortController();
    const untilCancelled = (): Promise<never> =>
      new Promise((_, reject) => {
        // As a QMP call ends: a turn later than who waits for the machine.
        life.signal.addEventListener('abort', () => setImmediate(reject, new Error('cancelled')), { once: true });
      });
    const session = { ended: new Promise(() => undefined), execute: untilCancelled };
    const deps: MachineDeps = {
      host: hostOf({ commandLine: 'qemu\0-uuid\0token\0' }),
      clock: realClock,
      settings: { qemu: null, startDeadlineMs: 1_000, callDeadlineMs: 1_000 },
    };
    const request = { folder: '/nowhere', run, session, graceMs: 0 } as unknown as StopRequest;
    const stopping = stopMachine(deps, request, life.signal);
    setTimeout(() => {
      life.abort();
    }, 5);
    await expect(stopping).rejects.toMatchObject({ code: 'E_DRIVER_TIMEOUT' });
    // Unheard failures are told after the turn in which they came about.
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => void setImmediate(resolve));
    expect(unheard).toEqual([]);
  });
});
