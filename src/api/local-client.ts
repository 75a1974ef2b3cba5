/** The client that works on the registry file itself: for a command line beside the agent, or without one. */
import { formatKey } from '../core/names.js';
import { carryOut, planOfApply, planOfRefresh, planOfReplace, shown } from './apply.js';
import { readBase } from './bases.js';
import type { BerthClient } from './client.js';
import { diagnose } from './doctor.js';
import { DriversAtHand } from './drivers.js';
import { collectGarbage } from './garbage.js';
import { openConsole, runInside } from './inside.js';
import { readLogs } from './logs.js';
import { remove, removeVolume, restart, setDesired } from './operate.js';
import type { LocalClientPorts } from './ports.js';
import { explain, exportService, planOfRollback, readHistory, readStatus } from './reading.js';
import { readUsage } from './usage.js';
import { followEvents, readEvents, waitFor, watchStatus } from './watching.js';

export type { LocalClientPorts } from './ports.js';

/** A client over an open registry. `close` closes the registry, and the drivers if they were opened. */
export function createLocalClient(ports: LocalClientPorts): BerthClient {
  const { registry } = ports;
  const drivers = new DriversAtHand(ports.drivers, ports.clock);
  return {
    plan: async (options) => shown(await planOfApply(ports, options)),
    apply: async (options) => carryOut(ports, await planOfApply(ports, options), options.force, options.message),
    planReplace: async (options) => shown(await planOfReplace(ports, options)),
    replace: async (options) => carryOut(ports, await planOfReplace(ports, options), options.force, options.message),
    refresh: async (target, note) => carryOut(ports, await planOfRefresh(ports, target), false, note.message),

    status: (filter) => readStatus(ports, { ...filter, mustExist: true }),
    watchStatus: (filter, signal) => watchStatus(ports, filter.service, signal),
    explain: (target) => explain(ports, target),
    usage: (target) => readUsage(ports, target),
    events: (options) => readEvents(ports, options),
    followEvents: (options, signal) => followEvents(ports, options, signal),
    logs: (options, signal) => readLogs(ports, drivers, options, signal),
    console: (target, signal) => openConsole(ports, drivers, target, signal),
    exec: (target, argv, signal) => runInside(ports, drivers, target, argv, signal),
    gc: (options, signal) => collectGarbage(drivers, options, signal),

    setDesired: (target, desired, note) => setDesired(ports, target, desired, note.message),
    restart: (target, note) => restart(ports, target, note.message),
    delete: (target, note) => remove(ports, target, note.message),
    deleteVolume: (service, volume, note) => removeVolume(ports, service, volume, note.message),

    history: (target, limit, before) => readHistory(ports, target, limit, before),
    planRollback: async (service, to) => {
      // Before the plan: what is changed in between is in the plan, and at worst taken for a change after it.
      const base = await readBase(registry, service);
      return { ...shown(await planOfRollback(ports, service, to, null)), base };
    },
    rollback: async (service, to, note) => {
      const planned = await planOfRollback(ports, service, to, note.base ?? null);
      return { ...(await carryOut(ports, planned, true, note.message)), to: planned.to };
    },
    export: (service, options = { reveal: false }) => exportService(ports, service, options),

    doctor: (options) => diagnose(ports, drivers, options),
    waitFor: (options) => waitFor(ports, options),
    agent: () => ports.agentHolder(),
    names: async () => {
      const records = await registry.components();
      const services = new Set(records.map((record) => record.key.service));
      return [...services, ...records.map((record) => formatKey(record.key))].sort();
    },
    close: async () => {
      await drivers.close();
      await registry.close();
    },
  };
}
