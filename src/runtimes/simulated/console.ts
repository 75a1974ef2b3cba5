/** The console of a simulated machine: shows what its program prints, and echoes what is typed. */
import { BerthError } from '../../core/errors.js';
import type { ConsoleSession } from '../../core/ports/driver.js';
import type { Clock } from '../../core/ports/clock.js';
import type { Container } from './model.js';

/** E_WORKLOAD_MISSING when it does not run. */
export function openConsole(machine: Container, clock: Clock): ConsoleSession {
  if (!machine.run) throw new BerthError('E_WORKLOAD_MISSING', `${machine.name} does not run: it has no console`);
  const abort = new AbortController();
  return {
    output: output(machine, abort.signal),
    write: (data) => {
      machine.log.write('stdout', Buffer.from(data).toString('utf8'), clock.now());
    },
    written: () => Promise.resolve(),
    close: () => {
      abort.abort();
      return Promise.resolve();
    },
  };
}

async function* output({ log }: Container, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const { text } of log.read({ tail: 0, follow: true }, signal)) yield Buffer.from(`${text}\r\n`);
}
