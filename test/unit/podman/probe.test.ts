import { describe, expect, it } from 'vitest';
import { hardLimitOf, mayRaiseLimits, ociRuntimeFor, ulimitsFor } from '../../../src/runtimes/podman/probe.js';

const withoutResource = 'Name:\tnode\nCapPrm:\t000001fffeffffff\nCapEff:\t000001fffeffffff\n';
const withResource = 'Name:\tnode\nCapEff:\t000001ffffffffff\n';
const unprivileged = 'Name:\tnode\nCapEff:\t0000000000000000\n';
const limits = (processes: string, files: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units     
Max processes             ${processes.padEnd(21)}${processes.padEnd(21)}processes 
Max open files            1024                 ${files.padEnd(21)}files     
`;

describe('ulimits', () => {
  it('are left to podman where hard limits may be raised, or nothing is known', () => {
    expect(ulimitsFor(withResource, limits('96365', '20000'))).toEqual([]);
    expect(ulimitsFor('', '')).toEqual([]);
  });

  it('are passed without CAP_SYS_RESOURCE, well below what the process has', () => {
    expect(ulimitsFor(withoutResource, limits('96365', '20000'))).toEqual([
      { type: 'NOFILE', soft: 1_024, hard: 20_000 },
      { type: 'NPROC', soft: 4_096, hard: 32_768 },
    ]);
    expect(ulimitsFor(withoutResource, limits('6000', '512'))).toEqual([
      { type: 'NOFILE', soft: 512, hard: 512 },
      { type: 'NPROC', soft: 3_000, hard: 3_000 },
    ]);
  });

  it('are passed to an unprivileged user, also when nothing limits it', () => {
    expect(mayRaiseLimits(unprivileged)).toBe(false);
    expect(ulimitsFor(unprivileged, limits('unlimited', 'unlimited'))).toEqual([
      { type: 'NOFILE', soft: 1_024, hard: 20_000 },
      { type: 'NPROC', soft: 4_096, hard: 32_768 },
    ]);
  });

  it('are read from their column', () => {
    expect(hardLimitOf(limits('96365', '20000'), 'Max open files')).toBe(20_000);
    expect(hardLimitOf(limits('unlimited', '1'), 'Max processes')).toBe(Infinity);
    expect(hardLimitOf('', 'Max processes')).toBeUndefined();
  });
});

describe('the OCI runtime', () => {
  it.each([
    ['hybrid', true, true, 'runc'],
    ['hybrid', true, false, null],
    ['v2', true, true, null],
    ['v2', false, true, 'runc'],
    ['v1', true, true, null],
    ['none', false, false, null],
  ] as const)('%s, crun %s, runc %s: %s', (layout, hasCrun, hasRunc, wanted) => {
    expect(ociRuntimeFor({ layout, hasCrun, hasRunc })).toBe(wanted);
  });
});
