/** What is done to containers by hand is seen at once, explained, and put back. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { ensureTestImage, type BuiltImage } from '../support/podman-image.js';
import { followEvents, row, runOf, type Follower } from '../support/reading.js';
import { makeTestHome, podman, type RunningAgent, type TestHome } from '../support/test-home.js';

let home: TestHome;
let agent: RunningAgent;
let image: BuiltImage;
let folder: string;
let events: Follower;

beforeAll(async () => {
  [home, image, folder] = await Promise.all([
    makeTestHome({ BERTH_RELIST_S: '3' }),
    ensureTestImage(),
    mkdtemp(join(tmpdir(), 'bh-heal-')),
  ]);
  agent = await home.startAgent();
  const component = (name: string, more = ''): string =>
    `[[components]]\nname = "${name}"\nimage = "${image.reference}"\npull = "never"\nstop_timeout_s = 1\n${more}\n`;
  await writeFile(
    join(folder, 'shop.toml'),
    `name = "shop"\n${component('web', 'memory_mb = 64')}${component('auto', 'update = "auto"')}${component('watched', 'reconcile = "observe"')}`,
  );
  const deployed = await home.berth('deploy', '-f', join(folder, 'shop.toml'), '--timeout', '60s');
  expect(deployed.exitCode, deployed.stderr).toBe(0);
  events = await followEvents(home);
});

afterAll(async () => {
  await events.stop();
  await home.dispose();
  await image.remove();
  await rm(folder, { recursive: true, force: true });
});

const web = (): string => `${home.prefix}shop-web`;

interface Hand {
  readonly name: string;
  readonly argv: readonly string[];
  /** What Podman calls it. */
  readonly podmanEvent: string;
  readonly field: string;
  readonly observed: string;
}

const hands: readonly Hand[] = [
  { name: 'kill', argv: ['kill'], podmanEvent: 'died', field: 'state', observed: 'exited' },
  { name: 'pause', argv: ['pause'], podmanEvent: 'pause', field: 'state', observed: 'paused' },
  { name: 'stop', argv: ['stop', '-t', '1'], podmanEvent: 'died', field: 'state', observed: 'exited' },
  { name: 'remove', argv: ['rm', '-f', '-t', '0'], podmanEvent: 'remove', field: 'state', observed: 'missing' },
];

/** The time that Podman itself gives its newest event of this kind, in Unix milliseconds. */
async function podmanEventAt(action: string, name: string): Promise<number> {
  const { stdout } = await podman(
    'events',
    '--stream=false',
    '--since=2m',
    ...['--filter', `container=${name}`, '--filter', `event=${action}`, '--format', '{{.Time.UnixNano}}'],
  );
  const newest = stdout.trim().split('\n').at(-1) ?? '';
  expect(newest).toMatch(/^\d{19}$/);
  return Number(newest) / 1e6;
}

describe('by hand', () => {
  it.each(hands)('$name is drift with its why, and heals', async ({ argv, podmanEvent, field, observed }) => {
    await eventually(async () => expect(await row(home, 'web')).toMatchObject({ phase: 'running', drift: [] }), {
      timeoutMs: 30_000,
    });
    const [verb = '', ...options] = argv;
    await podman(verb, ...options, web());
    const drift = await events.take(
      (event) =>
        event.reason === 'DriftDetected' && event.component === 'web' && event.message.includes(`observed ${observed}`),
      `drift ${observed}`,
    );
    expect(drift.message).toContain(field);
    expect(drift.message).toContain('podman');
    const podmanMs = await podmanEventAt(podmanEvent, web());
    // The target is 50 ms; five times that is a fault and not a busy machine. The figure itself is in the benchmarks.
    expect(drift.arrivedMs + performance.timeOrigin - podmanMs).toBeLessThan(250);
    await events.take((event) => event.reason === 'DriftHealed' && event.component === 'web', 'healed');
    await eventually(async () => expect(await runOf(web())).toContain('running'), { timeoutMs: 20_000 });
  });

  it('memory changed by hand is seen within one relist and put back in place', async () => {
    await eventually(async () => expect(await row(home, 'web')).toMatchObject({ phase: 'running', drift: [] }), {
      timeoutMs: 30_000,
    });
    const before = await runOf(web());
    await podman('update', '--memory', '48m', web());
    const drift = await events.take(
      (event) => event.reason === 'DriftDetected' && event.message.startsWith('memory_mb'),
      'memory drift',
    );
    expect(drift.message).toContain('desired 64 MiB, observed 48 MiB');
    await events.take(
      (event) => event.reason === 'DriftHealed' && event.message.startsWith('memory_mb'),
      'memory healed',
    );
    expect(await runOf(web())).toBe(before);
  });

  it('observe mode reports and leaves it', async () => {
    const name = `${home.prefix}shop-watched`;
    await eventually(
      async () =>
        expect(await podman('ps', '-a', '--format', '{{.Names}}').then(({ stdout }) => stdout)).not.toContain(name),
      { timeoutMs: 30_000 },
    );
    expect(await row(home, 'watched')).toMatchObject({ observed: 'missing', phase: 'stopped', reason: 'Held' });
  });

  it('a moved tag is reported for a pinned component, followed for update = "auto", and then by apply', async () => {
    await eventually(async () => expect(await row(home, 'web')).toMatchObject({ phase: 'running', drift: [] }), {
      timeoutMs: 30_000,
    });
    const before = await runOf(web());
    const moved = await ensureTestImage({ reference: image.reference, says: 'moved' });
    await events.take((event) => event.reason === 'ImageFollowed' && event.component === 'auto', 'auto follows');
    const digestOf = async (name: string): Promise<string> =>
      `sha256:${(await podman('inspect', '--format', '{{.Image}}', name)).stdout}`;
    await eventually(
      async () => {
        expect(await digestOf(`${home.prefix}shop-auto`)).toBe(moved.digest);
        expect(await row(home, 'auto')).toMatchObject({ phase: 'running', drift: [] });
        expect((await row(home, 'web')).drift.map((item) => item.field)).toEqual(['image']);
      },
      { timeoutMs: 30_000 },
    );
    expect(await runOf(web())).toBe(before);
    expect((await home.berth('deploy', '-f', join(folder, 'shop.toml'), '--timeout', '60s')).exitCode).toBe(0);
    expect(await digestOf(web())).toBe(moved.digest);
  });

  it('another agent on this home is refused, and named', async () => {
    const second = await home.berth('agent');
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toContain('E_AGENT_RUNNING');
    expect(second.stderr).toContain(String(agent.pid));
  });

  it('SIGTERM ends the agent within two seconds and leaves everything running', async () => {
    const before = await runOf(web());
    const beganMs = performance.now();
    expect(await agent.stop()).toBe(0);
    expect(performance.now() - beganMs).toBeLessThan(2_000);
    expect(await runOf(web())).toBe(before);
    agent = await home.startAgent();
    await eventually(async () => expect(await row(home, 'web')).toMatchObject({ phase: 'running' }), {
      timeoutMs: 30_000,
    });
    expect(await runOf(web())).toBe(before);
  });
});
