/** All calls of a driver, each ready to be made: for what must hold of every one of them. */
import { networkName, volumeName } from '../../src/core/names.js';
import type { CreateRequest, Driver, LogLine } from '../../src/core/ports/driver.js';
import type { Fixture } from './fixture.js';

export interface NamedCall {
  readonly name: string;
  readonly make: (signal: AbortSignal) => Promise<unknown>;
}

export interface Calls {
  /** Only look. */
  readonly reads: readonly NamedCall[];
  /** Change one workload of their own, which exists. */
  readonly acts: readonly NamedCall[];
  /** Makes a workload. */
  readonly create: NamedCall;
}

export async function readAll(lines: AsyncIterable<LogLine>): Promise<readonly LogLine[]> {
  const read: LogLine[] = [];
  for await (const line of lines) read.push(line);
  return read;
}

/** `request` is of the workload `id`; `fresh` of one that is not there yet. */
export function callsOf(
  driver: Driver,
  fixture: Fixture,
  id: string,
  request: CreateRequest,
  fresh: CreateRequest,
): Calls {
  const { service, spec } = request;
  const volume = volumeName(fixture.homeId, service, 'data');
  const object = { driver: driver.name, service, component: null };
  return {
    reads: [
      { name: 'list', make: (signal) => driver.list(signal) },
      { name: 'inspect', make: (signal) => driver.inspect(id, signal) },
      { name: 'listObjects', make: (signal) => driver.listObjects(signal) },
      { name: 'stats', make: (signal) => driver.stats(signal) },
      { name: 'logs', make: (signal) => readAll(driver.logs(id, {}, signal)) },
    ],
    acts: [
      { name: 'start', make: (signal) => driver.start(id, signal) },
      { name: 'unpause', make: (signal) => driver.unpause(id, signal) },
      { name: 'rename', make: (signal) => driver.rename(id, service, spec.name, 'previous', signal) },
      {
        name: 'removeObject',
        make: (signal) => driver.removeObject({ ...object, kind: 'volume', name: volume }, signal),
      },
      { name: 'stop', make: (signal) => driver.stop(id, 2_000, signal) },
      { name: 'remove', make: (signal) => driver.remove(id, signal) },
    ],
    create: { name: 'create', make: (signal) => driver.create(fresh, signal) },
  };
}

/** The network of a service, as an object of the ledger. */
export function networkOf(driver: Driver, homeId: string, service: string): Parameters<Driver['removeObject']>[0] {
  return { kind: 'network', driver: driver.name, name: networkName(homeId, service), service, component: null };
}
