/**
 * What runs out: disks, memory, certificates, backups, and the patience with what is held or given up. Asks no runtime
 * what it can do, so that a page may ask each minute.
 */
import { dirname } from 'node:path';
import { messageOf, toBerthError } from '../../core/errors.js';
import type { NodeFacts } from '../../core/ports/node-facts.js';
import type { ComponentRecord } from '../../core/ports/registry.js';
import type { DriversAtHand } from '../drivers.js';
import type { LocalClientPorts } from '../ports.js';
import type { DoctorCheck } from '../views.js';
import { backupCheck } from './backups.js';
import { certificateCheck, certificateFiles, endOfValidity } from './certificates.js';
import { checkOf } from './check.js';
import { diskChecks, type Place, type PlaceFound } from './disk.js';
import { beginOfHold, heldOf, holdChecks } from './holds.js';
import { memoryCheck } from './memory.js';
import { triesChecks } from './tries.js';

/** Never fails: a part that cannot be looked at says so in a check of its own. */
export async function lookAhead(ports: LocalClientPorts, drivers: DriversAtHand): Promise<readonly DoctorCheck[]> {
  const { registry, node, clock } = ports;
  let records: readonly ComponentRecord[];
  try {
    records = await registry.components();
  } catch {
    // The check of the registry says why; the node is looked at nevertheless.
    records = [];
  }
  const ofNode: readonly [string, () => Promise<readonly DoctorCheck[]>][] =
    node === undefined
      ? []
      : [
          ['disk', () => checkDisks(node, registry.path, drivers)],
          ['memory', () => Promise.resolve([memoryCheck(records, node.memory())])],
          ['certificates', () => checkCertificates(node, records, clock.now())],
          ['backups', async () => given(backupCheck(records, await node.lastCopy(), clock.now()))],
        ];
  const parts: typeof ofNode = [
    ...ofNode,
    ['holds', () => checkHolds(ports, records)],
    ['tries', () => Promise.resolve(triesChecks(records))],
  ];
  const lists = await Promise.all(parts.map(([area, look]) => guarded(area, look)));
  return lists.flat();
}

async function guarded(area: string, look: () => Promise<readonly DoctorCheck[]>): Promise<readonly DoctorCheck[]> {
  try {
    return await look();
  } catch (error) {
    const remedy = toBerthError(error).suggestion;
    return [checkOf(area, area, 'warning', { detail: `cannot be told: ${messageOf(error)}`, remedy })];
  }
}

function given<T>(value: T | null): readonly T[] {
  return value === null ? [] : [value];
}

async function checkDisks(
  node: NodeFacts,
  registryPath: string,
  drivers: DriversAtHand,
): Promise<readonly DoctorCheck[]> {
  const places: readonly Place[] = [{ what: 'the registry', path: dirname(registryPath) }, ...(await drivers.stores())];
  const found: PlaceFound[] = [];
  for (const place of places) {
    try {
      const space = await node.space(place.path);
      if (space !== undefined) found.push({ ...place, found: space });
    } catch (error) {
      found.push({ ...place, found: messageOf(error) });
    }
  }
  return diskChecks(found);
}

/** No chain of certificates is longer. */
const certificateBytes = 262_144;
const certificatesRead = 50;

async function checkCertificates(
  node: NodeFacts,
  records: readonly ComponentRecord[],
  nowMs: number,
): Promise<readonly DoctorCheck[]> {
  const checks: DoctorCheck[] = [];
  for (const file of certificateFiles(records).slice(0, certificatesRead)) {
    const text = await node.readText(file.path, certificateBytes);
    const endMs = text === undefined ? null : endOfValidity(text);
    if (endMs !== null) checks.push(certificateCheck(file, endMs, nowMs));
  }
  return checks;
}

/** Whoever holds more than this has other worries than their age. */
const holdsRead = 200;
/** Changes of one component since it was held. */
const historyRead = 100;

async function checkHolds(
  { registry }: LocalClientPorts,
  records: readonly ComponentRecord[],
): Promise<readonly DoctorCheck[]> {
  const held = heldOf(records);
  const holds = await Promise.all(
    held.slice(0, holdsRead).map(async (record) => ({
      record,
      began: beginOfHold(await registry.history({ ...record.key, limit: historyRead })),
    })),
  );
  return holdChecks(holds, Math.max(0, held.length - holdsRead));
}
