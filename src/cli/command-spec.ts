/** How a command is described. */
import type { CommandRun } from './invocation.js';

export interface OptionSpec {
  /** In commander's form: `-f, --file <path>`. */
  readonly flags: string;
  readonly summary: string;
  readonly choices?: readonly string[];
  /** May be given several times; the values are collected. */
  readonly many?: boolean;
}

export interface CommandSpec {
  /** `db check` is the subcommand `check` of `db`. */
  readonly name: string;
  readonly summary: string;
  /** In commander's form: `<service>`, `[target]`. */
  readonly args: readonly { readonly name: string; readonly summary: string; readonly completes?: 'names' | 'files' }[];
  readonly options: readonly OptionSpec[];
  /**
   * Refuses `--host`. `home`: it works on the files of a home on this machine. `nothing`: it works on no home, so that
   * BERTH_HOST is no matter to it. Absent: it asks an agent as well.
   */
  readonly local?: 'home' | 'nothing';
  /** Kept out of the help. */
  readonly hidden?: boolean;
  readonly load: () => Promise<{ readonly run: CommandRun }>;
}
