/** Logs, and commands inside containers. */
import { BerthError, isBerthError } from '../../core/errors.js';
import type { Clock } from '../../core/ports/clock.js';
import type { ExecResult, LogLine, LogOptions } from '../../core/ports/driver.js';
import type { LibpodClient } from './client.js';
import { ExecOutput } from './exec-output.js';
import { readLogFile } from './log-file.js';
import { framesOf, logLinesOf } from './log-lines.js';
import { pause } from '../host/pause.js';
import { createdSchema, execSchema, inspectSchema, readAnswer, type Inspection } from './wire.js';

export interface IoOptions {
  readonly client: () => LibpodClient;
  readonly clock: Clock;
  readonly callDeadlineMs: number;
  /** True when podman's files are those of this host. */
  readonly isLocal: () => boolean;
}

/** Of a container that may still write; podman's words. */
const upStates: ReadonlySet<string> = new Set(['running', 'paused', 'stopping']);
const isRunningPollMs = 20;

/** Lines of a container's log. Ends with the log, or, following, with the container or the signal. */
export async function* readLogs(
  options: IoOptions,
  nativeId: string,
  wanted: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const file = await openLogFile(options, nativeId, wanted, signal);
  yield* file ?? logsOverApi(options, nativeId, wanted, signal);
}

/** undefined: there is none yet, or it is not on this host. */
async function openLogFile(
  options: IoOptions,
  nativeId: string,
  wanted: LogOptions,
  signal: AbortSignal,
): Promise<AsyncIterable<LogLine> | undefined> {
  if (!options.isLocal()) return undefined;
  const look = async (until: AbortSignal): Promise<Inspection | undefined> => {
    const what = `inspect ${nativeId}`;
    const { status, json } = await options.client().call('GET', `/containers/${encodeURIComponent(nativeId)}/json`, {
      ...{ what, signal: until, deadlineMs: options.callDeadlineMs, allow: [404] },
    });
    return status === 404 ? undefined : readAnswer(inspectSchema, json, what);
  };
  const { Type: type, Path: path } = (await look(signal))?.HostConfig?.LogConfig ?? {};
  if (type !== 'k8s-file' || !path) return undefined;
  const isRunning = async (until: AbortSignal): Promise<boolean> => {
    try {
      return upStates.has((await look(until))?.State.Status ?? '');
    } catch (error) {
      return !isBerthError(error, 'E_WORKLOAD_MISSING');
    }
  };
  return readLogFile({ path, clock: options.clock, isRunning }, wanted, signal);
}

async function* logsOverApi(
  options: IoOptions,
  nativeId: string,
  wanted: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const stream = await options.client().stream('GET', `/containers/${encodeURIComponent(nativeId)}/logs`, {
    what: `read the log of ${nativeId.slice(0, 12)}`,
    query: {
      stdout: true,
      stderr: true,
      timestamps: true,
      follow: wanted.follow ?? false,
      tail: wanted.tail === undefined ? 'all' : String(wanted.tail),
      since: wanted.sinceMs === undefined ? undefined : (wanted.sinceMs / 1000).toFixed(3),
    },
    signal,
    deadlineMs: options.callDeadlineMs,
  });
  try {
    yield* logLinesOf(framesOf(stream));
  } catch (error) {
    if (!signal.aborted) {
      throw new BerthError('E_DRIVER_UNREACHABLE', 'the log stream of podman broke off', { cause: error });
    }
  } finally {
    stream.destroy();
  }
}

/** Runs a command inside a container, to its end. */
export async function execInside(
  options: IoOptions,
  nativeId: string,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<ExecResult> {
  const what = `run ${argv[0] ?? ''} in ${nativeId.slice(0, 12)}`;
  const call = { what, signal, deadlineMs: options.callDeadlineMs };
  const made = await options.client().call('POST', `/containers/${encodeURIComponent(nativeId)}/exec`, {
    ...call,
    body: { AttachStdout: true, AttachStderr: true, Cmd: argv },
  });
  const { Id: id } = readAnswer(createdSchema, made.json, what);
  const stream = await options.client().stream('POST', `/exec/${id}/start`, { ...call, body: { Detach: false } });
  const output = new ExecOutput();
  try {
    for await (const frame of framesOf(stream)) output.add(frame);
  } catch (error) {
    if (error instanceof BerthError) throw error;
    throw new BerthError('E_DRIVER_UNREACHABLE', `the output of a command broke off (${what})`, { cause: error });
  } finally {
    stream.destroy();
  }
  for (;;) {
    const { json } = await options.client().call('GET', `/exec/${id}/json`, call);
    const state = readAnswer(execSchema, json, what);
    if (!state.Running) return { exitCode: state.ExitCode ?? -1, ...output.result() };
    await pause(options.clock, isRunningPollMs, signal);
  }
}
