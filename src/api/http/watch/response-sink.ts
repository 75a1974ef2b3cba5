/** A watch over an HTTP response of Node. */
import type { ServerResponse } from 'node:http';
import type { WatchSink } from './types.js';

/** What is kept for a reader, in bytes, before it is too slow; one batch of changes may come on top. */
const limitBytes = 1_048_576;

/** Of the answer to a watch. Proxies neither keep nor compress it. */
export const watchHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
};

/** The response, whose head is written, as a sink. Whoever gave it ends the watch at its `close` event. */
export function responseSink(response: ServerResponse, limit: number = limitBytes): WatchSink {
  // What breaks a connection also closes it, which is what is listened for.
  response.on('error', () => {});
  return {
    send: (chunk) => {
      if (response.destroyed) return true;
      if (response.writableLength > limit) return false;
      response.write(chunk);
      return true;
    },
    drained: () =>
      new Promise((resolve) => {
        if (response.destroyed || !response.writableNeedDrain) {
          resolve();
          return;
        }
        const finish = (): void => {
          response.off('drain', finish);
          response.off('close', finish);
          resolve();
        };
        response.on('drain', finish);
        response.on('close', finish);
      }),
    close: (reason) => {
      // What a slow reader has not taken is let go of at once.
      if (reason === 'slow') response.destroy();
      else response.end();
    },
  };
}
