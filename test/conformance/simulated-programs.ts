/** What the programs of the suite are on a simulated host. */
import type { Behaviour, RunFacts } from '../../src/runtimes/simulated/index.js';
import type { TestProgram } from './fixture.js';

const tickEveryMs = 100;
const mostTicks = 1_000;

const sleeping: Behaviour = { termExitCode: 0 };

/** Prints all at once, then ends. */
function printing(text: string): Behaviour {
  return { output: [{ afterMs: 1, text }], exitAfterMs: 20 };
}

function behaviourOf(program: TestProgram, env: RunFacts['env']): Behaviour {
  switch (program.does) {
    case 'sleep':
      return sleeping;
    case 'exit':
      return { exitAfterMs: 20, exitCode: program.code };
    case 'ignore-term':
      return { ignoresTerm: true };
    case 'print': {
      const { lines, errorLines = [], unfinished = '', then } = program;
      const output = [
        { afterMs: 1, text: lines.map((line) => `${line}\n`).join('') },
        { afterMs: 2, stream: 'stderr' as const, text: errorLines.map((line) => `${line}\n`).join('') },
        { afterMs: 3, text: unfinished },
      ];
      return then === 'exit' ? { output, exitAfterMs: 20 } : { ...sleeping, output };
    }
    case 'count': {
      const { lines, width = 0 } = program;
      return printing(
        Array.from({ length: lines }, (_, index) => `line ${index + 1}`.padEnd(width, '.') + '\n').join(''),
      );
    }
    case 'raw': {
      const bytes = Buffer.from(program.base64, 'base64').toString('utf8');
      return printing(`${bytes}${'x'.repeat(program.longLine)}\nend`);
    }
    case 'say': {
      const texts = [...program.arguments, ...program.variables.map((name) => env[name] ?? '')];
      return printing(texts.map((text) => `<${text}>\n`).join(''));
    }
    case 'tick': {
      const ticks = Array.from({ length: mostTicks }, (_, index) => index + 1);
      return { ...sleeping, output: ticks.map((tick) => ({ afterMs: tick * tickEveryMs, text: `tick ${tick}\n` })) };
    }
  }
}

/** The command of a simulated workload is its program, as JSON; whatever else it is told, it sleeps. */
export function programOf({ command, env }: RunFacts): Behaviour {
  const [text = ''] = command;
  return text.startsWith('{"does"') ? behaviourOf(JSON.parse(text) as TestProgram, env) : sleeping;
}
