/** Unikernels: disks that boot straight into one program. */
export { createUnikernelBuilder, type UnikernelBuilder, type UnikernelBuilderOptions } from './builder.js';
export { opsCapability, type OpsProbe } from './capability.js';
export { readConsole, readExitCode, type NanosNews } from './console.js';
export { createDiskImages, isDiskReference, type DiskImage, type DiskImages } from './disk-image.js';
