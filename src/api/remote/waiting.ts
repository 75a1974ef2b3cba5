/** Waiting for components over the API, for longer than one request may last, and through restarts of the agent. */
import type { ProgressView, WaitOptions, WaitResult } from '../client.js';
import { apiPrefix } from '../http/contract.js';
import { pause } from '../ports.js';
import { openHeard } from './heard.js';
import { jsonLines } from './lines.js';
import { errorOfLine, isUnreachable, notUnderstood, unreachable } from './problems.js';
import { progressShape, waitShape } from './shapes.js';
import type { FeedPorts } from './watch-feed.js';

/** The most that one request may wait. */
const longestWaitMs = 600_000;
const openDeadlineMs = 30_000;
/** How much later than it was told to may an agent say that time is up? */
const graceMs = 10_000;
const retryMs = 250;

/** As `BerthClient.waitFor`. */
export async function remoteWait(ports: FeedPorts, options: WaitOptions): Promise<WaitResult> {
  const { clock } = ports;
  const deadlineMs = clock.monotonic() + options.timeoutMs;
  const told = new Teller(options.onProgress);
  const state = { opened: false };
  for (;;) {
    const leftMs = Math.max(0, deadlineMs - clock.monotonic());
    try {
      const timeoutMs = Math.min(leftMs, longestWaitMs);
      const onOpen = (): void => {
        state.opened = true;
      };
      const result = await oneWait(ports, { ...options, timeoutMs, onProgress: (views) => told.tell(views) }, onOpen);
      if (result.outcome !== 'timeout' || leftMs <= longestWaitMs) return result;
    } catch (error) {
      if (options.signal.aborted) return { outcome: 'aborted', views: told.views };
      if (!state.opened || !ports.reconnect || !isUnreachable(error)) throw error;
      if (clock.monotonic() >= deadlineMs) return { outcome: 'timeout', views: told.views };
      await pause(clock, retryMs, options.signal);
    }
  }
}

async function oneWait(
  ports: FeedPorts,
  { components, timeoutMs, signal, onProgress }: WaitOptions,
  onOpen: () => void,
): Promise<WaitResult> {
  const overdue = new AbortController();
  const cut = (): void => {
    overdue.abort();
  };
  if (signal.aborted) cut();
  else signal.addEventListener('abort', cut, { once: true });
  const cancel = ports.clock.after(timeoutMs + graceMs, cut);
  try {
    const body = { components, timeoutMs: Math.ceil(timeoutMs) };
    const call = { method: 'POST', path: `${apiPrefix}/wait`, body, deadlineMs: openDeadlineMs } as const;
    const bytes = await openHeard(ports, call, overdue.signal);
    onOpen();
    for await (const line of jsonLines(bytes)) {
      const error = errorOfLine(line);
      if (error !== undefined) throw error;
      if (!Array.isArray(line)) return waitShape(line, 'the end of the wait');
      onProgress(progressShape(line, 'the progress'));
    }
  } finally {
    cancel();
    signal.removeEventListener('abort', cut);
  }
  if (signal.aborted) throw notUnderstood('the wait was given up');
  throw unreachable(ports.transport.name, 'the wait broke off', true);
}

/** Tells each picture once. */
class Teller {
  views: readonly ProgressView[] = [];
  readonly #onProgress: WaitOptions['onProgress'];
  #last = '';

  constructor(onProgress: WaitOptions['onProgress']) {
    this.#onProgress = onProgress;
  }

  tell(views: readonly ProgressView[]): void {
    this.views = views;
    const text = JSON.stringify(views.map((view) => ({ ...view, component: { ...view.component, observedAgeMs: 0 } })));
    if (text === this.#last) return;
    this.#last = text;
    this.#onProgress(views);
  }
}
