/** `berth explain` */
import type { Explanation, HistoryView } from '../../api/views.js';
import { formatAge, formatTime } from '../durations.js';
import type { CommandRun, Invocation } from '../invocation.js';
import { formatEvent } from '../output/event-line.js';
import { phaseTone } from '../output/status-table.js';

/** Says why one component is as it is. */
export const run: CommandRun = async (invocation) => {
  const target = invocation.requiredComponent('explain');
  const client = await invocation.connect();
  const explanation = await client.explain(target);
  if (invocation.json) invocation.printJson(explanation);
  else printExplanation(invocation, explanation);
  return 0;
};

function printExplanation(invocation: Invocation, explanation: Explanation): void {
  const { styles, deps } = invocation;
  const { component } = explanation;
  const nowMs = deps.clock.now();
  const row = (name: string, text: string): void => {
    invocation.print(`${styles.paint('dim', name.padEnd(11))}${text}`);
  };
  const plain = (text: string): string => styles.paint('plain', text);
  invocation.print(
    `${styles.paint('bold', `${component.service}/${component.component}`)} is ` +
      `${styles.paint(phaseTone(component.phase), component.phase)}: ${plain(component.message)} (${plain(component.reason)})`,
  );
  row('desired', `${component.desired}, observed ${component.observed}${component.ready ? ', ready' : ''}`);
  const age = component.observedAgeMs;
  row('seen', age === null ? `${component.driver} has never answered` : `by ${component.driver} ${formatAge(age)} ago`);
  row('generation', generationText(explanation));
  row('image', plain(`${explanation.image.reference} ${explanation.image.digest ?? '(not resolved yet)'}`));
  row(
    'workload',
    plain(
      `${component.workload}, a ${component.runtime} by ${component.driver}, restarts ${component.restarts}${exitText(explanation)}`,
    ),
  );
  row('source', plain(explanation.source ?? 'made by hand'));
  if (explanation.lastChange !== null) row('changed', plain(changeText(explanation.lastChange)));
  for (const reason of explanation.waitsFor) row('waits for', styles.paint('warn', reason));
  if (component.drift.length > 0) invocation.print(`\n${styles.paint('bold', 'Drift')}`);
  for (const drift of component.drift) {
    const since = formatAge(nowMs - Date.parse(drift.since));
    invocation.print(
      `  ${styles.paint('bad', drift.field)}: wanted ${plain(drift.desired)}, is ${plain(drift.observed)}, for ${since}`,
    );
    invocation.print(`    evidence: ${plain(drift.evidence)}`);
    invocation.print(`    action: ${plain(drift.action)}`);
  }
  if (explanation.decisions.length > 0) invocation.print(`\n${styles.paint('bold', 'Last decisions')}`);
  for (const event of explanation.decisions) invocation.print(`  ${formatEvent(event, styles)}`);
}

function generationText(explanation: Explanation): string {
  const { generation, observedGeneration } = explanation.component;
  const seen =
    observedGeneration === generation ? 'the status speaks of it' : `the status still speaks of ${observedGeneration}`;
  const failed = explanation.failedGeneration === generation ? '; it did not become ready, and is not tried again' : '';
  return `${generation}, ${seen}${failed}`;
}

function exitText(explanation: Explanation): string {
  const { exitCode } = explanation.component;
  return exitCode === null ? '' : `, last exit code ${exitCode}`;
}

function changeText(change: HistoryView): string {
  const why = change.message === null ? '' : `: ${change.message}`;
  return `by ${change.actor} at ${formatTime(change.at)}, revision ${change.revision}${why}`;
}
