/** Carries what one driver has of a named volume to another. */
import { isBerthError } from '../core/errors.js';
import type { NewEvent } from '../core/event.js';
import type { HostObject } from '../core/observation.js';
import type { Clock } from '../core/ports/clock.js';
import type { Driver } from '../core/ports/driver.js';
import type { Log } from '../core/ports/log.js';

/** A volume as one driver has it. */
export interface VolumeAt {
  readonly driver: Driver;
  readonly object: HostObject;
}

export interface VolumeCopy {
  /** As definitions name it. */
  readonly volume: string;
  readonly from: VolumeAt;
  readonly to: VolumeAt;
  /** Mebibytes that it is to have room for; null: nobody said. */
  readonly sizeMb: number | null;
}

/** Answers what is to be told of the copy; null when there is nothing to copy. Whatever else the two drivers say, it throws. */
export async function copyVolume(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  { volume, from, to, sizeMb }: VolumeCopy,
  signal: AbortSignal,
): Promise<Omit<NewEvent, 'service' | 'component'> | null> {
  const beganMs = clock.monotonic();
  const counter = { bytes: 0 };
  const source = from.driver.readVolume(from.object, signal)[Symbol.asyncIterator]();
  let first: IteratorResult<Uint8Array>;
  try {
    first = await source.next();
  } catch (error) {
    if (!isBerthError(error, 'E_NOT_FOUND')) throw error;
    log.warn({ volume, driver: from.driver.name }, 'there is no such volume to copy');
    return null;
  }
  const tar = counted(first, source, counter);
  try {
    await to.driver.writeVolume(to.object, { tar, sizeMb }, signal);
  } finally {
    // Also of one that was never asked for more: what stands behind it is let go.
    await source.return?.();
  }
  const tookMs = Math.round(clock.monotonic() - beganMs);
  const names = { from: from.driver.name, to: to.driver.name };
  const message = `the data of volume ${volume} was copied from ${names.from} to ${names.to}: ${String(counter.bytes)} bytes in ${String(tookMs)} ms`;
  const data = { volume, ...names, bytes: counter.bytes, tookMs };
  return { severity: 'info', reason: 'VolumeMoved', message, data };
}

async function* counted(
  first: IteratorResult<Uint8Array>,
  source: AsyncIterator<Uint8Array>,
  counter: { bytes: number },
): AsyncGenerator<Uint8Array> {
  for (let chunk = first; chunk.done !== true; chunk = await source.next()) {
    counter.bytes += chunk.value.byteLength;
    yield chunk.value;
  }
}
