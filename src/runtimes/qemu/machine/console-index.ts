/** When a console log grew: what its lines lack, kept beside it. */
import { join } from 'node:path';
import { z } from 'zod';
import type { MachineHost } from '../../host/machine-host.js';

/** By this Unix time the log held this many bytes. */
export interface Growth {
  readonly bytes: number;
  readonly atMs: number;
}

const growthsSchema = z
  .array(z.tuple([z.number(), z.number()]))
  .transform((pairs) => pairs.map(([bytes, atMs]): Growth => ({ bytes, atMs })));

/** The log before the last rotation and its index bear this at the end. */
export const olderSuffix = '.1';
export const consoleIndexFile = 'console.index';
const maxIndexBytes = 1024 * 1024;
const maxGrowths = 4_096;

/** Empty when there is none, or it is of another log than one of `logBytes`. */
export async function readIndex(
  host: MachineHost,
  folder: string,
  suffix: string,
  logBytes: number,
): Promise<readonly Growth[]> {
  const bytes = await host.readBytes(join(folder, consoleIndexFile + suffix), 0, maxIndexBytes);
  if (!bytes) return [];
  try {
    const growths = growthsSchema.parse(JSON.parse(bytes.toString('utf8')));
    return (growths.at(-1)?.bytes ?? 0) > logBytes ? [] : growths;
  } catch {
    return [];
  }
}

/** Not synced: after a power cut some times are unknown, and that is all. */
export function writeIndex(
  host: MachineHost,
  folder: string,
  suffix: string,
  growths: readonly Growth[],
): Promise<void> {
  const pairs = growths.map(({ bytes, atMs }) => [bytes, atMs]);
  return host.replaceText(join(folder, consoleIndexFile + suffix), `${JSON.stringify(pairs)}\n`, 'fast');
}

/** With one more; when there are too many, every other one goes: times get coarser, none gets wrong. */
export function withGrowth(growths: readonly Growth[], growth: Growth): readonly Growth[] {
  const all = [...growths, growth];
  return all.length <= maxGrowths ? all : all.filter((_, index) => index % 2 === 1 || index === all.length - 1);
}

/** When the byte before `offset` was there at the latest; null: not known. */
export function timeOf(growths: readonly Growth[], offset: number): number | null {
  let [low, high] = [0, growths.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((growths[middle]?.bytes ?? 0) >= offset) high = middle;
    else low = middle + 1;
  }
  return growths[low]?.atMs ?? null;
}

/** An offset before which everything is older than `sinceMs`. */
export function offsetBefore(growths: readonly Growth[], sinceMs: number): number {
  return growths.findLast((growth) => growth.atMs < sinceMs)?.bytes ?? 0;
}
