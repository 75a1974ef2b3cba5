/** Images: what a reference names, pulling, building. */
import { join } from 'node:path';
import { BerthError, isBerthError } from '../../core/errors.js';
import type { BuildSpec, PullPolicy } from '../../core/spec.js';
import type { LibpodClient } from './client.js';
import { linesOf } from './event-stream.js';
import type { Host } from '../host/host.js';
import { digestOf } from './normalize.js';
import { imageSchema, readAnswer } from './wire.js';

export interface ImagesOptions {
  readonly host: Host;
  readonly client: () => LibpodClient;
  /** The service is one that the settings name: its images may not be those of the `podman` command here. */
  readonly isGivenSocket: () => boolean;
  readonly ociRuntime: () => Promise<string | null>;
  readonly callDeadlineMs: number;
  readonly pullDeadlineMs: number;
  readonly buildDeadlineMs: number;
}

const logTailCharacters = 4_000;

function imagePath(reference: string): string {
  return `/images/${reference.split('/').map(encodeURIComponent).join('/')}/json`;
}

/** What a reference names here and now, as `sha256:…`; undefined when the image is not here. */
export async function resolveImage(
  options: ImagesOptions,
  reference: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { status, json } = await options.client().call('GET', imagePath(reference.replace(/^sha256:/, '')), {
    what: `look up the image ${reference}`,
    signal,
    deadlineMs: options.callDeadlineMs,
    allow: [404],
  });
  return status === 404 ? undefined : digestOf(readAnswer(imageSchema, json, 'inspect an image').Id);
}

function pullFailed(reference: string, words: string, cause?: unknown): BerthError {
  return new BerthError('E_IMAGE_PULL', `the image ${reference} could not be pulled: ${words}`, {
    details: { reference, podman: words },
    ...(cause === undefined ? {} : { cause }),
  });
}

interface PullLine {
  readonly error?: string;
  readonly stream?: string;
  readonly id?: string;
}

function readPullLine(line: string): PullLine {
  try {
    return JSON.parse(line) as PullLine;
  } catch {
    return {};
  }
}

async function fetchImage(options: ImagesOptions, reference: string, signal: AbortSignal): Promise<string> {
  const deadline = AbortSignal.timeout(options.pullDeadlineMs);
  const life = AbortSignal.any([signal, deadline]);
  let id: string | undefined;
  try {
    const stream = await options.client().stream('POST', '/images/pull', {
      what: `pull ${reference}`,
      query: { reference, policy: 'always' },
      signal: life,
      deadlineMs: options.pullDeadlineMs,
    });
    for await (const text of linesOf(stream)) {
      const line = readPullLine(text);
      if (line.error) throw pullFailed(reference, line.error);
      id = line.id ?? id;
    }
  } catch (error) {
    if (isBerthError(error, 'E_IMAGE_PULL', 'E_DISK_FULL')) throw error;
    if (signal.aborted) throw new BerthError('E_DRIVER_TIMEOUT', `the pull of ${reference} was cancelled`);
    if (deadline.aborted) throw pullFailed(reference, `it took longer than ${options.pullDeadlineMs} ms`, error);
    if (isBerthError(error, 'E_DRIVER_FAILED', 'E_IMAGE_MISSING')) throw pullFailed(reference, error.message, error);
    if (isBerthError(error)) throw error;
    throw new BerthError('E_DRIVER_UNREACHABLE', `podman broke off the pull of ${reference}`, { cause: error });
  }
  const digest = id ? digestOf(id) : await resolveImage(options, reference, signal);
  if (digest) return digest;
  throw pullFailed(reference, 'podman said nothing of the image');
}

/** Fetches by policy and answers the digest. */
export async function pullImage(
  options: ImagesOptions,
  reference: string,
  policy: PullPolicy,
  signal: AbortSignal,
): Promise<string> {
  const here = policy === 'always' ? undefined : await resolveImage(options, reference, signal);
  if (here) return here;
  if (policy === 'never') {
    throw new BerthError('E_IMAGE_MISSING', `the image ${reference} is not here, and pull = "never"`);
  }
  return fetchImage(options, reference, signal);
}

/** The arguments after `podman`. Pure. */
export function buildArguments(
  build: BuildSpec,
  reference: string,
  global: { readonly runtime: string | null; readonly socket: string | null },
): readonly string[] {
  const flags = global.socket
    ? ['--remote', '--url', `unix://${global.socket}`]
    : global.runtime
      ? ['--runtime', global.runtime]
      : [];
  const file = build.file === undefined ? [] : ['--file', join(build.context, build.file)];
  const args = Object.entries(build.args ?? {}).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
  return [...flags, 'build', '--tag', reference, ...file, ...args, build.context];
}

/** Builds, tags, answers the digest. */
export async function buildImage(
  options: ImagesOptions,
  build: BuildSpec,
  reference: string,
  signal: AbortSignal,
): Promise<string> {
  const podman = await options.host.findProgram('podman');
  if (!podman) throw new BerthError('E_RUNTIME_UNAVAILABLE', 'podman is not installed here, so nothing can be built');
  if (!(await options.host.exists(build.context))) {
    throw new BerthError('E_BUILD_FAILED', `the build context ${build.context} does not exist`);
  }
  const socket = options.isGivenSocket() ? options.client().socket : null;
  const argv = [podman, ...buildArguments(build, reference, { runtime: await options.ociRuntime(), socket })];
  const result = await options.host.run(argv, { timeoutMs: options.buildDeadlineMs, signal });
  if (result.cancelled) throw new BerthError('E_DRIVER_TIMEOUT', `the build of ${reference} was cancelled`);
  const log = result.output.slice(-logTailCharacters).trim();
  if (result.exitCode !== 0) {
    const code = /no space left on device/i.test(log) ? 'E_DISK_FULL' : 'E_BUILD_FAILED';
    const how = result.timedOut ? `took longer than ${options.buildDeadlineMs} ms` : 'failed';
    const last = log.split('\n').at(-1) ?? '';
    throw new BerthError(code, `the build of ${reference} ${how}: ${last}`, { details: { reference, log } });
  }
  const digest = await resolveImage(options, reference, signal);
  if (digest) return digest;
  throw new BerthError('E_BUILD_FAILED', `podman built ${reference}, but the service does not know it`, {
    details: { reference, log },
  });
}
