/**
 * A program of a few bytes that writes one byte of its input to a port of the machine: Debian's kernels have no
 * /dev/port. An x86-64 ELF file with one segment.
 */

const base = 0x400000;
const [headerBytes, segmentBytes] = [64, 56];

/** The file's content. */
export function portProgram(port: number): Buffer {
  const code = Buffer.from([
    ...[0xb8, 172, 0, 0, 0, 0xbf, 3, 0, 0, 0, 0x0f, 0x05], // iopl(3)
    ...[0x31, 0xc0, 0x31, 0xff, 0x48, 0x89, 0xe6, 0xba, 1, 0, 0, 0, 0x0f, 0x05], // read(0, rsp, 1)
    ...[0x8a, 0x04, 0x24, 0x66, 0xba, port & 0xff, port >> 8, 0xee], // mov al, [rsp]; mov dx, port; out dx, al
    ...[0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05], // exit(0)
  ]);
  const file = Buffer.alloc(headerBytes + segmentBytes + code.length);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(2, 16); // executable
  file.writeUInt16LE(62, 18); // x86-64
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(base + headerBytes + segmentBytes), 24);
  file.writeBigUInt64LE(BigInt(headerBytes), 32);
  file.writeUInt16LE(headerBytes, 52);
  file.writeUInt16LE(segmentBytes, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, headerBytes); // PT_LOAD
  file.writeUInt32LE(5, headerBytes + 4); // read and execute
  file.writeBigUInt64LE(BigInt(base), headerBytes + 16);
  file.writeBigUInt64LE(BigInt(base), headerBytes + 24);
  file.writeBigUInt64LE(BigInt(file.length), headerBytes + 32);
  file.writeBigUInt64LE(BigInt(file.length), headerBytes + 40);
  file.writeBigUInt64LE(4096n, headerBytes + 48);
  code.copy(file, headerBytes + segmentBytes);
  return file;
}
