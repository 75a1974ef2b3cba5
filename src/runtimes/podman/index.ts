/** The podman driver. */
export { createPodmanDriver } from './driver.js';
export { createImageSource, type ImageKeeper } from './image-source.js';
export { createNodeHost } from '../host/host.js';
export type { FilePart, Host } from '../host/host.js';
export type { PodmanSettings } from './options.js';
