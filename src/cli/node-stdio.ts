/** The streams of this process, as the command line wants them. */
import { createInterface } from 'node:readline/promises';
import type { Output, Stdio } from './deps.js';

function outputOf(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    get isTty() {
      return stream.isTTY;
    },
    get columns() {
      return stream.isTTY ? stream.columns : undefined;
    },
  };
}

/** Standard output, standard error and the terminal of this process. */
export function processStdio(): Stdio {
  const canAsk = process.stdin.isTTY && process.stdout.isTTY;
  return {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    ask: canAsk ? ask : undefined,
    onStdoutClosed: (run) => {
      const onError = (error: NodeJS.ErrnoException): void => {
        if (error.code === 'EPIPE') run();
      };
      process.stdout.on('error', onError);
      return () => {
        process.stdout.off('error', onError);
      };
    },
    onInterrupt: (run) => {
      process.on('SIGINT', run);
      process.on('SIGTERM', run);
      return () => {
        process.off('SIGINT', run);
        process.off('SIGTERM', run);
      };
    },
  };
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}
