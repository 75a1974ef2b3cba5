/** `berth logs` */
import type { LogEntry } from '../../api/views.js';
import type { CommandRun, Invocation } from '../invocation.js';
import { printable } from '../output/styles.js';

/** Shows the lines of one component, or those of a service with the component before each. */
export const run: CommandRun = async (invocation) => {
  const { options, deps } = invocation;
  const target = invocation.requiredTarget();
  const follow = options.flag('follow');
  const query = {
    target,
    follow,
    tail: options.count('tail', 0),
    sinceMs: options.sinceMs('since', deps.clock.now()),
  };
  const client = await invocation.connect();
  const status = await client.status({ service: target.service });
  const width = Math.max(0, ...status.components.map((component) => component.component.length));
  const prefixed = target.component === null && status.components.length > 1;
  const { signal } = invocation.untilInterrupted();
  for await (const entry of client.logs(query, signal)) {
    invocation.print(invocation.json ? JSON.stringify(entry) : formatEntry(invocation, entry, prefixed ? width : null));
  }
  return 0;
};

/** On a terminal a program's line must not move the cursor; into a file or pipe it goes as it is. */
function formatEntry(invocation: Invocation, entry: LogEntry, width: number | null): string {
  const { styles, options, deps } = invocation;
  const prefix = width === null ? '' : `${styles.paint('dim', `${entry.component.padEnd(width)} |`)} `;
  const time = options.flag('timestamps') && entry.at !== null ? `${styles.paint('dim', entry.at)} ` : '';
  return prefix + time + (deps.stdio.stdout.isTty ? printable(entry.text) : entry.text);
}
