import { describe, expect, it } from 'vitest';
import { BerthError, type ErrorCode } from '../../../src/core/errors.js';
import type { LibpodClient } from '../../../src/runtimes/podman/client.js';
import { Listing } from '../../../src/runtimes/podman/listing.js';
import { ProcessWatch } from '../../../src/runtimes/podman/processes.js';
import { createVirtualClock } from '../../../src/simulation/virtual-clock.js';
import { createFakeHost } from './fake-host.js';

/** A listing over a podman that refuses its first lists of images with these codes. */
function listing(refusals: ErrorCode[]): { readonly list: Listing; readonly asked: () => number } {
  let asked = 0;
  const client: LibpodClient = {
    socket: '/none',
    call: async (_method, path) => {
      if (path !== '/images/json') return { status: 200, json: [] };
      asked += 1;
      const code = refusals.shift();
      if (code) throw new BerthError(code, 'reading image "78c0": image not known');
      return { status: 200, json: [{ Id: 'abc', RepoTags: ['localhost/a:1'] }] };
    },
    stream: async () => {
      throw new BerthError('E_DRIVER_UNREACHABLE', 'no stream here');
    },
    close: async () => undefined,
  };
  const [host, clock] = [createFakeHost(), createVirtualClock()];
  const list = new Listing({
    ...{ driver: 'podman', homeId: 'home', clock, host, processes: new ProcessWatch(host, clock) },
    client: () => client,
    listDeadlineMs: 1_000,
    callDeadlineMs: 1_000,
    refreshPerPass: 1,
  });
  return { list, asked: () => asked };
}

const signal = new AbortController().signal;

describe('a list', () => {
  it('is asked for again when an image goes while podman walks them', async () => {
    const { list, asked } = listing(['E_IMAGE_MISSING', 'E_DRIVER_FAILED']);
    expect((await list.list(signal)).images.get('localhost/a:1')).toBe('sha256:abc');
    expect(asked()).toBe(3);
  });

  it('fails when podman keeps refusing', async () => {
    const { list, asked } = listing(Array.from({ length: 9 }, () => 'E_DRIVER_FAILED' as const));
    await expect(list.list(signal)).rejects.toMatchObject({ code: 'E_DRIVER_FAILED' });
    expect(asked()).toBe(4);
  });

  it('is not asked for again when podman does not answer', async () => {
    const { list, asked } = listing(['E_DRIVER_TIMEOUT']);
    await expect(list.list(signal)).rejects.toMatchObject({ code: 'E_DRIVER_TIMEOUT' });
    expect(asked()).toBe(1);
  });
});
