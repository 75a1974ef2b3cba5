/** Waiting for components with the progress shown as it comes. */
import type { BerthClient, ProgressView, WaitResult } from '../api/client.js';
import { BerthError } from '../core/errors.js';
import { formatTime } from './durations.js';
import type { Invocation } from './invocation.js';
import { phaseTone } from './output/status-table.js';

export const defaultTimeoutMs = 60_000;
/** Ended by Ctrl-C while it waited: 128 + SIGINT. */
const exitInterrupted = 130;

export interface WaitRequest {
  readonly components: readonly { readonly service: string; readonly component: string }[];
  readonly timeoutMs: number;
  /** The revision that is waited for; part of the JSON. */
  readonly revision: number;
  /** More for the JSON. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Waits, and answers the exit code. E_NOT_CONVERGED, E_COMPONENT_FAILED. */
export async function waitAndReport(
  invocation: Invocation,
  client: BerthClient,
  request: WaitRequest,
): Promise<number> {
  const { json } = invocation;
  const agent = await client.agent();
  if (agent === null) invocation.remark('no agent serves this home yet: waiting for one (berth agent)');
  const { signal, interrupted } = invocation.untilInterrupted();
  const shown = new Map<string, string>();
  const result = await client.waitFor({
    components: request.components,
    timeoutMs: request.timeoutMs,
    signal,
    onProgress: (views) => {
      if (!json) for (const view of views) showProgress(invocation, view, shown);
    },
  });
  if (json) {
    invocation.printJson({
      revision: request.revision,
      outcome: result.outcome,
      ...request.extra,
      components: result.views.map((view) => ({ ...view.component, progress: view.progress })),
    });
  }
  if (result.outcome === 'aborted') {
    if (interrupted()) invocation.remark('not waiting any longer; what was asked for goes on');
    return interrupted() ? exitInterrupted : 0;
  }
  if (result.outcome !== 'converged') throw failureOf(result, request.timeoutMs);
  if (!json) invocation.print(`converged: ${countText(request.components.length)}`);
  return 0;
}

function showProgress(invocation: Invocation, view: ProgressView, shown: Map<string, string>): void {
  const { component } = view;
  const name = `${component.service}/${component.component}`;
  const text = `${component.phase}  ${component.message}`;
  if (shown.get(name) === text) return;
  shown.set(name, text);
  const { styles, deps } = invocation;
  const time = styles.paint('dim', formatTime(new Date(deps.clock.now()).toISOString()).slice(11));
  const phase = styles.paint(phaseTone(component.phase), component.phase.padEnd(9));
  invocation.print(`${time}  ${name.padEnd(20)}  ${phase}  ${styles.paint('plain', component.message)}`);
}

function failureOf(result: WaitResult, timeoutMs: number): BerthError {
  const failed = result.outcome === 'failed';
  const guilty = result.views.filter((view) => view.progress === (failed ? 'failed' : 'waiting'));
  const [first] = guilty;
  const name = first === undefined ? '' : `${first.component.service}/${first.component.component}`;
  const why = first === undefined ? '' : `: ${name} is ${first.component.phase}: ${first.component.message}`;
  const details = { components: guilty.map((view) => `${view.component.service}/${view.component.component}`) };
  const suggestion = name === '' ? {} : { suggestion: `see why with: berth explain ${name}` };
  return failed
    ? new BerthError('E_COMPONENT_FAILED', `${countText(guilty.length)} failed${why}`, { details, ...suggestion })
    : new BerthError(
        'E_NOT_CONVERGED',
        `${countText(guilty.length)} not converged after ${timeoutMs / 1_000} s${why}`,
        {
          details,
          ...suggestion,
        },
      );
}

function countText(count: number): string {
  return count === 1 ? '1 component' : `${count} components`;
}
