/** One line of events. */
import type { Severity } from '../../../core/event.js';
import type { Folded } from '../../model/fold.js';
import { At, ComponentLink, Words } from '../parts.js';

const tones: Readonly<Record<Severity, string>> = { info: 'rest', warning: 'warn', error: 'bad' };
const signs: Readonly<Record<Severity, string>> = { info: '·', warning: '▲', error: '✕' };

export function EventLine({ line }: { readonly line: Folded }) {
  const { event, count } = line;
  return (
    <li class={`event severity-${event.severity}`} data-row data-service={event.service ?? undefined}>
      <At at={event.at} />
      <span class={`event-sign tone-${tones[event.severity]}`} title={event.severity}>
        <span aria-hidden="true">{signs[event.severity]}</span>
        <span class="hidden-words">{event.severity}</span>
      </span>
      <span class="event-of">
        {event.service === null || event.component === null ? (
          <span class="soft">{event.service ?? 'this home'}</span>
        ) : (
          <ComponentLink service={event.service} component={event.component} />
        )}
      </span>
      <span class="event-reason">
        {event.reason}
        {count > 1 ? (
          <span class="pill" title={`since ${line.firstAt}`}>
            ×{count}
          </span>
        ) : null}
      </span>
      <span class="event-words">
        <Words of={event.message} />
      </span>
    </li>
  );
}
