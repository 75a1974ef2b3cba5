/** Real containers: what the conformance suite, which holds for every driver, does not say about podman. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isBerthError } from '../../../src/core/errors.js';
import type { CreateRequest } from '../../../src/core/ports/driver.js';
import { componentDefaults, type ComponentSpec } from '../../../src/core/spec.js';
import { eventually } from '../../support/eventually.js';
import { freePort, makePodmanHome, podman, type PodmanHome } from '../../support/podman-fixture.js';
import { ensureTestImage, sleepScript, type BuiltImage } from '../../support/podman-image.js';

let home: PodmanHome;
let image: BuiltImage;
const patience = (): AbortSignal => AbortSignal.timeout(60_000);

beforeAll(async () => {
  [home, image] = [await makePodmanHome(), await ensureTestImage({ lines: ['VOLUME /scratch'] })];
  await home.driver.open(patience());
});
afterAll(async () => {
  await home.dispose();
  await image.remove();
});

function request(service: string, spec: Partial<ComponentSpec> & { readonly name: string }): CreateRequest {
  const whole = { ...componentDefaults, image: image.reference, ...spec };
  return {
    service,
    spec: whole,
    role: 'main',
    generation: 1,
    specHash: 'x',
    imageDigest: image.digest,
    env: whole.env,
  };
}

async function run(service: string, spec: Partial<ComponentSpec> & { readonly name: string }): Promise<string> {
  const id = await home.driver.create(request(service, spec), patience());
  await home.driver.start(id, patience());
  return id;
}

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

const inspectPodman = async (id: string, format: string): Promise<string> => podman('inspect', '--format', format, id);

describe('names and networks', () => {
  it('components of a service find each other by name, and no other service', async () => {
    await run('dns', { name: 'db' });
    const web = await run('dns', { name: 'web' });
    const stranger = await run('dns2', { name: 'web' });
    const lookup = (id: string) => home.driver.exec(id, ['/bin/nslookup', 'db'], patience());
    await eventually(async () => (await lookup(web)).stdout.includes('Name:'), { timeoutMs: 20_000, everyMs: 200 });
    const { stdout, exitCode } = await lookup(stranger);
    expect({ found: stdout.includes('Name:'), exitCode }).toMatchObject({ found: false });
  });

  it('a published port answers on the address asked for', async () => {
    const port = await freePort();
    const script = `while :; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\nhello' | nc -l -p 8080; done`;
    const spec = { name: 'web', command: ['/bin/sh', '-c', script], ports: [`127.0.0.1:${port}:8080`] };
    const id = await run('port', spec);
    const page = await eventually(async () => (await fetch(`http://127.0.0.1:${port}/`)).text(), {
      timeoutMs: 20_000,
      everyMs: 200,
    });
    expect(page).toBe('hello');
    await home.driver.remove(id, patience());
  });
});

describe('refusals', () => {
  it('a port that another program holds is named, and the container stays clean', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const spec = { name: 'web', ports: [`127.0.0.1:${port}:8080`] };
      const id = await home.driver.create(request('taken', spec), patience());
      const error = await failureOf(home.driver.start(id, patience()));
      expect(isBerthError(error, 'E_PORT_TAKEN') && error.details['port']).toBe(port);
      expect(await home.driver.inspect(id, patience())).toMatchObject({ state: 'created', exitCode: null });
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('a command that is not in the image keeps podman’s words', async () => {
    const spec = { name: 'web', command: ['/no/such/program'] };
    const id = await home.driver.create(request('bad', spec), patience());
    const error = await failureOf(home.driver.start(id, patience()));
    expect(isBerthError(error, 'E_DRIVER_FAILED') && error.message).toContain('/no/such/program');
  });

  it('no error tells a value of the environment', async () => {
    const secret = 'do-not-tell-5t4g';
    const bad = {
      ...request('secret', { name: 'web' }),
      imageDigest: `sha256:${'1'.repeat(64)}`,
      env: { TOKEN: secret },
    };
    const error = await failureOf(home.driver.create(bad, patience()));
    const all = isBerthError(error) ? `${error.message} ${JSON.stringify(error.details)} ${String(error.cause)}` : '';
    expect(all).not.toBe('');
    expect(all).not.toContain(secret);
  });

  it('an image whose registry cannot be reached fails soon, in podman’s words', async () => {
    const error = await failureOf(home.driver.pull('localhost/berth-test-nowhere:1', 'missing', patience()));
    expect(isBerthError(error, 'E_IMAGE_PULL') && error.message).toContain('localhost/berth-test-nowhere:1');
  });
});

describe('volumes', () => {
  it('named ones outlive their containers; those that the image declares go with them', async () => {
    const spec = { name: 'db', volumes: ['data:/data'] };
    const first = await run('vol', spec);
    await home.driver.exec(first, ['/bin/sh', '-c', 'echo kept > /data/file'], patience());
    const anonymous = await inspectPodman(
      first,
      '{{range .Mounts}}{{if eq .Destination "/scratch"}}{{.Name}}{{end}}{{end}}',
    );
    expect(anonymous).toMatch(/^[0-9a-f]{64}$/);
    await home.driver.remove(first, patience());
    expect(await failureOf(podman('volume', 'inspect', anonymous))).toBeDefined();
    const second = await run('vol', spec);
    const { stdout } = await home.driver.exec(second, ['/bin/cat', '/data/file'], patience());
    expect(stdout).toBe('kept\n');
    expect((await home.driver.inspect(second, patience()))?.config?.mounts.map(({ target }) => target)).toEqual([
      '/data',
    ]);
  });

  it('makes network and volume again when they were removed by hand', async () => {
    const spec = { name: 'db', volumes: ['data:/data'] };
    const before = request('lost', spec);
    await home.driver.remove(await home.driver.create(before, patience()), patience());
    for (const object of await home.driver.listObjects(patience())) {
      if (object.service === 'lost') await podman(object.kind, 'rm', object.name);
    }
    const id = await home.driver.create(before, patience());
    await home.driver.start(id, patience());
    expect((await home.driver.inspect(id, patience()))?.state).toBe('running');
  });
});

describe('what a container is made with', () => {
  it('bounds its log and leaves restarts to Berth', async () => {
    const id = await run('made', { name: 'web', logLimitMb: 1, stopTimeoutS: 7 });
    const format =
      '{{.HostConfig.LogConfig.Type}} {{.HostConfig.LogConfig.Size}} {{.HostConfig.RestartPolicy.Name}} {{.Config.StopTimeout}}';
    expect(await inspectPodman(id, format)).toBe('k8s-file 1.049MB no 7');
  });

  it('has its memory limit in the kernel, and an update reaches it without a restart', async () => {
    const id = await run('mem', { name: 'web', memoryMb: 64 });
    const pid = await inspectPodman(id, '{{.State.Pid}}');
    await home.driver.update(id, { memoryMb: 256, vcpus: 0.5 }, patience());
    const after = await home.driver.inspect(id, patience());
    expect(after).toMatchObject({ memoryMb: 256, vcpus: 0.5 });
    expect(await inspectPodman(id, '{{.State.Pid}}')).toBe(pid);
    expect(await readFile(`/proc/${pid}/cgroup`, 'utf8')).toContain(id);
  });
});

describe('a container whose conmon was killed', () => {
  const killConmon = async (id: string, alsoProgram: boolean): Promise<void> => {
    const [conmon, program] = (await inspectPodman(id, '{{.State.ConmonPid}} {{.State.Pid}}')).split(' ').map(Number);
    process.kill(conmon ?? 0, 'SIGKILL');
    if (alsoProgram) process.kill(program ?? 0, 'SIGKILL');
  };

  it('is seen as ended, though podman says that it runs, and starts again or is gone', async () => {
    const id = await run('stuck', { name: 'a' });
    await home.driver.list(patience());
    await killConmon(id, true);
    const seen = await eventually(
      async () => {
        const { workloads } = await home.driver.list(patience());
        const workload = workloads.find(({ nativeId }) => nativeId === id);
        return workload?.state === 'exited' ? workload : false;
      },
      { timeoutMs: 20_000, everyMs: 200 },
    );
    expect(seen && seen.problem).toContain('conmon');
    const error = await failureOf(home.driver.start(id, patience()));
    if (error === undefined) {
      expect(await home.driver.inspect(id, patience())).toMatchObject({ state: 'running', problem: null });
    } else {
      expect(error).toMatchObject({ code: 'E_WORKLOAD_MISSING' });
      expect(await home.driver.inspect(id, patience())).toBeUndefined();
    }
  });

  it('is stopped all the same', async () => {
    const id = await run('stuck', { name: 'b', command: ['/bin/sh', '-c', sleepScript] });
    const pid = Number(await inspectPodman(id, '{{.State.Pid}}'));
    await killConmon(id, false);
    await home.driver.stop(id, 2_000, patience());
    const after = await home.driver.inspect(id, patience());
    expect(after === undefined || after.state === 'exited').toBe(true);
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    expect(stat === '' || / [ZX] /.test(stat)).toBe(true);
  });
});

it('a container that was stopped and removed by hand at once does not run beside its successor', async () => {
  // It ignores the signal, and so has its whole grace.
  const command = ['/bin/sh', '-c', "trap '' TERM; while :; do sleep 1; done"];
  const id = await run('twice', { name: 'web', command });
  await home.driver.list(patience());
  const pid = Number(await inspectPodman(id, '{{.State.Pid}}'));
  const isRunning = async (): Promise<boolean> =>
    /^\d+ \(.*\) [^ZX] /.test(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
  const stopping = podman('stop', '--time', '60', id).catch(() => undefined);
  try {
    await eventually(async () => expect(await inspectPodman(id, '{{.State.Status}}')).toBe('stopping'));
    await podman('rm', '--force', '--time', '0', id);
    await eventually(async () => expect(await home.driver.inspect(id, patience())).toBeUndefined());
    await home.driver.list(patience());
    const next = await run('twice', { name: 'web', command });
    expect(await home.driver.inspect(next, patience())).toMatchObject({ state: 'running', problem: null });
    expect(await isRunning()).toBe(false);
    await home.driver.remove(next, patience());
  } finally {
    if (await isRunning()) process.kill(pid, 'SIGKILL');
    await stopping;
  }
});

it('a build gives a digest and keeps the end of the log when it fails', async () => {
  const context = await mkdtemp(`${home.stateDir}/context-`);
  const reference = image.reference.replace(/:1$/, '-built:1');
  try {
    await writeFile(`${context}/Containerfile`, `FROM ${image.reference}\nARG WORD\nENV WORD=$WORD\n`);
    const digest = await home.driver.build({ context, args: { WORD: 'x' } }, reference, patience());
    expect(await home.driver.resolveImage(reference, patience())).toBe(digest);
    await writeFile(
      `${context}/Containerfile`,
      `FROM ${image.reference}\nRUN ["/bin/sh", "-c", "echo oh-no; exit 9"]\n`,
    );
    const error = await failureOf(home.driver.build({ context }, reference, patience()));
    expect(isBerthError(error, 'E_BUILD_FAILED') && error.details['log']).toContain('oh-no');
    expect(await home.driver.resolveImage(reference, patience())).toBe(digest);
  } finally {
    await podman('rmi', '--force', reference);
    await rm(context, { recursive: true, force: true });
  }
});
