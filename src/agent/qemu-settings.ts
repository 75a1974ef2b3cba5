/** The agent's settings in the words of the QEMU driver. */
import type { Settings } from './settings.js';

/** One for each of the driver's own, times in milliseconds. */
export function qemuSettings(settings: Settings) {
  return {
    qemu: settings.vm_qemu ?? null,
    kernel: settings.vm_kernel ?? null,
    kernelModules: settings.vm_kernel_modules ?? null,
    ops: settings.vm_ops ?? null,
    nanosKernel: settings.vm_nanos_kernel ?? null,
    nanosBoot: settings.vm_nanos_boot ?? null,
    accel: settings.vm_accel,
    initramfsLimitMb: settings.vm_initramfs_limit_mb,
    buildDeadlineMs: settings.vm_build_timeout_s * 1_000,
    startDeadlineMs: settings.vm_start_timeout_s * 1_000,
    callDeadlineMs: settings.vm_call_timeout_s * 1_000,
    probeDeadlineMs: settings.vm_probe_timeout_s * 1_000,
    firstUid: settings.vm_first_uid,
  };
}
