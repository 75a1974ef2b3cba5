/** The QEMU driver. */
export { createQemuDriver, type QemuDriverOptions } from './driver.js';
export type { QemuSettings } from './contracts.js';
export { createGuestKit, type GuestKit } from './guest/index.js';
