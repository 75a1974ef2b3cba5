/** `berth completion` */
import { BerthError } from '../../core/errors.js';
import type { CommandSpec, OptionSpec } from '../command-spec.js';
import { bashCompletion, fishCompletion, zshCompletion, type Completable } from '../completion-scripts.js';
import type { CommandRun } from '../invocation.js';

const scripts: Readonly<Record<string, (program: Completable) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** What prints the completion script of a shell, for a program of these commands. */
export function runWith(commands: readonly CommandSpec[], globalOptions: readonly OptionSpec[]): CommandRun {
  return (invocation) => {
    const shell = invocation.arg(0);
    const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
    if (script === undefined) {
      throw new BerthError('E_USAGE', `there is no completion for "${shell}"`, {
        suggestion: 'name bash, zsh or fish',
      });
    }
    invocation.print(script({ commands, globalOptions }).trimEnd());
    return Promise.resolve(0);
  };
}
