/** Podman hangs or fails: the status says so, nothing is touched, and all is as before when it answers again. */
import { mkdtemp, rm, writeFile, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCensus } from '../support/census.js';
import { eventually } from '../support/eventually.js';
import { halt, podmanServiceOf } from '../support/halt.js';
import { ensureTestImage, type BuiltImage } from '../support/podman-image.js';
import { row, runOf } from '../support/reading.js';
import { makeTestHome } from '../support/test-home.js';

let image: BuiltImage;
let folder: string;

beforeAll(async () => {
  [image, folder] = await Promise.all([ensureTestImage(), mkdtemp(join(tmpdir(), 'bh-hang-'))]);
  await writeFile(
    join(folder, 'one.toml'),
    `name = "one"\n[[components]]\nname = "one"\nimage = "${image.reference}"\npull = "never"\nstop_timeout_s = 1\n`,
  );
});

afterAll(async () => {
  await image.remove();
  await rm(folder, { recursive: true, force: true });
});

// Each has a home of its own, and mostly waits: for deadlines that pass, one beside the other.
describe.concurrent('a podman service of the home that hangs', () => {
  it('makes the status unknown with reason and age, is replaced, and nothing was restarted', async () => {
    const home = await makeTestHome({
      BERTH_RELIST_S: '1',
      BERTH_PODMAN_LIST_TIMEOUT_S: '2',
      BERTH_PODMAN_REPLACE_SERVICE_S: '8',
    });
    try {
      await home.startAgent();
      expect((await home.berth('deploy', '-f', join(folder, 'one.toml'))).exitCode).toBe(0);
      const before = await runOf(`${home.prefix}one`);
      const hanging = await podmanServiceOf(home);
      await halt(hanging);
      await eventually(
        async () => {
          const seen = await row(home, 'one');
          expect(seen).toMatchObject({ phase: 'unknown', observed: 'unknown', ready: false });
          expect(seen.message).toMatch(/last seen running; podman did not answer within/);
          expect(seen.observedAgeMs).toBeGreaterThan(1_000);
        },
        { timeoutMs: 15_000 },
      );
      await eventually(async () => expect(await row(home, 'one')).toMatchObject({ phase: 'running', ready: true }), {
        timeoutMs: 40_000,
      });
      expect(await podmanServiceOf(home)).not.toBe(hanging);
      expect(await runOf(`${home.prefix}one`)).toBe(before);
      await expectCensus(home);
    } finally {
      await home.dispose();
    }
  });
});

describe.concurrent('a podman command that never answers', () => {
  it('leaves the agent answering, and what it knew is said to be unknown', async () => {
    const bin = join(folder, 'bin');
    await execa('mkdir', ['-p', bin]);
    await writeFile(join(bin, 'podman'), '#!/bin/sh\nexec sleep 600\n');
    await chmod(join(bin, 'podman'), 0o755);
    const home = await makeTestHome({ BERTH_RELIST_S: '1', BERTH_PODMAN_LIST_TIMEOUT_S: '2' });
    try {
      const first = await home.startAgent();
      expect((await home.berth('deploy', '-f', join(folder, 'one.toml'))).exitCode).toBe(0);
      const before = await runOf(`${home.prefix}one`);
      await first.stop();
      const hung = { ...process.env, ...home.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
      const agent = execa(process.execPath, ['dist/src/main.js', 'agent'], {
        env: hung,
        reject: false,
        cleanup: true,
        timeout: 90_000,
      });
      await eventually(
        async () => expect(await row(home, 'one')).toMatchObject({ phase: 'unknown', observed: 'unknown' }),
        { timeoutMs: 60_000 },
      );
      expect((await row(home, 'one')).message).toContain('last seen running');
      agent.kill('SIGTERM');
      const beganMs = performance.now();
      expect((await agent).exitCode).toBe(0);
      expect(performance.now() - beganMs).toBeLessThan(2_000);
      await home.startAgent();
      await eventually(async () => expect(await row(home, 'one')).toMatchObject({ phase: 'running' }), {
        timeoutMs: 20_000,
      });
      expect(await runOf(`${home.prefix}one`)).toBe(before);
      await expectCensus(home);
    } finally {
      await home.dispose();
    }
  });
});
