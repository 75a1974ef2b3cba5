/** OCI images as virtual machines need them. */
export { openImageTree, type OpenedImage } from './archive.js';
export {
  createImageCache,
  isCacheKey,
  type CacheGarbage,
  type CollectedImageCache,
  type ImageCacheOptions,
} from './cache.js';
export { checkArchitecture, resolveArgv, resolveUser, type Accounts } from './config.js';
export { ensureLinuxImage, withOpenImage, type LinuxImageDeps, type NamedImage } from './linux.js';
