/** How little memory a microVM boots with. Pure. */
import type { GuestBase, LinuxImage } from '../contracts.js';

const mebibyte = 1024 * 1024;

/**
 * Measured with Debian's 6.1 cloud kernel on q35, in steps of 2 MiB: `hello` (5 MiB unpacked of 2.4 MiB packed, base
 * included) boots from 76, 45 of 2.3 from 140, 35 of 32.4 from 150. What the kernel has not to give:
 */
const kernelMb = 52;
/** The kernel, and what init and a small program need to run in. */
const kernelAndProgramMb = 70;

/**
 * Mebibytes below which the guest cannot boot. What it unpacks may fill half of the memory that is free before: that
 * is the limit of its first file system (kernel Documentation/filesystems/tmpfs.rst), and the archive itself is not
 * free until all of it is unpacked. null for `image`: the base alone.
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
  return Math.ceil(archiveMb + Math.max(kernelMb + 2 * unpackedMb, kernelAndProgramMb + unpackedMb));
}
