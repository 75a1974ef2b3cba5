/** Failures that nobody waits for: a fault of ours in one place must not end what keeps everything else running. */
import type { EventEmitter } from 'node:events';
import { messageOf } from '../core/errors.js';
import type { Log } from '../core/ports/log.js';

/**
 * Logs each rejection that no one handles, with where it came from, instead of letting it end the process: whatever was
 * left undone is looked at again at the next pass. `from`: the process. Answers what takes it back.
 */
export function hearUnheard(from: Pick<EventEmitter, 'on' | 'off'>, log: Pick<Log, 'error'>): () => void {
  const hear = (reason: unknown): void => {
    const stack = reason instanceof Error ? reason.stack : undefined;
    log.error({ err: messageOf(reason), stack }, 'something failed that nobody waited for; please report it');
  };
  from.on('unhandledRejection', hear);
  return () => {
    from.off('unhandledRejection', hear);
  };
}
