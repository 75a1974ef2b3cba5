/**
 * The census: what a host has of a home against what the home's registry says. Nothing left over, nothing missing,
 * nothing doubled, no status ahead of the truth, a history without a hole. It reads both sides by itself.
 */
import { join } from 'node:path';
import { expect } from 'vitest';
import { parsePort, parseVolume } from '../../src/core/spec.js';
import { networkName, volumeName } from '../../src/core/names.js';
import { readBooks, type BookedComponent, type BookedObject, type BookedStatus, type Books } from './census/books.js';
import { historyFindings } from './census/history.js';
import { seeHost, type HostSide, type SeenWorkload } from './census/host.js';
import { lockHoldersOf } from './census/processes.js';
import { eventually } from './eventually.js';

/** A home as far as a census needs to know it. */
export interface CensusOf {
  /** BERTH_HOME. */
  readonly path: string;
}

/** What does not agree, one sentence each; empty: host and registry are one. */
export async function census({ path }: CensusOf): Promise<readonly string[]> {
  const before = readBooks(path);
  const host = await seeHost(path, before.homeId, before.prefix);
  const books = readBooks(path);
  return [
    ...(books.integrity === 'ok' ? [] : [`registry: ${books.integrity}`]),
    ...workloadFindings(books, host),
    ...books.components.flatMap((component) => statusFindings(component, host)),
    ...ledgerFindings(books, host),
    ...volumeFindings(books, host),
    ...processFindings(host),
    ...portFindings(books, host),
    ...(await lockFindings(path, host)),
    ...host.halves.map((name) => `left over: ${name}`),
    ...historyFindings(books),
  ];
}

/** Waits until nothing is at variance any more, and says what is when it takes too long. */
export async function expectCensus(of: CensusOf, describe = 'the census', timeoutMs = 20_000): Promise<void> {
  await eventually(async () => expect(await census(of), describe).toEqual([]), { timeoutMs, everyMs: 200, describe });
}

/** What identifies the run of each workload that is up: id, process and start, by name. */
export async function runsIn({ path }: CensusOf): Promise<ReadonlyMap<string, string>> {
  const { homeId, prefix } = readBooks(path);
  const { workloads } = await seeHost(path, homeId, prefix);
  const up = workloads.filter(({ isUp }) => isUp);
  return new Map(up.map((item) => [item.name, `${item.nativeId} ${String(item.pid)} ${String(item.startedAtMs)}`]));
}

const driverOf = ({ runtime }: BookedComponent): string => (runtime === 'container' ? 'podman' : 'qemu');

function ownOf(component: BookedComponent, host: HostSide): readonly SeenWorkload[] {
  return host.workloads.filter((item) => item.service === component.service && item.component === component.name);
}

function workloadFindings(books: Books, host: HostSide): readonly string[] {
  const left = host.workloads.flatMap((item) => {
    const of = books.components.find(({ service, name }) => service === item.service && name === item.component);
    if (item.homeId !== books.homeId) return [`${item.name} has our prefix and is not of this home`];
    if (!of) return [`left over: ${item.driver} ${item.name}, whose component is gone`];
    if (driverOf(of) !== item.driver) return [`left over: ${item.name} of ${item.driver}, for it is a ${of.runtime}`];
    return item.name === `${books.prefix}${of.workload}` ? [] : [`left over: ${item.name}`];
  });
  const counts = books.components.flatMap((component) => {
    const count = ownOf(component, host).length;
    if (count > 1) return [`doubled: ${component.workload} has ${String(count)} workloads`];
    return count === 0 && component.status?.observed !== 'missing'
      ? [`missing: the workload of ${component.workload}`]
      : [];
  });
  return [...left, ...counts];
}

