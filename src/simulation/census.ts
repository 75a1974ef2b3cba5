/** Compares the simulated host with the registry. */
import type { ComponentRecord, LedgerRecord } from '../core/ports/registry.js';
import type { Container } from '../runtimes/simulated/index.js';
import { historyFindings } from './history.js';
import type { SimulatedHome } from './home.js';

/** Of a simulated home. */
const driverOf = { container: 'simulated', vm: 'simulated-vm' } as const;

/** What is wrong in a home that has converged, in words; empty when nothing is. */
export async function census(home: SimulatedHome): Promise<readonly string[]> {
  const records = await home.registry.components();
  const containers = home.host.containers();
  return [
    ...home.host.violations().map(({ rule, detail }) => `${rule}: ${detail}`),
    ...records.flatMap((record) =>
      findingsOf(
        record,
        containers.filter((item) => home.isOurs(item)),
      ),
    ),
    ...sharedThings(containers.filter(({ state }) => state === 'running')),
    ...staleIntents(await home.registry.ledger(), records, containers),
    ...(await unprovenFindings(home)),
    ...missingNetworks(home),
    ...doubledVolumes(home),
    ...[...home.host.openReads].map((reader) => `${String(reader.description)} is still being read`),
    ...(await home.registry.volumesToRemove()).map(({ volume }) => `volume ${volume} is still to be removed`),
    ...(await historyFindings(home.registry)),
  ];
}

/**
 * What this home made and its ledger does not prove, in words: at any instant each workload has a row by its id, or an
 * intent that waits for one, and each volume and network a row by its name. `byId`: intents are not enough.
 */
export async function unprovenFindings(home: SimulatedHome, byId = true): Promise<readonly string[]> {
  const rows = await home.registry.ledger();
  const findings: string[] = [];
  for (const { id, name, spec } of home.host.containers().filter((item) => home.isOurs(item))) {
    const [service, component] = [spec.labels['berth.service'], spec.labels['berth.component']];
    const isProven = rows.some((row) => row.nativeId === id);
    const isIntended = rows.some(
      (row) => row.nativeId === null && row.service === service && row.component === component,
    );
    if (!isProven && (byId || !isIntended)) findings.push(`the ledger does not know ${name} ${id}`);
  }
  for (const { realm, kind, name, labels } of home.host.things()) {
    if (labels['berth.home'] !== home.registry.homeId) continue;
    const isKnown = rows.some((row) => row.kind === kind && row.name === name && row.driver === driverOf[realm]);
    if (!isKnown) findings.push(`no row for ${kind} ${name} of ${driverOf[realm]}`);
  }
  return findings;
}

/** Rows of the ledger for workloads that this home itself has removed, in words. */
export async function forgottenFindings(home: SimulatedHome): Promise<readonly string[]> {
  const removals = home.host.journal.filter(({ by, action }) => action === 'remove' && by !== 'hand');
  const removed = new Set(removals.map(({ id }) => id));
  const rows = (await home.registry.ledger()).filter(({ nativeId }) => nativeId !== null && removed.has(nativeId));
  return rows.map(({ name, nativeId }) => `the ledger still holds ${name} ${nativeId ?? ''}`);
}

function missingNetworks({ host }: SimulatedHome): readonly string[] {
  return host
    .containers()
    .filter(({ spec }) => spec.network !== null && host.thing('container', 'network', spec.network) === undefined)
    .map(({ name }) => `the network of ${name} is gone`);
}

/** A volume is with one runtime only, once its data has come to where it belongs. */
function doubledVolumes({ host, registry }: SimulatedHome): readonly string[] {
  const ours = host
    .things()
    .filter(({ kind, labels }) => kind === 'volume' && labels['berth.home'] === registry.homeId);
  return ours
    .filter(({ realm, name }) => realm === 'vm' && host.thing('container', 'volume', name) !== undefined)
    .map(({ name }) => `volume ${name} is with the containers and with the machines`);
}

function findingsOf(record: ComponentRecord, containers: readonly Container[]): readonly string[] {
  const { workload, status } = record;
  const named = containers.filter((item) => item.name === workload);
  const [container] = named;
  const findings: string[] = [];
  if (named.length > 1) findings.push(`${workload} is there ${String(named.length)} times`);
  // A job that is done needs no workload.
  const isGone = container === undefined && status.phase === 'completed';
  if (!isGone && status.nativeId !== (container?.id ?? null)) {
    findings.push(
      `the status of ${workload} speaks of ${status.nativeId ?? 'none'}, there is ${container?.id ?? 'none'}`,
    );
  }
  // Of what ended while the answer to a stop was lost nobody knows who ended it.
  const truths = container?.state === 'running' ? ['running'] : isGone ? ['missing'] : ['stopped', 'exited'];
  if (!truths.includes(status.observed)) {
    findings.push(`${workload} is ${truths.join(' or ')}, its status says ${status.observed}`);
  }
  if (status.observedGeneration > record.generation) findings.push(`the status of ${workload} is ahead of its spec`);
  return findings;
}

/** Two that run with one name, address or port. */
function sharedThings(running: readonly Container[]): readonly string[] {
  const holders = new Map<string, string>();
  const findings: string[] = [];
  for (const { id, name, address, spec } of running) {
    const realm = spec.runtime === 'container' ? 'container' : 'vm';
    const things = [`${realm} name ${name}`, ...spec.ports.map((port) => `port ${port}`)];
    if (address !== null) things.push(`${realm} address ${address}`);
    for (const thing of things) {
      const holder = holders.get(thing);
      if (holder !== undefined) findings.push(`${thing} is held by ${holder} and ${id}`);
      holders.set(thing, id);
    }
  }
  return findings;
}

/** Intents whose component or workload is gone. */
function staleIntents(
  ledger: readonly LedgerRecord[],
  records: readonly ComponentRecord[],
  containers: readonly Container[],
): readonly string[] {
  const ids = new Set(containers.map(({ id }) => id));
  const known = new Set(records.map(({ key }) => `${key.service}/${key.component}`));
  return ledger
    .filter(({ kind }) => kind === 'container' || kind === 'vm')
    .filter(({ nativeId, service, component }) => {
      // What a runtime has not answered to may be made long after.
      if (nativeId === null) return false;
      return !ids.has(nativeId) || (component !== null && !known.has(`${service}/${component}`));
    })
    .map(({ name, nativeId }) => `the ledger still holds ${name} ${nativeId ?? ''}`);
}
