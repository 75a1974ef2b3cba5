/** One event, one line. */
import type { EventView } from '../../api/views.js';
import type { Severity } from '../../core/event.js';
import { formatTime } from '../durations.js';
import type { Styles, Tone } from './styles.js';

const tones: Readonly<Record<Severity, Tone>> = { info: 'plain', warning: 'warn', error: 'bad' };

/** Time, severity, component, reason, message. */
export function formatEvent(event: EventView, styles: Styles): string {
  const what =
    event.service === null ? '-' : event.component === null ? event.service : `${event.service}/${event.component}`;
  return [
    styles.paint('dim', formatTime(event.at)),
    styles.paint(tones[event.severity], event.severity.padEnd(7)),
    what.padEnd(20),
    styles.paint('bold', event.reason.padEnd(16)),
    styles.paint('plain', event.message),
  ].join('  ');
}
