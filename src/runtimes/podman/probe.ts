/** What this host allows podman, and what must therefore be passed to it. Pure, over texts of /proc. */
import type { Ulimit } from './create-body.js';
import type { CgroupLayout } from './cgroups.js';

/** CAP_SYS_RESOURCE, bit 24 (linux/capability.h): without it hard limits cannot be raised. */
const capSysResource = 1n << 24n;

/** True when the process of this `/proc/PID/status` may raise hard limits; true when it cannot be read. */
export function mayRaiseLimits(status: string): boolean {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return hex === undefined || (BigInt(`0x${hex}`) & capSysResource) !== 0n;
}

/** A hard limit by its name in `/proc/PID/limits`: a number, or Infinity; undefined when it is not listed. */
export function hardLimitOf(procLimits: string, name: string): number | undefined {
  const line = procLimits.split('\n').find((candidate) => candidate.startsWith(name));
  const word = line?.slice(name.length).trim().split(/\s+/)[1];
  if (word === undefined) return undefined;
  return word === 'unlimited' ? Infinity : Number(word);
}

const openFiles = { soft: 1_024, hard: 20_000 };
const processes = { soft: 4_096, hard: 32_768 };

function ulimit(type: string, wanted: { soft: number; hard: number }, allowed: number | undefined): Ulimit {
  const hard = Math.min(wanted.hard, Math.floor(allowed ?? wanted.hard));
  return { type, soft: Math.min(wanted.soft, hard), hard };
}

/**
 * The ulimits to pass. Podman's defaults want hard limits raised, which fails without CAP_SYS_RESOURCE;
 * a number of processes near the process's own limit fails too, so half of it is the most.
 */
export function ulimitsFor(procStatus: string, procLimits: string): readonly Ulimit[] {
  if (mayRaiseLimits(procStatus)) return [];
  const nproc = hardLimitOf(procLimits, 'Max processes');
  return [
    ulimit('NOFILE', openFiles, hardLimitOf(procLimits, 'Max open files')),
    ulimit('NPROC', processes, nproc === undefined ? undefined : nproc / 2),
  ];
}

export interface RuntimeFacts {
  readonly layout: CgroupLayout;
  readonly hasCrun: boolean;
  readonly hasRunc: boolean;
}

/** The OCI runtime to insist on; null: podman's own choice works. crun refuses hybrid control groups. */
export function ociRuntimeFor(facts: RuntimeFacts): string | null {
  if (!facts.hasRunc) return null;
  return facts.layout === 'hybrid' || !facts.hasCrun ? 'runc' : null;
}
