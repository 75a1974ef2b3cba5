import { expect, it } from 'vitest';
import { volumeName } from '../../../src/core/names.js';
import type { ObservedWorkload } from '../../../src/core/observation.js';
import type { CreateRequest } from '../../../src/core/ports/driver.js';
import { diffWorkload } from '../../../src/core/workload-diff.js';
import { expectRefusal, patience, type Bench } from '../bench.js';
import type { Can } from '../fixture.js';

/** What a workload was made with is reported as it was asked for, and image defaults apart. */
export function configCases(bench: Bench, can: Can): void {
  const differences = (request: CreateRequest, workload: ObservedWorkload): readonly unknown[] =>
    diffWorkload(
      {
        homeId: bench.fixture.homeId,
        service: request.service,
        spec: request.spec,
        imageDigest: request.imageDigest,
        env: { values: request.env, fileKeys: new Set(), secretKeys: new Set(), hasFiles: false },
      },
      workload,
    );

  it('finds no difference in a workload that sets nothing, neither before nor while it runs', async () => {
    const request = bench.request({ spec: { command: null } });
    const id = await bench.createFrom(request);
    expect(differences(request, await bench.inspect(id))).toEqual([]);
    await bench.driver.start(id, patience());
    const running = await bench.untilState(id, 'running');
    expect(differences(request, running)).toEqual([]);
    expect(running.config?.command).toEqual(running.config?.image.command);
    expect(running.config?.env).toMatchObject({ IMAGE_SAYS: running.config?.image.env['IMAGE_SAYS'] });
  });

  it('finds no difference in a workload that sets everything', async () => {
    const { fixture } = bench;
    const env = { PLAIN: 'x', IMAGE_SAYS: 'no', SPACES: ' a  b ', EQUALS: 'a=b=c', QUOTES: `"'$HOME`, UNICODE: 'ü☃' };
    const request = bench.request({
      spec: {
        env: { ...env, EMPTY: '', LINES: 'one\ntwo' },
        user: '1000:1000',
        ports: [`127.0.0.1:${await fixture.freePort()}:8080`, `${await fixture.freePort()}:9090/udp`],
        volumes: ['data:/data', ...(can.hostFolders ? [`${fixture.hostFolder}:/host:ro`] : []), 'cache:/cache:ro'],
      },
    });
    const id = await bench.createFrom(request);
    expect(differences(request, await bench.inspect(id))).toEqual([]);
    await bench.driver.start(id, patience());
    const { config, ...running } = await bench.untilState(id, 'running');
    expect(differences(request, { config, ...running })).toEqual([]);
    expect(config?.env).toMatchObject(env);
    expect(config?.user).toBe('1000:1000');
    expect(config?.mounts.map(({ target, readOnly }) => `${target} ${readOnly}`)).toEqual([
      '/cache true',
      '/data false',
      ...(can.hostFolders ? ['/host true'] : []),
    ]);
    expect(config?.mounts[1]).toMatchObject({
      kind: 'named',
      source: volumeName(fixture.homeId, request.service, 'data'),
    });
  });

  it('takes arguments as they are, without a shell in between', async () => {
    const command = ['a b', '', '$HOME', '"quoted"', '*', '--flag=x;y'];
    const request = bench.request({ spec: { command } });
    const id = await bench.createFrom(request);
    expect((await bench.inspect(id)).config?.command).toEqual(command);
    expect(differences(request, await bench.inspect(id))).toEqual([]);
  });

  it('reports an address inside its network while it runs', async () => {
    const id = await bench.run();
    await bench.untilListed(id, ({ addresses }) => {
      expect(addresses.length).toBeGreaterThan(0);
    });
  });

  it('refuses a host path that it cannot mount', async () => {
    const path = can.hostFolders ? `${bench.fixture.hostFolder}/not-there` : bench.fixture.hostFolder;
    const request = bench.request({ spec: { volumes: [`${path}:/x`] } });
    await expectRefusal(bench.createFrom(request), can.hostFolders ? 'E_VOLUME_SOURCE' : 'E_NOT_SUPPORTED');
    expect(await bench.driver.inspect(bench.hostNameOf(request), patience())).toBeUndefined();
  });

  it(can.exec ? 'runs commands inside a workload' : 'says that nothing can be run inside', async () => {
    const { driver, fixture } = bench;
    const id = await bench.run();
    if (!can.exec) {
      await expectRefusal(driver.exec(id, fixture.exec.echo('hello'), patience()), 'E_NOT_SUPPORTED');
      return;
    }
    const said = await driver.exec(id, fixture.exec.echo('hello'), patience());
    expect(said).toMatchObject({ exitCode: 0, stdout: 'hello\n' });
    expect((await driver.exec(id, fixture.exec.exit(7), patience())).exitCode).toBe(7);
    await driver.stop(id, 10_000, patience());
    await expectRefusal(driver.exec(id, fixture.exec.echo('hello'), patience()));
  });

  it('measures what runs', async () => {
    const [id, down] = [await bench.run(), await bench.create()];
    const stats = await bench.driver.stats(patience());
    const own = stats.find(({ nativeId }) => nativeId === id);
    expect(own?.cpuMs).toBeGreaterThanOrEqual(0);
    expect(stats.map(({ nativeId }) => nativeId)).not.toContain(down);
  });
}
