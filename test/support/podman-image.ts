/** A small image for tests with real containers: nothing but Debian's static busybox, so no image registry is needed. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** Where Debian's busybox-static puts the program. */
const busybox = '/bin/busybox';
const applets = ['sh', 'sleep', 'echo', 'cat', 'env', 'id', 'ls', 'nc', 'nslookup', 'printf', 'true', 'wget'];
const buildDeadlineMs = 120_000;

/** A shell script that runs until SIGTERM and ends with code 0 then. */
export const sleepScript = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done";

export interface TestImageOptions {
  /** The value of the variable IMAGE_SAYS; another one gives another digest. */
  readonly says?: string;
  /** The whole reference; default: a fresh one of localhost. */
  readonly reference?: string;
  /** Further lines of the Containerfile. */
  readonly lines?: readonly string[];
}

export interface BuiltImage {
  readonly reference: string;
  /** `sha256:…` of its config. */
  readonly digest: string;
  /** Removes it, with the containers that use it. */
  remove(): Promise<void>;
}

/**
 * Builds the image under a name of its own. Its default command sleeps until SIGTERM, it sets IMAGE_SAYS,
 * has no user and no volumes, and its `/bin` holds busybox and links for a few of its programs.
 */
export async function ensureTestImage(options: TestImageOptions = {}): Promise<BuiltImage> {
  const reference = options.reference ?? `localhost/berth-test-${randomBytes(4).toString('hex')}:1`;
  const context = await mkdtemp(join(tmpdir(), 'berth-image-'));
  try {
    const bin = join(context, 'rootfs', 'bin');
    await mkdir(bin, { recursive: true });
    await copyFile(busybox, join(bin, 'busybox'));
    for (const applet of applets) await symlink('busybox', join(bin, applet));
    const containerfile = [
      'FROM scratch',
      'COPY rootfs /',
      `ENV IMAGE_SAYS=${options.says ?? 'yes'}`,
      ...(options.lines ?? []),
      `CMD ${JSON.stringify(['/bin/sh', '-c', sleepScript])}`,
    ];
    await writeFile(join(context, 'Containerfile'), `${containerfile.join('\n')}\n`);
    const argv = ['build', '--quiet', '--force-rm', '--layers=false', '--tag', reference, context];
    const { stdout } = await execa('podman', argv, { timeout: buildDeadlineMs, stdin: 'ignore' });
    const id = stdout.trim().split('\n').at(-1) ?? '';
    return { reference, digest: `sha256:${id}`, remove: () => removeImage(id) };
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

async function removeImage(id: string): Promise<void> {
  await execa('podman', ['rmi', '--force', id], { reject: false, timeout: buildDeadlineMs, stdin: 'ignore' });
}
