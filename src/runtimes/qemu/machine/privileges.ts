/** What a QEMU may do on the host: as little as possible, and nothing of another VM's. */
import type { MachineSpec } from '../contracts.js';

export interface Privileges {
  /** The user (and group) that QEMU becomes; null: it stays who the agent is. */
  readonly uid: number | null;
  /** Groups beside it: that of /dev/kvm, if any. */
  readonly groups: readonly number[];
  /** It must bind ports that only root may. */
  readonly lowPorts: boolean;
}

const uidBits = 24;

/**
 * The user id of a VM: `firstUid` plus 24 bits of its id, so that no VM can read or signal another. null when the
 * agent is not root and cannot change users.
 */
export function uidOf(agentUid: number, firstUid: number, vmId: string): number | null {
  if (agentUid !== 0) return null;
  // FNV-1a (public domain, Fowler, Noll, Vo), folded to 24 bits as its authors advise.
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(vmId)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  const folded = ((hash >>> uidBits) ^ hash) & ((1 << uidBits) - 1);
  return firstUid + folded;
}

/** True when a port of the spec is below the first that everybody may bind (`net.ipv4.ip_unprivileged_port_start`). */
export function needsLowPorts(spec: MachineSpec, firstFreePort: number): boolean {
  return spec.network.forwards.some(({ hostPort }) => hostPort > 0 && hostPort < firstFreePort);
}

/** Arguments of setpriv(1) before the program; empty when there is nothing to take away and no setpriv. */
export function setprivArgv(setpriv: string | null, { uid, groups, lowPorts }: Privileges): readonly string[] {
  if (setpriv === null) return [];
  if (uid === null) return [setpriv, '--no-new-privs', '--'];
  const kept = lowPorts ? '-all,+net_bind_service' : '-all';
  return [
    setpriv,
    `--reuid=${uid}`,
    `--regid=${uid}`,
    groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`,
    '--no-new-privs',
    `--bounding-set=${kept}`,
    `--inh-caps=${kept}`,
    `--ambient-caps=${kept}`,
    '--',
  ];
}
