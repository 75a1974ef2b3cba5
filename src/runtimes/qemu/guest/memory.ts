/** How little memory a microVM boots with. Pure. */
import type { GuestBase, LinuxImage } from '../contracts.js';

const mebibyte = 1024 * 1024;

/** What the kernel takes for itself before it unpacks anything, measured by booting. */
const kernelMb = 60;
/** For programs to run in: init and a small one. */
const programMb = 8;

/**
 * Mebibytes below which the guest cannot boot. What it unpacks into memory may fill half of what the kernel leaves:
 * that is the limit of its first file system (kernel Documentation/filesystems/tmpfs.rst). The archive itself is in
 * memory too until it is unpacked. null for `image`: the base alone.
 */
export function leastMemoryMb({
  base,
  image,
}: {
  readonly base: Pick<GuestBase, 'archiveBytes' | 'unpackedBytes'>;
  readonly image: Pick<LinuxImage, 'root' | 'unpackedBytes' | 'fileBytes'> | null;
}): number {
  const inMemory = image?.root === 'initramfs' ? image : { unpackedBytes: 0, fileBytes: 0 };
  const unpackedMb = (base.unpackedBytes + inMemory.unpackedBytes) / mebibyte;
  const archiveMb = (base.archiveBytes + inMemory.fileBytes) / mebibyte;
  return Math.ceil(kernelMb + Math.max(2 * unpackedMb, unpackedMb + archiveMb + programMb));
}
