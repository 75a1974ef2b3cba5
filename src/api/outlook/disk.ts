/** How much room the file systems have that Berth and its runtimes write to. Pure. */
import type { FileSystemSpace } from '../../core/ports/node-facts.js';
import type { DoctorCheck } from '../views.js';
import { bytesInWords, checkOf, worse, type Level } from './check.js';

/** Something that is kept somewhere. */
export interface Place {
  /** `registry`, `images and containers` … */
  readonly what: string;
  readonly path: string;
}

/** What was found of a place; a text: why nothing could be. */
export interface PlaceFound extends Place {
  readonly found: FileSystemSpace | string;
}

const mib = 1_024 ** 2;
const gib = 1_024 ** 3;

/**
 * Below `leastBytes` there is too little, whatever the size; below `share` as well, unless `plentyBytes` are left: a
 * tenth of a large disk is room enough.
 */
const bytesLimits = [
  { level: 'error', leastBytes: 200 * mib, share: 0.02, plentyBytes: 5 * gib },
  { level: 'warning', leastBytes: gib, share: 0.1, plentyBytes: 20 * gib },
] as const;

const inodeLimits = [
  { level: 'error', share: 0.02 },
  { level: 'warning', share: 0.1 },
] as const;

/** One check a file system, whatever lies on it; worst things first within its words. */
export function diskChecks(places: readonly PlaceFound[]): readonly DoctorCheck[] {
  const systems = new Map<string, { readonly space: FileSystemSpace; readonly places: Place[] }>();
  const unseen: DoctorCheck[] = [];
  for (const place of places) {
    const { found } = place;
    if (typeof found === 'string') {
      const remedy = `see what is the matter with ${place.path}`;
      unseen.push(checkOf('disk', place.path, 'warning', { detail: `${place.what}: ${found}`, remedy }));
      continue;
    }
    const known = systems.get(found.device);
    if (known === undefined) systems.set(found.device, { space: found, places: [place] });
    else known.places.push(place);
  }
  return [...unseen, ...[...systems.values()].map((system) => checkSystem(system.space, system.places))];
}

const remedy = 'make room there; berth gc removes what drivers keep and nothing uses';

function checkSystem(space: FileSystemSpace, places: readonly Place[]): DoctorCheck {
  const { freeBytes, totalBytes, inodes } = space;
  const ofInodes = inodeLevel(inodes);
  const level = worse(bytesLevel(space), ofInodes);
  const percent = totalBytes === 0 ? 0 : Math.floor((freeBytes / totalBytes) * 100);
  const files = ofInodes === 'ok' || inodes === null ? '' : `, and room for ${inodes.free} more files`;
  const holds = [...new Set(places.map(({ what }) => what))].join(', ');
  const detail = `${bytesInWords(freeBytes)} of ${bytesInWords(totalBytes)} free (${percent} %)${files}; holds ${holds}`;
  return checkOf('disk', places[0]?.path ?? '', level, { detail, remedy });
}

function bytesLevel({ freeBytes, totalBytes }: FileSystemSpace): Level {
  const found = bytesLimits.find(
    ({ leastBytes, share, plentyBytes }) =>
      freeBytes < leastBytes || (freeBytes < share * totalBytes && freeBytes < plentyBytes),
  );
  return found?.level ?? 'ok';
}

function inodeLevel(inodes: FileSystemSpace['inodes']): Level {
  if (inodes === null || inodes.total === 0) return 'ok';
  return inodeLimits.find(({ share }) => inodes.free < share * inodes.total)?.level ?? 'ok';
}
