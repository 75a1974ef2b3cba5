/** What goes on, over the watch: the status as it changes, and each new event. */
import { severities } from '../../core/event.js';
import type { EventOptions } from '../client.js';
import type { SseMessage } from '../http/watch/parse.js';
import type { EventView, StatusReport } from '../views.js';
import { isUnreachable, notUnderstood, quote } from './problems.js';
import { eventShape } from './shapes.js';
import { StatusPicture } from './status-picture.js';
import { watchFeed, type FeedPorts } from './watch-feed.js';

/** What is asked beside the watch. */
export interface FollowPorts extends FeedPorts {
  readonly status: (service: string | null) => Promise<StatusReport>;
  /** The agent now. */
  readonly agent: () => Promise<StatusReport['agent']>;
  readonly events: (options: EventOptions) => Promise<readonly EventView[]>;
  /** The registry's history and where it is. */
  readonly position: () => Promise<{ readonly epoch: string; readonly revision: number }>;
}

/** The status now, and again whenever it says something else. E_NOT_FOUND for an unknown service. */
export async function* followStatus(
  ports: FollowPorts,
  service: string | null,
  signal: AbortSignal,
): AsyncGenerator<StatusReport> {
  const picture = new StatusPicture(ports.clock, await ports.status(service));
  const first = picture.news();
  if (first !== null) yield first;
  const options = { service, after: null, restart: () => Promise.resolve(null) };
  for await (const item of watchFeed(ports, options, signal)) {
    if (item.kind === 'open') {
      // Who serves now: another agent than before, after a break.
      picture.setAgent(await agentNow(ports));
      if (item.anew) picture.beginAnew();
    } else if (item.kind === 'lost') picture.setAgent(null);
    else {
      for (const message of item.messages) picture.take(message.name, jsonOf(message));
      if (!picture.served) picture.setAgent(await agentNow(ports));
    }
    const news = picture.news();
    if (news !== null) yield news;
  }
}

/** One that cannot be asked now is asked again with what it tells next. */
async function agentNow(ports: FollowPorts): Promise<StatusReport['agent']> {
  try {
    return await ports.agent();
  } catch (error) {
    if (isUnreachable(error)) return null;
    throw error;
  }
}

/** The events asked for, and then each new one. */
export async function* followEvents(
  ports: FollowPorts,
  options: EventOptions,
  signal: AbortSignal,
): AsyncGenerator<EventView> {
  let { epoch, revision: cursor } = await ports.position();
  for (const event of await ports.events(options)) {
    cursor = Math.max(cursor, event.revision);
    yield event;
  }
  let missed: readonly EventView[] = [];
  const restart = async (): Promise<string> => {
    const now = await ports.position();
    // Of a history that was put back nothing is missed: it has another beginning.
    if (now.epoch === epoch) missed = await ports.events({ ...options, sinceMs: null, tail: null, after: cursor });
    else cursor = now.revision;
    epoch = now.epoch;
    return `${now.epoch}:${now.revision}`;
  };
  const feed = { service: options.target?.service ?? null, after: `${epoch}:${cursor}`, restart };
  for await (const item of watchFeed(ports, feed, signal)) {
    const told = item.kind === 'messages' ? eventsIn(item.messages) : [];
    const news = [...missed, ...told];
    missed = [];
    for (const event of news) {
      if (event.revision <= cursor || !concerns(event, options)) continue;
      cursor = event.revision;
      yield event;
    }
  }
}

function eventsIn(messages: readonly SseMessage[]): readonly EventView[] {
  return messages
    .filter((message) => message.name === 'event')
    .map((message) => eventShape(jsonOf(message), 'the event'));
}

function concerns(event: EventView, { target, severity = null }: EventOptions): boolean {
  if (severity !== null && severities.indexOf(event.severity) < severities.indexOf(severity)) return false;
  if (target === null) return true;
  return event.service === target.service && (target.component === null || event.component === target.component);
}

function jsonOf(message: SseMessage): unknown {
  try {
    return JSON.parse(message.data) as unknown;
  } catch (error) {
    throw notUnderstood(`the watch tells what is not JSON: ${quote(message.data)}`, error);
  }
}
