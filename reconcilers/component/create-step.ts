/** What a workload is made from. Pure. */
import type { ObservedWorkload } from '../../src/core/observation.js';
import type { Scene } from './scene.js';
import type { Step } from './types.js';
import { isUp } from './verdicts.js';

/** A create step for what is effective. Only called once digest and environment are known. */
export function createStep(scene: Scene, role: 'main' | 'next'): Step {
  const { effective, env } = scene;
  return {
    kind: 'create',
    role,
    spec: effective.spec,
    generation: effective.generation,
    imageDigest: effective.digest ?? '',
    env: 'desired' in env ? env.desired.values : {},
  };
}

/** A step that gives a workload the name of a role. */
export function renameStep(workload: ObservedWorkload, role: 'main' | 'previous'): Step {
  const { nativeId, startedAtMs } = workload;
  return { kind: 'rename', nativeId, role, isUp: isUp(workload), startedAtMs };
}

/** What the status keeps of the image: the pin and what it was made for. */
export function pinPatch(scene: Scene): { readonly imageDigest: string | null; readonly imagePinKey: string } {
  return { imageDigest: scene.effective.digest, imagePinKey: scene.imagePinKey };
}
