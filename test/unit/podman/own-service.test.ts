/** What a podman service that cannot be started leaves behind: nothing. */
import { expect, it } from 'vitest';
import { OwnService } from '../../../src/runtimes/podman/own-service.js';
import { createVirtualClock } from '../../../src/simulation/virtual-clock.js';
import { createFakeHost, type FakeHost } from './fake-host.js';

const bootId = '/proc/sys/kernel/random/boot_id';
const stat = '42 (podman) S 1 42 42 0 -1 4194560 1 0 0 0 3 4 0 0 20 0 9 0 777 1000 200\n';

/** A host on which a service's socket fits nowhere but under /tmp, and podman becomes process 42. */
function hostWith(change: Partial<FakeHost>, files: Readonly<Record<string, string>> = {}) {
  const host = createFakeHost({ '/usr/bin/podman': '', ...files });
  const made: string[] = [];
  return {
    ...host,
    made,
    makeTemporaryFolder: async (prefix: string) => {
      const path = `${prefix}${String(made.length)}`;
      made.push(path);
      host.files.set(path, '');
      return path;
    },
    startDetached: async (_argv: readonly string[], logPath: string) => {
      host.files.set(logPath, 'podman says why\n');
      return { pid: 42, exited: new Promise<void>(() => undefined) };
    },
    ...change,
  };
}

function start(host: FakeHost, transient: boolean): Promise<unknown> {
  const service = new OwnService({
    ...{ homeId: '11111111-1111-4111-8111-111111111111', stateDir: `/${'d'.repeat(120)}`, host, transient },
    ...{ clock: createVirtualClock(), ociRuntime: async () => null, startDeadlineMs: 1_000 },
  });
  return service.start(
    async () => null,
    () => undefined,
    new AbortController().signal,
  );
}

const full = async (): Promise<never> => {
  throw new Error('no space left on device');
};

it.each([
  ['podman cannot be executed', hostWith({ startDetached: full }), 0],
  ['it ends at once', hostWith({}), 1],
  ['nobody could find it again', hostWith({ writeText: full }, { [bootId]: 'boot', '/proc/42/stat': stat }), 1],
])('no folder and no process is left where %s', async (_why, host, kills) => {
  await expect(start(host, false)).rejects.toThrow();
  await expect(start(host, false)).rejects.toThrow();
  expect(host.made).toHaveLength(2);
  expect(host.made.filter((path) => host.files.has(path))).toEqual([]);
  expect(host.signals).toHaveLength(2 * kills);
});

it('a short-lived one leaves no log either, and its words are told', async () => {
  const host = hostWith({});
  await expect(start(host, true)).rejects.toThrow('podman says why');
  expect([...host.files.keys()]).toEqual(['/usr/bin/podman']);
});
