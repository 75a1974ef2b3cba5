/** Server-sent events as text. Format: https://html.spec.whatwg.org/multipage/server-sent-events.html */
import type { WatchMessage } from '../contract.js';

/** One message. `json`: its data as JSON in one line. Without an id the reader keeps the one it has. */
export function eventText(name: WatchMessage['name'], json: string, id: string | null): string {
  return `${id === null ? '' : `id: ${id}\n`}event: ${name}\ndata: ${json}\n\n`;
}

/** First of all: proxies pass on what has begun, and a browser comes back after a second. */
export const openingText = ': berth watch\nretry: 1000\n\n';
