/** The parser, built from the table of commands. */
import { Command, CommanderError, Option } from 'commander';
import { BerthError } from '../core/errors.js';
import type { CommandSpec, OptionSpec } from './command-spec.js';
import { commandGroups, commands, globalOptions } from './command-table.js';
import type { CliDeps } from './deps.js';

/** What the arguments came to. */
export interface Parsed {
  readonly command: CommandSpec;
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** The help or the version was printed: there is nothing more to do. */
export class HelpShown extends Error {
  readonly exit: number;

  constructor(exit: number) {
    super('help was shown');
    this.exit = exit;
  }
}

const epilogue = `
Exit codes: 0 done, 1 failed, 2 bad usage or invalid definition, 3 not converged in time,
4 no such thing, 5 conflict; plan and drift with --exit-code: 10 when there is a difference.`;

/** A parser for one call. */
export function buildProgram(deps: CliDeps): { parse(argv: readonly string[]): Promise<Parsed> } {
  let parsed: Parsed | undefined;
  const program = new Command('berth')
    .description('Keeps services where they belong.')
    .version(deps.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .addHelpText('after', epilogue);
  const prepare = (command: Command): Command =>
    command
      .exitOverride()
      .showSuggestionAfterError(true)
      .configureOutput({
        writeOut: (text) => deps.stdio.stdout.write(text),
        // Errors are thrown as well, and printed like every other error.
        writeErr: () => undefined,
        ...(deps.stdio.stdout.columns === undefined ? {} : { getOutHelpWidth: () => deps.stdio.stdout.columns ?? 80 }),
      });
  prepare(program);
  const groups = new Map<string, Command>();
  for (const [name, summary] of Object.entries(commandGroups)) {
    groups.set(name, prepare(program.command(name).description(summary)).helpOption('-h, --help', 'show help'));
  }
  for (const spec of commands) {
    const words = spec.name.split(' ');
    const parent = (words.length > 1 ? groups.get(words[0] ?? '') : undefined) ?? program;
    const command = prepare(parent.command(words.at(-1) ?? spec.name, { hidden: spec.hidden === true }));
    command.description(spec.summary).helpOption('-h, --help', 'show help').allowExcessArguments(false);
    for (const argument of spec.args) command.argument(argument.name, argument.summary);
    for (const option of [...spec.options, ...globalOptions]) command.addOption(optionOf(option));
    command.action(() => {
      parsed = { command: spec, args: command.args, options: command.opts<Record<string, unknown>>() };
    });
  }
  return {
    parse: async (argv) => {
      try {
        await program.parseAsync([...argv], { from: 'user' });
      } catch (error) {
        throw translate(error, program, deps, argv);
      }
      if (parsed === undefined) throw new BerthError('E_USAGE', 'no command was named');
      return parsed;
    },
  };
}

function optionOf(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.summary);
  if (spec.choices) option.choices(spec.choices);
  if (spec.many === true) {
    option.argParser((value: string, previous: unknown) => [
      ...(Array.isArray(previous) ? (previous as string[]) : []),
      value,
    ]);
  }
  return option;
}

/** Commander's own errors in our words; its help output is no error. */
function translate(error: unknown, program: Command, deps: CliDeps, argv: readonly string[]): unknown {
  if (!(error instanceof CommanderError)) return error;
  if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return new HelpShown(0);
  if (error.code === 'commander.help') {
    // Without a command, or with a group alone, the help is the answer, and bad usage all the same.
    const group = program.commands.find((command) => command.name() === argv[0]) ?? program;
    deps.stdio.stderr.write(group.helpInformation());
    return new HelpShown(2);
  }
  const [message = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const hint = rest
    .join(' ')
    .trim()
    .replace(/^\(|\)$/g, '');
  return new BerthError('E_USAGE', message, {
    suggestion: hint === '' ? `see: berth ${helpTopic(program, argv)}--help` : hint,
  });
}

function helpTopic(program: Command, argv: readonly string[]): string {
  const command = program.commands.find((candidate) => candidate.name() === argv[0]);
  return command === undefined ? '' : `${command.name()} `;
}
