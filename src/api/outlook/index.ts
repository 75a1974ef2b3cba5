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
import { backupCheck, changedSince, firstChangeMs } from './backups.js';
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
          ['backups', () => checkBackups(ports, node, records)],
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
  const unread: { readonly path: string; readonly why: string }[] = [];
  for (const file of certificateFiles(records).slice(0, certificatesRead)) {
    try {
      const text = await node.readText(file.path, certificateBytes);
      const endMs = text === undefined ? null : endOfValidity(text);
      if (endMs !== null) checks.push(certificateCheck(file, endMs, nowMs));
    } catch (error) {
      unread.push({ path: file.path, why: messageOf(error) });
    }
  }
  return [...checks, ...unreadCheck(unread)];
}

/** One check for all that could not be looked at: mostly one file system is the reason. */
function unreadCheck(unread: readonly { readonly path: string; readonly why: string }[]): readonly DoctorCheck[] {
  const [first] = unread;
  if (first === undefined) return [];
  const others = unread.length === 1 ? '' : `; nor can ${unread.length - 1} more`;
  const remedy = `see what is the matter with ${first.path}`;
  return [checkOf('certificates', first.path, 'warning', { detail: `cannot be told: ${first.why}${others}`, remedy })];
}

/** Changes of more components than this are not looked into: those that changed last are younger anyway. */
const changedRead = 200;

async function checkBackups(
  { registry, clock }: LocalClientPorts,
  node: NodeFacts,
  records: readonly ComponentRecord[],
): Promise<readonly DoctorCheck[]> {
  const copy = await node.lastCopy();
  if (copy === null) return given(backupCheck(records, null, clock.now(), 0));
  const times = await Promise.all(
    changedSince(records, copy)
      .slice(0, changedRead)
      .map(async ({ key }) => firstChangeMs(await registry.history({ ...key, limit: historyRead }), copy)),
  );
  const sinceMs = Math.min(...times.map((atMs) => atMs ?? copy.atMs));
  return given(backupCheck(records, copy, clock.now(), sinceMs));
}

/** Whoever holds more than this has other worries than their age. */
const holdsRead = 200;
/** Changes of one component that are looked through. */
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
