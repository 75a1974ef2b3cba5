/** What keeps this home from working, with the remedy for each. */
import { messageOf, toBerthError } from '../core/errors.js';
import type { Driver } from '../core/ports/driver.js';
import type { LocalClientPorts } from './ports.js';
import type { DoctorCheck, DoctorReport } from './views.js';

const probeDeadlineMs = 30_000;

/** Looks at the registry, the agent and every driver. Never throws for what it finds. */
export async function diagnose(ports: LocalClientPorts): Promise<DoctorReport> {
  const checks = [...(await checkRegistry(ports)), await checkAgent(ports), ...(await checkDrivers(ports))];
  return { ok: checks.every((check) => check.level !== 'error'), checks };
}

async function checkRegistry(ports: LocalClientPorts): Promise<readonly DoctorCheck[]> {
  const { registry } = ports;
  try {
    const [revision, components] = await Promise.all([registry.revision(), registry.components()]);
    const invalid = components.filter((record) => record.invalid !== null);
    const detail = `${registry.path}, revision ${revision}, ${components.length} components, home ${registry.homeId}`;
    return [
      passed('registry', 'registry', detail),
      ...invalid.map((record) => ({
        area: 'registry',
        name: `${record.key.service}/${record.key.component}`,
        ok: false,
        level: 'warning' as const,
        detail: record.invalid ?? '',
        remedy: `correct it with: berth edit ${record.key.service}`,
      })),
    ];
  } catch (error) {
    return [failed('registry', 'registry', error)];
  }
}

async function checkAgent(ports: LocalClientPorts): Promise<DoctorCheck> {
  const agent = await ports.agentHolder();
  if (agent !== null)
    return passed('agent', 'agent', `process ${agent.pid}, since ${new Date(agent.sinceMs).toISOString()}`);
  return {
    area: 'agent',
    name: 'agent',
    ok: false,
    level: 'warning',
    detail: 'no agent serves this home: nothing converges',
    remedy: 'start one with: berth agent',
  };
}

async function checkDrivers(ports: LocalClientPorts): Promise<readonly DoctorCheck[]> {
  if (ports.drivers === undefined) return [];
  let drivers: readonly Driver[];
  try {
    drivers = await ports.drivers();
  } catch (error) {
    return [failed('drivers', 'drivers', error)];
  }
  const lists = await Promise.all(drivers.map((driver) => checkDriver(driver, ports)));
  return lists.flat();
}

async function checkDriver(driver: Driver, ports: LocalClientPorts): Promise<readonly DoctorCheck[]> {
  const deadline = new AbortController();
  const cancel = ports.clock.after(probeDeadlineMs, () => deadline.abort());
  try {
    const capabilities = await driver.capabilities(deadline.signal);
    return capabilities.map((capability) => ({
      area: driver.name,
      ...capability,
      // A runtime that is not there at all is named like its driver; whatever else is missing costs a feature.
      level: capability.ok ? 'ok' : capability.name === driver.name ? 'error' : 'warning',
    }));
  } catch (error) {
    return [failed(driver.name, driver.name, error)];
  } finally {
    cancel();
  }
}

function passed(area: string, name: string, detail: string): DoctorCheck {
  return { area, name, ok: true, level: 'ok', detail, remedy: null };
}

function failed(area: string, name: string, error: unknown): DoctorCheck {
  return { area, name, ok: false, level: 'error', detail: messageOf(error), remedy: toBerthError(error).suggestion };
}
