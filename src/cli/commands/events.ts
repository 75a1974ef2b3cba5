/** `berth events` */
import type { EventOptions } from '../../api/client.js';
import type { EventView } from '../../api/views.js';
import type { CommandRun } from '../invocation.js';
import { formatEvent } from '../output/event-line.js';

const defaultTail = { once: 50, following: 10 };

/** Shows events, and with `--follow` goes on with each new one. JSON is one object a line. */
export const run: CommandRun = async (invocation) => {
  const { options, deps, styles } = invocation;
  const follow = options.flag('follow');
  const sinceMs = options.sinceMs('since', deps.clock.now());
  const usual = sinceMs !== null ? null : follow ? defaultTail.following : defaultTail.once;
  const query: EventOptions = {
    target: invocation.target(0),
    sinceMs,
    tail: options.count('tail', 0) ?? usual,
  };
  const client = await invocation.connect();
  const show = (event: EventView): void =>
    invocation.print(invocation.json ? JSON.stringify(event) : formatEvent(event, styles));
  if (!follow) {
    for (const event of await client.events(query)) show(event);
    return 0;
  }
  const { signal } = invocation.untilInterrupted();
  for await (const event of client.followEvents(query, signal)) show(event);
  return 0;
};
