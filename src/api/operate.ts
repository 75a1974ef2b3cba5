/** Operations on what exists: start, stop, restart, delete, volumes. */
import { BerthError } from '../core/errors.js';
import { formatKey, volumeName } from '../core/names.js';
import { nearest } from '../core/nearest.js';
import type { Change, ComponentRecord } from '../core/ports/registry.js';
import { parseVolume, type DesiredState } from '../core/spec.js';
import type { ChangeResult, Target } from './client.js';
import { contextOf, type LocalClientPorts } from './ports.js';
import { effectiveDesired } from './status-view.js';
import { findLiving } from './targets.js';

/** Sets what is wanted now. Components that are so already are not written. E_USAGE to start what is not active. */
export async function setDesired(
  ports: LocalClientPorts,
  target: Target,
  desired: DesiredState,
  message: string | null,
): Promise<ChangeResult> {
  const records = await findLiving(ports.registry, target);
  if (desired === 'running' && records[0]?.service.active === false) {
    throw new BerthError('E_USAGE', `service ${target.service} is not active, so nothing of it starts`, {
      suggestion: 'set active = true in its definition',
    });
  }
  const changes = records
    .filter((record) => record.desired !== desired)
    .map(({ key }): Change => ({ kind: 'set-desired', key, desired }));
  return change(ports, changes, records, message);
}

/** Asks for a restart of what is wanted running. E_USAGE when nothing is. */
export async function restart(ports: LocalClientPorts, target: Target, message: string | null): Promise<ChangeResult> {
  const records = await findLiving(ports.registry, target);
  const running = records.filter((record) => effectiveDesired(record) === 'running');
  const [first] = records;
  if (running.length === 0 && first !== undefined) {
    const name = target.component === null ? target.service : formatKey(first.key);
    throw new BerthError('E_USAGE', `${name} is stopped, so there is nothing to restart`, {
      suggestion: first.service.active ? `start it with: berth start ${name}` : 'set active = true in its definition',
    });
  }
  const changes = running.map(({ key }): Change => ({ kind: 'request-restart', key }));
  return change(ports, changes, running, message);
}

/** Marks for deletion; the agent removes the workloads and then the rows. Named volumes stay. */
export async function remove(ports: LocalClientPorts, target: Target, message: string | null): Promise<ChangeResult> {
  const records = await findLiving(ports.registry, target);
  const { service, component } = target;
  const changes: Change[] =
    component === null
      ? [{ kind: 'delete-service', name: service }]
      : [{ kind: 'delete-component', key: { service, component } }];
  return change(ports, changes, records, message);
}

/** Marks a named volume of a service for removal. E_NOT_FOUND; E_CONFLICT when it is mounted. */
export async function removeVolume(
  ports: LocalClientPorts,
  service: string,
  volume: string,
  message: string | null,
): Promise<ChangeResult> {
  const { registry } = ports;
  const [records, ledger] = await Promise.all([registry.components({ service }), registry.ledger()]);
  const user = records.find((record) => !record.deleting && mountsVolume(record, volume));
  if (user !== undefined) {
    throw new BerthError('E_CONFLICT', `volume ${volume} is mounted by ${formatKey(user.key)}`, {
      suggestion: `take it out of the definition first, or: berth delete ${formatKey(user.key)}`,
    });
  }
  const volumes = ledger.filter((row) => row.kind === 'volume' && row.service === service);
  const prefix = volumeName(registry.homeId, service, '');
  if (!volumes.some((row) => row.name === `${prefix}${volume}`)) {
    const names = volumes.map((row) => (row.name.startsWith(prefix) ? row.name.slice(prefix.length) : row.name));
    const near = nearest(volume, names);
    const others = names.length > 0 ? `its volumes are: ${names.join(', ')}` : 'it has none';
    throw new BerthError('E_NOT_FOUND', `service ${service} has no volume "${volume}"`, {
      suggestion: near === undefined ? others : `did you mean "${near}"?`,
    });
  }
  return change(ports, [{ kind: 'delete-volume', service, volume }], [], message);
}

function mountsVolume(record: ComponentRecord, volume: string): boolean {
  return record.spec.volumes.some((text) => {
    const mount = parseVolume(text);
    return mount?.kind === 'named' && mount.source === volume;
  });
}

async function change(
  ports: LocalClientPorts,
  changes: readonly Change[],
  records: readonly ComponentRecord[],
  message: string | null,
): Promise<ChangeResult> {
  const { registry } = ports;
  const revision =
    changes.length === 0 ? await registry.revision() : await registry.change(changes, contextOf(ports, message));
  return { revision, components: records.map((record) => record.key) };
}
