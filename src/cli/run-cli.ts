/** The command line's entrance: arguments in, exit code out. */
import { toBerthError } from '../core/errors.js';
import type { CliDeps } from './deps.js';
import { refuseHost } from './host.js';
import { Invocation, Options } from './invocation.js';
import { printError } from './output/errors.js';
import { buildProgram, HelpShown, type Parsed } from './program.js';

/** Runs one command. Never throws: whatever goes wrong is printed to stderr and becomes the exit code. */
export async function runCli(argv: readonly string[], deps: CliDeps): Promise<number> {
  // For as long as the process lives: whoever reads stdout may go at any time, and that is no failure.
  deps.stdio.onStdoutClosed(() => undefined);
  let parsed: Parsed;
  try {
    parsed = await buildProgram(deps).parse(argv);
  } catch (error) {
    if (error instanceof HelpShown) return error.exit;
    return printError(error, deps, wantsJson(argv));
  }
  const invocation = new Invocation(deps, parsed.args, new Options(parsed.options));
  try {
    refuseHost(parsed.command, invocation);
    const { run } = await parsed.command.load();
    return await run(invocation);
  } catch (error) {
    return printError(error, deps, invocation.json);
  } finally {
    await invocation.finish().catch((error: unknown) => printError(toBerthError(error), deps, invocation.json));
  }
}

/** Before the arguments are understood: was JSON asked for? */
function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (arg, index) =>
      arg === '-ojson' ||
      arg === '--output=json' ||
      ((arg === '-o' || arg === '--output') && argv[index + 1] === 'json'),
  );
}
