/** A component that is being deleted: down in reverse order, removed, then out of the registry. Pure. */
import type { Scene } from './scene.js';
import type { Verdict } from './types.js';
import { isUp, stopStep, waitForNextTry } from './verdicts.js';

/** One step towards nothing. */
export function planDeleting(scene: Scene): Verdict {
  const { main, next, previous, strays } = scene.roles;
  const left = [next, main, previous, ...strays].filter((workload) => workload !== undefined);
  const waiting = scene.world.dependentsUp;
  const tooEarly = waitForNextTry(scene);
  if (tooEarly) return { ...tooEarly, verb: 'DELETE' };
  if (left.some(isUp) && waiting.length > 0) {
    return { verb: 'DELETE', reason: 'WaitsForDependents', message: `waits until ${waiting.join(', ')} has stopped` };
  }
  const up = left.find(isUp);
  if (up) {
    return { verb: 'DELETE', reason: 'Deleting', message: `stops ${up.name}`, step: stopStep(scene, up) };
  }
  const [first] = left;
  if (first) {
    const step = { kind: 'remove', nativeId: first.nativeId } as const;
    return { verb: 'DELETE', reason: 'Deleting', message: `removes ${first.name}`, step };
  }
  return { verb: 'DELETE', reason: 'Deleting', message: 'the workload is gone', step: { kind: 'purge' } };
}