/** A status may say that it does not know; what it says otherwise must be so. */
function statusFindings(component: BookedComponent, host: HostSide): readonly string[] {
  const { status, workload } = component;
  if (!status) return [`${workload}: no agent has looked at it`];
  if (status.observed === 'unknown') return [];
  const [own] = ownOf(component, host);
  const isUp = own?.isUp === true;
  const facts: readonly (readonly [boolean, string])[] = [
    [!status.ready || isUp, 'is said to be ready and is not up'],
    [(status.observed === 'running' || status.observed === 'paused') === isUp, `is said to be ${status.observed}`],
    [status.nativeId === (own?.nativeId ?? null), `has ${String(own?.nativeId)}, not ${String(status.nativeId)}`],
    ...(status.phase === 'running' ? runningFacts(component, status, own) : []),
  ];
  return facts.filter(([holds]) => !holds).map(([, words]) => `status: ${workload} ${words}`);
}

function runningFacts(component: BookedComponent, status: BookedStatus, own: SeenWorkload | undefined) {
  const env = Object.entries(component.env).map(([key, value]) => `${key}=${value}`);
  return [
    [own?.isUp === true, 'is said to be running and is not'],
    [status.observedGeneration === component.generation, 'is said to run by an older generation'],
    [
      status.startedAtMs === own?.startedAtMs,
      `runs since ${String(own?.startedAtMs)}, not ${String(status.startedAtMs)}`,
    ],
    [status.imageDigest === own?.imageDigest, 'runs another image than is said'],
    [env.every((line) => own?.env.includes(line)), `runs with another environment than ${env.join(' ')}`],
  ] as const;
}

/**
 * A row speaks of a workload by its id, since names change; only an intent has no id. Intents for what was never made
 * may stay: they are the proof of what a runtime may still be making.
 */
function ledgerFindings(books: Books, host: HostSide): readonly string[] {
  const rowOf = (driver: string, id: string): boolean =>
    books.ledger.some((row) => row.driver === driver && (row.nativeId ?? row.name) === id);
  const isThere = ({ driver, kind, name, nativeId }: BookedObject): boolean =>
    host.workloads.some((item) => item.driver === driver && item.nativeId === nativeId) ||
    host.objects.some((item) => item.driver === driver && item.kind === kind && item.name === name);
  const services = new Set(books.services);
  const told = books.ledger.filter(
    (row) => row.nativeId !== null || (row.kind === 'network' && services.has(row.service)),
  );
  return [
    ...host.workloads
      .filter(({ driver, nativeId }) => !rowOf(driver, nativeId))
      .map(({ driver, name, nativeId }) => `ledger: it does not know ${name} (${nativeId}) of ${driver}`),
    ...host.objects
      .filter(({ driver, name }) => !rowOf(driver, name))
      .map(({ driver, kind, name }) => `ledger: it does not know the ${kind} ${name} of ${driver}`),
    ...told
      .filter((row) => !isThere(row))
      .map(({ driver, kind, name }) => `ledger: its ${kind} ${name} of ${driver} is not there`),
    ...books.ledger
      .filter(({ kind, service }) => kind === 'network' && !services.has(service))
      .map(({ name }) => `left over: the network ${name}, whose service is gone`),
  ];
}

/** A volume that was made for a workload which never started is data to nobody, and stays until it is deleted by name. */
function volumeFindings(books: Books, host: HostSide): readonly string[] {
  const has = (driver: string, kind: string, name: string): boolean =>
    host.objects.some((object) => object.driver === driver && object.kind === kind && object.name === name);
  const nameOf = (service: string, volume: string): string => volumeName(books.homeId, service, volume);
  const held = books.holders.flatMap(({ service, volume, driver, state }) => [
    ...(state === 'current' ? [] : [`volumes: ${driver} still has the ${state} of ${service}/${volume}`]),
    ...(has(driver, 'volume', nameOf(service, volume)) ? [] : [`missing: ${service}/${volume} of ${driver}`]),
  ]);
  const wanted = books.components.flatMap((component) => {
    const driver = driverOf(component);
    const named = component.volumes.map(parseVolume).filter((mount) => mount?.kind === 'named');
    const isUp = component.status?.observed === 'running';
    const missing = named.filter(
      (mount) => isUp && mount && !has(driver, 'volume', nameOf(component.service, mount.source)),
    );
    const network = networkName(books.homeId, component.service);
    return [
      ...missing.map((mount) => `missing: the volume ${String(mount?.source)} of ${component.workload} in ${driver}`),
      ...(driver !== 'podman' || !isUp || has('podman', 'network', network) ? [] : [`missing: the network ${network}`]),
    ];
  });
  return [...held, ...wanted];
}

