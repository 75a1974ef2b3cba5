/** Streams that are never silent for long: whoever is, is gone, though nothing says so. */
import type { Clock } from '../../core/ports/clock.js';
import { unreachable } from './problems.js';
import type { Call, Transport } from './transport.js';

/** An agent says something every few seconds on each of its streams, be it a beat or an empty line. Milliseconds. */
export const silenceMs = 45_000;

export interface StreamPorts {
  readonly transport: Transport;
  readonly clock: Clock;
}

/** Opens a stream; once it is read, it breaks off with E_AGENT_UNREACHABLE when nothing comes for long. */
export async function openHeard(
  { transport, clock }: StreamPorts,
  call: Omit<Call, 'signal'>,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const line = lineUntilSilent(clock, signal);
  try {
    const bytes = await transport.stream({ ...call, signal: line.signal });
    return whileHeard(bytes, line, transport.name);
  } catch (error) {
    line.end();
    throw error;
  }
}

async function* whileHeard(bytes: AsyncIterable<Uint8Array>, line: Line, name: string): AsyncGenerator<Uint8Array> {
  try {
    line.heard();
    for await (const chunk of bytes) {
      line.heard();
      yield chunk;
    }
  } catch (error) {
    throw line.isSilent() ? unreachable(name, `nothing came for ${silenceMs / 1_000} s`, true) : error;
  } finally {
    line.end();
  }
}

interface Line {
  /** Fires with the signal it was made from, or when nothing was heard for long. */
  readonly signal: AbortSignal;
  isSilent(): boolean;
  heard(): void;
  end(): void;
}

function lineUntilSilent(clock: Clock, signal: AbortSignal): Line {
  const controller = new AbortController();
  let silent = false;
  let cancel = (): void => undefined;
  const cut = (): void => {
    controller.abort();
  };
  if (signal.aborted) cut();
  else signal.addEventListener('abort', cut, { once: true });
  return {
    signal: controller.signal,
    isSilent: () => silent,
    heard: () => {
      cancel();
      cancel = clock.after(silenceMs, () => {
        silent = true;
        cut();
      });
    },
    end: () => {
      cancel();
      signal.removeEventListener('abort', cut);
    },
  };
}
