/** The watch over an EventSource. */
import type { WatchMessage } from '../../api/http/contract.js';
import type { Stream, StreamListener, WatcherPorts } from '../model/watcher.js';
import { Refusal, type Api } from './api.js';

const names = [
  'component',
  'gone',
  'event',
  'changed',
  'synced',
  'beat',
] as const satisfies readonly WatchMessage['name'][];

export function watcherPorts(api: Api): WatcherPorts {
  return {
    open: openStream,
    probe: (signal) =>
      api.agent(signal).then(
        () => 'answers',
        (error: unknown) => {
          if (!(error instanceof Refusal)) return 'silent';
          return error.status === 401 || error.status === 403 ? 'refused' : 'answers';
        },
      ),
    login: () => {
      location.assign('/login');
    },
    now: () => Date.now(),
    after: (delayMs, then) => {
      const timer = setTimeout(then, delayMs);
      return () => {
        clearTimeout(timer);
      };
    },
    chance: () => Math.random(),
  };
}

function openStream(after: string | null, listener: StreamListener): Stream {
  const source = new EventSource(after === null ? '/v1/watch' : `/v1/watch?after=${encodeURIComponent(after)}`);
  for (const name of names) {
    source.addEventListener(name, (event: MessageEvent<string>) => {
      const data: unknown = JSON.parse(event.data);
      listener.onMessage({ name, data } as WatchMessage, event.lastEventId);
    });
  }
  // The browser would try again by itself, but neither soon enough nor with a word of why.
  source.onerror = () => {
    listener.onEnd();
  };
  return {
    close: () => {
      source.close();
    },
  };
}