function processFindings(host: HostSide): readonly string[] {
  const found: string[] = [];
  for (const kind of ['conmon', 'qemu'] as const) {
    const driver = kind === 'conmon' ? 'podman' : 'qemu';
    const up = host.workloads.filter((item) => item.driver === driver && item.isUp).map(({ nativeId }) => nativeId);
    const seen = host.processes.filter((item) => item.kind === kind).map(({ of }) => of);
    for (const id of new Set([...up, ...seen])) {
      const [wanted, there] = [up.filter((one) => one === id).length, seen.filter((one) => one === id).length];
      if (wanted !== there) found.push(`processes: ${String(there)} ${kind} for ${id}, not ${String(wanted)}`);
    }
  }
  const pids = (kind: string): readonly number[] => host.processes.filter((p) => p.kind === kind).map(({ pid }) => pid);
  const [agents, services] = [pids('agent'), pids('service')];
  if (agents.join() !== (host.holderPid ?? '').toString())
    found.push(`processes: agents ${agents.join(', ')}; the lock names ${String(host.holderPid)}`);
  if (services.length > 1 || (services.length === 1 && services[0] !== host.servicePid))
    found.push(`processes: podman services ${services.join(', ')}; remembered is ${String(host.servicePid)}`);
  for (const { pid, argv } of host.processes.filter((item) => item.kind === 'stray'))
    found.push(`processes: a stray ${String(pid)}: ${argv.join(' ').slice(0, 200)}`);
  const short = host.podmanFiles.filter((name) => name.startsWith('transient-'));
  return [...found, ...(pids('command').length > 0 ? [] : short.map((name) => `left over: podman/${name}`))];
}

/** Only processes of this home are looked at: their listening sockets are the ports of what runs, no more and no fewer. */
function portFindings(books: Books, host: HostSide): readonly string[] {
  const wanted = books.components
    .filter((component) => ownOf(component, host).some(({ isUp }) => isUp))
    .flatMap(({ ports }) => ports.map(parsePort))
    .map((port) => (port ? `${port.protocol} ${port.hostIp}:${String(port.hostPort)}` : ''));
  // What a dead agent wrote down stays until the next one; nobody listens there meanwhile.
  if (host.apiPort !== null && host.processes.some(({ kind }) => kind === 'agent')) wanted.push(host.apiPort);
  // Podman's names are looked up by one program for all homes, whichever started it.
  const bound = host.processes.filter(({ kind }) => kind !== 'shared').flatMap(({ ports }) => ports);
  const count = (list: readonly string[], port: string): number => list.filter((one) => one === port).length;
  return [...new Set([...wanted, ...bound])]
    .filter((port) => count(wanted, port) !== count(bound, port))
    .map((port) => `ports: ${port} is bound ${String(count(bound, port))} times, not ${String(count(wanted, port))}`);
}

/** Locks that outlive who took them: the agent's, and those that keep a second QEMU out of a folder. */
async function lockFindings(path: string, host: HostSide): Promise<readonly string[]> {
  const known = new Set(host.processes.map(({ pid }) => pid));
  const files = [
    'registry.db.agent.lock',
    ...host.workloads
      .filter(({ driver }) => driver === 'qemu')
      .map(({ nativeId }) => `vm/run/${nativeId}/m/machine.lock`),
  ];
  const found: string[] = [];
  for (const file of files) {
    const strangers = (await lockHoldersOf(join(path, file))).filter((pid) => !known.has(pid));
    found.push(...strangers.map((pid) => `locks: ${file} is held by process ${String(pid)}, which is none of ours`));
  }
  return found;
}
