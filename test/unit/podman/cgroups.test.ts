import { describe, expect, it } from 'vitest';
import {
  cgroupLayoutOf,
  cgroupMountsOf,
  limitFoldersOf,
  memoryMbOf,
  readLimits,
  vcpusOf,
} from '../../../src/runtimes/podman/cgroups.js';

const hybrid = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`;
const v1 = `30 23 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
`;
const v2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n';
const nested = '30 23 0:26 /machine/box /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n';

describe('the layout', () => {
  it.each([
    ['hybrid', hybrid],
    ['v1', v1],
    ['v2', v2],
    ['none', ''],
  ] as const)('%s', (layout, text) => {
    expect(cgroupLayoutOf(cgroupMountsOf(text))).toBe(layout);
  });
});

describe('the folders of a process', () => {
  it('in a hybrid layout are those of v1', () => {
    const procCgroup = '4:memory:/libpod_parent/libpod-a\n1:cpu:/libpod_parent/libpod-a\n0::/other\n';
    expect(limitFoldersOf(cgroupMountsOf(hybrid), procCgroup)).toEqual({
      memory: { path: '/sys/fs/cgroup/memory/libpod_parent/libpod-a', unified: false },
      cpu: { path: '/sys/fs/cgroup/cpu/libpod_parent/libpod-a', unified: false },
    });
  });

  it('in v1 may share a mount', () => {
    expect(limitFoldersOf(cgroupMountsOf(v1), '3:cpu,cpuacct:/a:b\n2:memory:/\n')).toEqual({
      memory: { path: '/sys/fs/cgroup/memory', unified: false },
      cpu: { path: '/sys/fs/cgroup/cpu,cpuacct/a:b', unified: false },
    });
  });

  it('in v2 are one, also below the root of a mount', () => {
    const path = '/sys/fs/cgroup/machine.slice/libpod-a.scope/container';
    const folder = { path, unified: true };
    expect(limitFoldersOf(cgroupMountsOf(v2), '0::/machine.slice/libpod-a.scope/container\n')).toEqual({
      memory: folder,
      cpu: folder,
    });
    expect(limitFoldersOf(cgroupMountsOf(nested), '0::/machine/box/a\n').memory?.path).toBe('/sys/fs/cgroup/a');
  });

  it('are not known when the kernel does not say', () => {
    expect(limitFoldersOf([], '')).toEqual({ memory: null, cpu: null });
  });
});

describe('the numbers', () => {
  it.each([
    ['67108864\n', 64],
    ['9223372036854771712\n', null],
    ['max\n', null],
    ['-1', null],
    ['100000000', 95.367],
    ['', undefined],
    ['nonsense', undefined],
  ])('memory %j is %s', (text, wanted) => {
    expect(memoryMbOf(text)).toBe(wanted);
  });

  it.each([
    ['50000', '100000', 0.5],
    ['-1\n', '100000\n', null],
    ['max', '100000', null],
    ['', '', undefined],
  ])('quota %j of %j is %s', (quota, period, wanted) => {
    expect(vcpusOf(quota, period)).toBe(wanted);
  });

  it('are read where they stand', async () => {
    const files = new Map([
      ['/m/memory.limit_in_bytes', '67108864\n'],
      ['/c/cpu.cfs_quota_us', '50000\n'],
      ['/c/cpu.cfs_period_us', '100000\n'],
      ['/u/memory.max', 'max\n'],
      ['/u/cpu.max', '25000 100000\n'],
    ]);
    const read = async (path: string): Promise<string | undefined> => files.get(path);
    const legacy = { memory: { path: '/m', unified: false }, cpu: { path: '/c', unified: false } };
    const unified = { path: '/u', unified: true };
    expect(await readLimits(legacy, read)).toEqual({ memoryMb: 64, vcpus: 0.5 });
    expect(await readLimits({ memory: unified, cpu: unified }, read)).toEqual({ memoryMb: null, vcpus: 0.25 });
    expect(await readLimits({ memory: { path: '/gone', unified: true }, cpu: null }, read)).toEqual({});
  });
});
