/**
 * What a console log does not tell by itself, kept beside it: when it grew, and how much of its beginning is gone. What
 * is old is taken out of the file as a hole, and offsets stay what they were: QEMU goes on appending all the while, and
 * no line is lost.
 */
import { join } from 'node:path';
import { z } from 'zod';
import type { MachineHost } from '../../host/machine-host.js';

/** By this Unix time the log held this many bytes. */
export interface Growth {
  readonly bytes: number;
  readonly atMs: number;
}

export interface ConsoleIndex {
  /** What is kept begins here. */
  readonly headBytes: number;
  readonly growths: readonly Growth[];
}

const indexSchema = z.object({ headBytes: z.number(), growths: z.array(z.tuple([z.number(), z.number()])) });

export const emptyIndex: ConsoleIndex = Object.freeze({ headBytes: 0, growths: Object.freeze([]) });
export const consoleIndexFile = 'console.index';
const maxIndexBytes = 1024 * 1024;
const maxGrowths = 4_096;

/** Empty when there is none, or it is of another log than one of `logBytes`. */
export async function readIndex(host: MachineHost, folder: string, logBytes: number): Promise<ConsoleIndex> {
  const bytes = await host.readBytes(join(folder, consoleIndexFile), 0, maxIndexBytes);
  if (!bytes) return emptyIndex;
  try {
    const { headBytes, growths } = indexSchema.parse(JSON.parse(bytes.toString('utf8')));
    const isOther = Math.max(headBytes, growths.at(-1)?.[0] ?? 0) > logBytes;
    return isOther ? emptyIndex : { headBytes, growths: growths.map(([size, atMs]) => ({ bytes: size, atMs })) };
  } catch {
    return emptyIndex;
  }
}

/** Not synced: after a power cut some times are unknown, and that is all. */
export function writeIndex(host: MachineHost, folder: string, { headBytes, growths }: ConsoleIndex): Promise<void> {
  const pairs = growths.map(({ bytes, atMs }) => [bytes, atMs]);
  const text = JSON.stringify({ headBytes, growths: pairs });
  return host.replaceText(join(folder, consoleIndexFile), `${text}\n`, 'fast');
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
