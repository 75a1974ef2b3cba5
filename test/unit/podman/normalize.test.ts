import { describe, expect, it } from 'vitest';
import {
  defaultsOf,
  envOf,
  mountsOf,
  portsOf,
  stateOf,
  timeOf,
  bootTimeOf,
  workloadOfEntry,
  workloadOfInspection,
} from '../../../src/runtimes/podman/normalize.js';
import { imageSchema, inspectSchema, listEntrySchema } from '../../../src/runtimes/podman/wire.js';
import { fixture } from './fixtures.js';

const inspection = inspectSchema.parse(fixture('inspect-running.json'));
const image = defaultsOf(imageSchema.parse(fixture('image.json')));
const [ours, foreign] = (fixture('list.json') as unknown[]).map((entry) => listEntrySchema.parse(entry));

describe('an inspection', () => {
  const workload = workloadOfInspection('podman', inspection, image, 0);

  it('becomes a workload with its owner, times and image', () => {
    expect(workload).toMatchObject({
      driver: 'podman',
      runtime: 'container',
      name: 'shop-web',
      state: 'running',
      owner: { service: 'shop', component: 'web', generation: 7, specHash: '00ff00ff00ff00ff' },
      finishedAtMs: null,
      exitCode: null,
      oomKilled: false,
      imageRef: 'localhost/shop-web:1.4',
      problem: null,
    });
    expect(workload.imageDigest).toBe(`sha256:${inspection.Image}`);
    expect(workload.startedAtMs).toBe(Date.parse(inspection.State.StartedAt ?? ''));
    expect(workload.addresses).toHaveLength(1);
  });

  it('tells what was asked for from what the image and podman set', () => {
    expect(workload.config).toEqual({
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        TERM: 'xterm',
        container: 'podman',
        GREETING: 'hello',
        A: '1',
        HOSTNAME: 'web',
      },
      command: ['sleep', '1000'],
      user: '1000',
      ports: ['127.0.0.1:18099:8080/tcp'],
      mounts: [
        { kind: 'host', source: '/srv/files', target: '/assets', readOnly: true },
        { kind: 'named', source: 'berth-11111111.shop.data', target: '/data', readOnly: true },
      ],
      image: {
        env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', GREETING: 'hello' },
        command: ['sleep', '1000'],
        user: '1000',
      },
      runtimeEnv: ['PATH', 'TERM', 'container', 'HOSTNAME'],
    });
  });

  it('has no config when its image cannot be inspected, and says so', () => {
    expect(workloadOfInspection('podman', inspection, null, 0)).toMatchObject({
      config: null,
      problem: 'its image could not be inspected',
    });
  });

  it('has an exit code only once the run ended', () => {
    const ended = {
      ...inspection.State,
      Status: 'exited',
      ExitCode: 3,
      StartedAt: '2024-05-01T11:00:00Z',
      FinishedAt: '2024-05-01T12:00:00.5Z',
    };
    const exited = workloadOfInspection('podman', { ...inspection, State: ended }, image, 0);
    expect(exited).toMatchObject({ state: 'exited', exitCode: 3, finishedAtMs: Date.parse('2024-05-01T12:00:00.5Z') });
    const again = workloadOfInspection('podman', { ...inspection, State: { ...ended, Status: 'running' } }, image, 0);
    expect(again.exitCode).toBeNull();
  });

  it('has no exit code when the host went down under it: the end that Podman tells of is an earlier one', () => {
    const lost = {
      ...inspection.State,
      Status: 'exited',
      ExitCode: 0,
      StartedAt: '2024-05-02T12:00:00Z',
      FinishedAt: '2024-05-01T12:00:00Z',
    };
    const bootedAtMs = Date.parse('2024-05-03T00:00:00Z');
    const seen = workloadOfInspection('podman', { ...inspection, State: lost }, image, bootedAtMs);
    expect(seen).toMatchObject({ state: 'exited', exitCode: null, finishedAtMs: null });
  });

  it('keeps the code of a run so short that Podman notes its start after its end', () => {
    const short = {
      ...inspection.State,
      Status: 'exited',
      ExitCode: 3,
      StartedAt: '2024-05-02T12:00:00.3Z',
      FinishedAt: '2024-05-02T12:00:00.1Z',
    };
    const seen = workloadOfInspection(
      'podman',
      { ...inspection, State: short },
      image,
      Date.parse('2024-05-01T00:00:00Z'),
    );
    expect(seen).toMatchObject({ state: 'exited', exitCode: 3 });
  });

  it('knows when the machine was started', () => {
    expect(bootTimeOf('cpu 1 2 3\nbtime 1714500000\nprocesses 9\n')).toBe(1_714_500_000_000);
    expect(bootTimeOf('')).toBe(0);
  });
});

describe('a list entry', () => {
  it('of ours and of somebody else', () => {
    expect(workloadOfEntry('podman', ours!, null)).toMatchObject({
      name: 'shop-web',
      state: 'running',
      owner: { service: 'shop', component: 'web' },
      exitCode: null,
      finishedAtMs: null,
      config: null,
    });
    expect(workloadOfEntry('podman', foreign!, 'it is gone')).toMatchObject({
      name: 'somebody-elses',
      owner: null,
      state: 'exited',
      exitCode: 3,
      finishedAtMs: 1_795_453_800_000,
      problem: 'it is gone',
    });
  });
});

describe('the parts', () => {
  it.each([
    ['created', 'created'],
    ['configured', 'created'],
    ['initialized', 'created'],
    ['running', 'running'],
    ['paused', 'paused'],
    ['stopping', 'stopping'],
    ['stopped', 'exited'],
    ['exited', 'exited'],
    ['removing', 'removing'],
    ['no such state', 'unknown'],
  ])('state %s is %s', (status, state) => {
    expect(stateOf(status)).toBe(state);
  });

  it('a time that never was is null', () => {
    expect(timeOf('0001-01-01T00:00:00Z')).toBeNull();
    expect(timeOf('')).toBeNull();
    expect(timeOf('2024-05-01T12:00:00.123456789Z')).toBe(Date.parse('2024-05-01T12:00:00.123Z'));
  });

  it('variables may hold equal signs, line ends, or nothing', () => {
    expect(envOf(['A=b=c', 'B=', 'C=x\ny', 'D'])).toEqual({ A: 'b=c', B: '', C: 'x\ny', D: '' });
  });

  it('ports are canonical and sorted, whatever address podman leaves out', () => {
    const bindings = {
      '53/udp': [{ HostIp: '', HostPort: '5353' }],
      '80/tcp': [
        { HostIp: '127.0.0.1', HostPort: '8080' },
        { HostIp: '::1', HostPort: '8080' },
      ],
      '81/tcp': null,
    };
    expect(portsOf(bindings)).toEqual(['0.0.0.0:5353:53/udp', '127.0.0.1:8080:80/tcp', '[::1]:8080:80/tcp']);
  });

  it('leaves out volumes of the image, but not a named volume or an anonymous one elsewhere', () => {
    const anonymous = 'a'.repeat(64);
    const mounts = [
      { Type: 'volume', Name: anonymous, Destination: '/vol', RW: true },
      { Type: 'volume', Name: anonymous, Destination: '/other', RW: true },
      { Type: 'volume', Name: 'kept', Destination: '/vol2', RW: false },
      { Type: 'tmpfs', Destination: '/tmp', RW: true },
    ];
    expect(mountsOf(mounts, ['/vol', '/vol2']).map(({ target, readOnly }) => [target, readOnly])).toEqual([
      ['/other', false],
      ['/vol2', true],
    ]);
  });
});
