/** The agent of another machine, as the command line and the environment name it. */
import { BerthError } from '../core/errors.js';
import type { CliDeps, HostOptions } from './deps.js';

interface Given {
  /** The option's text; null when it was not given. */
  text(name: string): string | null;
}

/**
 * `--host` and `--token-file`, else BERTH_HOST and BERTH_TOKEN_FILE; null: a home on this machine is meant, as one that
 * is named with `--home` always is. E_USAGE when they contradict each other.
 */
export function hostOf(options: Given, env: CliDeps['env'], absolute: (path: string) => string): HostOptions | null {
  const [named, home, tokenFile] = [options.text('host'), options.text('home'), options.text('tokenFile')];
  if (named !== null && home !== null) {
    throw new BerthError('E_USAGE', '--home is a home on this machine, and --host an agent of any: name one of them');
  }
  const url = named ?? (home === null ? env['BERTH_HOST'] : undefined);
  if (url === undefined || (named === null && url === '')) {
    if (tokenFile === null) return null;
    throw new BerthError('E_USAGE', '--token-file is for --host, which was not given', {
      suggestion: 'name the agent as well: --host http://127.0.0.1:7600',
    });
  }
  const file = tokenFile ?? env['BERTH_TOKEN_FILE'] ?? '';
  return { url, tokenFile: file === '' ? null : absolute(file) };
}

/** A command, as far as it matters here. */
interface Command {
  readonly name: string;
  readonly local?: 'home' | 'nothing';
}

/** Throws when a command that works on this machine alone was given an agent to ask. E_USAGE. */
export function refuseHost(
  command: Command,
  invocation: { readonly host: HostOptions | null; readonly options: Given },
): void {
  if (command.local === undefined) return;
  const named = invocation.options.text('host') !== null;
  if (!named && (command.local === 'nothing' || invocation.host === null)) return;
  const what = command.local === 'home' ? 'works on the files of a home' : 'asks no agent';
  throw new BerthError(
    'E_USAGE',
    `berth ${command.name} ${what}: there is no ${named ? '--host' : 'BERTH_HOST'} for it`,
    {
      suggestion: named
        ? 'run it on that machine, or leave --host out'
        : 'run it on that machine, or name a home on this one with: --home FOLDER',
    },
  );
}
