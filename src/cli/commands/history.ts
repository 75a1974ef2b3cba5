/** `berth history` */
import type { HistoryView } from '../../api/views.js';
import { formatTime } from '../durations.js';
import type { CommandRun } from '../invocation.js';
import { formatValue } from '../output/plan-text.js';
import { cell, formatTable } from '../output/table.js';

const defaultLimit = 20;

/** Shows who changed a definition, newest first. */
export const run: CommandRun = async (invocation) => {
  const target = invocation.requiredTarget();
  const limit = invocation.options.count('limit', 1) ?? defaultLimit;
  const client = await invocation.connect();
  const entries = await client.history(target, limit);
  if (invocation.json) {
    invocation.printJson(entries);
    return 0;
  }
  const rows = entries.map((entry) => [
    cell(String(entry.revision)),
    cell(formatTime(entry.at)),
    cell(entry.actor),
    cell(entry.component === null ? (entry.service ?? '-') : `${entry.service ?? ''}/${entry.component}`),
    cell(opText[entry.op]),
    cell(entry.message ?? '-', entry.message === null ? 'dim' : 'plain'),
    cell(entry.op === 'update' ? changesText(entry) : '-'),
  ]);
  const headings = ['REVISION', 'AT', 'BY', 'WHAT', 'CHANGE', 'MESSAGE', 'FIELDS'];
  invocation.print(formatTable(headings, rows, invocation.styles));
  return 0;
};

const opText: Readonly<Record<HistoryView['op'], string>> = { insert: 'made', update: 'changed', delete: 'deleted' };

function changesText(entry: HistoryView): string {
  return entry.changes
    .map((change) => `${change.field}: ${formatValue(change.before)} → ${formatValue(change.after)}`)
    .join('; ');
}
