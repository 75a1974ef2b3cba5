/** OCI images, for a driver that makes something else of them. */
import type { BuildSpec, PullPolicy } from '../spec.js';

/** Where OCI images come from: another driver's store. */
export interface ImageSource {
  /** The driver's name. */
  readonly name: string;
  resolve(reference: string, signal: AbortSignal): Promise<string | undefined>;
  pull(reference: string, policy: PullPolicy, signal: AbortSignal): Promise<string>;
  build(build: BuildSpec, reference: string, signal: AbortSignal): Promise<string>;
  /** Writes the image with this digest to a new file as a docker-archive (tar). E_IMAGE_MISSING, E_DISK_FULL. */
  save(digest: string, path: string, signal: AbortSignal): Promise<void>;
}
