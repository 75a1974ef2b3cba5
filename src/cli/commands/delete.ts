/** `berth delete` */
import type { Target } from '../../api/client.js';
import { BerthError } from '../../core/errors.js';
import { changeAndReport } from '../changing.js';
import type { CommandRun, Invocation } from '../invocation.js';

/** Removes a service or a component, or with `--volume` a named volume and its data. */
export const run: CommandRun = async (invocation) => {
  const target = invocation.requiredTarget();
  const volume = invocation.options.text('volume');
  if (volume !== null) return deleteVolume(invocation, target, volume);
  const name = target.component === null ? `service ${target.service}` : `${target.service}/${target.component}`;
  // Whether it exists is said before anybody is asked.
  const client = await invocation.connect();
  if (target.component === null) await client.status({ service: target.service });
  else await client.explain({ service: target.service, component: target.component });
  if (!(await invocation.confirm(`Delete ${name}? Its named volumes stay.`))) return declined(invocation);
  return changeAndReport(invocation, 'being deleted', () => client.delete(target, invocation.note));
};

async function deleteVolume(invocation: Invocation, target: Target, volume: string): Promise<number> {
  const { service, component } = target;
  if (component !== null) {
    throw new BerthError('E_USAGE', 'volumes belong to services: name the service alone', {
      suggestion: `run: berth delete ${service} --volume ${volume}`,
    });
  }
  if (!(await invocation.confirm(`Delete volume ${volume} of service ${service} with all its data?`))) {
    return declined(invocation);
  }
  const client = await invocation.connect();
  const result = await client.deleteVolume(service, volume, invocation.note);
  if (invocation.json) invocation.printJson({ revision: result.revision, service, volume });
  else invocation.print(`volume ${volume} of service ${service}: being deleted`);
  return 0;
}

function declined(invocation: Invocation): number {
  invocation.print('nothing was deleted');
  return 1;
}
