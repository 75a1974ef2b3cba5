/** The streams of this process, as the command line wants them. */
import { createInterface } from 'node:readline/promises';
import type { Input, Output, Stdio } from './deps.js';

function outputOf(stream: NodeJS.WriteStream): Output {
  return {
    write: (part) => void stream.write(part),
    get isTty() {
      return stream.isTTY;
    },
    get columns() {
      return stream.isTTY ? stream.columns : undefined;
    },
  };
}

function inputOf(stream: NodeJS.ReadStream): Input {
  return {
    get isTty() {
      return stream.isTTY;
    },
    read: (signal) => chunksOf(stream, signal),
    makeRaw: () => {
      stream.setRawMode(true);
      return () => {
        stream.setRawMode(false);
      };
    },
  };
}

/** Stops reading when the signal fires, so that the process can end though the stream goes on. */
async function* chunksOf(stream: NodeJS.ReadStream, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let ended = stream.readableEnded || signal.aborted;
  let wake = (): void => undefined;
  const onData = (chunk: Uint8Array): void => {
    chunks.push(chunk);
    wake();
  };
  const onEnd = (): void => {
    ended = true;
    wake();
  };
  stream.on('data', onData).on('end', onEnd).on('error', onEnd);
  signal.addEventListener('abort', onEnd, { once: true });
  try {
    for (;;) {
      yield* chunks.splice(0);
      if (chunks.length > 0) continue;
      if (ended) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    signal.removeEventListener('abort', onEnd);
    stream.off('data', onData).off('end', onEnd).off('error', onEnd);
    stream.pause();
    // A file has none, and needs none.
    (stream as { readonly unref?: () => void }).unref?.();
  }
}

/** Standard input, standard output, standard error and the terminal of this process. */
export function processStdio(): Stdio {
  const canAsk = process.stdin.isTTY && process.stdout.isTTY;
  return {
    stdin: inputOf(process.stdin),
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
