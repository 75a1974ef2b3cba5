/** What keeps this home from working, with the remedy for each. */
import { messageOf, toBerthError } from '../core/errors.js';
import type { Capability } from '../core/ports/driver.js';
import type { DoctorOptions } from './client.js';
import type { DriverAtHand, DriversAtHand } from './drivers.js';
import { maskWords } from './mask.js';
import { lookAhead } from './outlook/index.js';
import type { LocalClientPorts } from './ports.js';
import type { DoctorCheck, DoctorReport } from './views.js';

const probeDeadlineMs = 30_000;

/** Looks at the registry, the agent, every driver, and what runs out. Never throws for what it finds. */
export async function diagnose(
  ports: LocalClientPorts,
  drivers: DriversAtHand,
  options: DoctorOptions = { drivers: true },
): Promise<DoctorReport> {
  const checks = [
    ...(await checkRegistry(ports)),
    await checkAgent(ports),
    ...(options.drivers ? await checkDrivers(ports, drivers) : []),
    // Last, for a driver that was just opened knows where it keeps things.
    ...(await lookAhead(ports, drivers)),
  ];
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
        detail: maskWords(record.invalid ?? '', record.spec),
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

async function checkDrivers(ports: LocalClientPorts, drivers: DriversAtHand): Promise<readonly DoctorCheck[]> {
  if (!drivers.exist) return [];
  let all: readonly DriverAtHand[];
  try {
    all = await drivers.all();
  } catch (error) {
    return [failed('drivers', 'drivers', error)];
  }
  const lists = await Promise.all(all.map((each) => checkDriver(each, ports)));
  return lists.flat();
}

/** A driver that cannot be opened may still say what it lacks. */
async function checkDriver(
  { driver, problem }: DriverAtHand,
  ports: LocalClientPorts,
): Promise<readonly DoctorCheck[]> {
  const deadline = new AbortController();
  const cancel = ports.clock.after(probeDeadlineMs, () => deadline.abort());
  try {
    const capabilities = await driver.capabilities(deadline.signal);
    const checks = capabilities.map((capability) => checkOf(driver.name, capability));
    const told = checks.some((check) => check.level === 'error');
    return problem === null || told ? checks : [failed(driver.name, driver.name, problem), ...checks];
  } catch (error) {
    return [failed(driver.name, driver.name, problem ?? error)];
  } finally {
    cancel();
  }
}

/** A runtime that is not there at all is named like its driver; whatever else is missing costs a feature. */
function checkOf(area: string, capability: Capability): DoctorCheck {
  const level = capability.ok ? 'ok' : capability.name === area ? 'error' : 'warning';
  return { area, ...capability, level };
}

function passed(area: string, name: string, detail: string): DoctorCheck {
  return { area, name, ok: true, level: 'ok', detail, remedy: null };
}

function failed(area: string, name: string, error: unknown): DoctorCheck {
  return { area, name, ok: false, level: 'error', detail: messageOf(error), remedy: toBerthError(error).suggestion };
}
