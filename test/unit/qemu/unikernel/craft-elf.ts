/** ELF files made of nothing but the headers that a dynamic loader reads. */

export interface Craft {
  readonly bits?: 32 | 64;
  readonly machine?: number;
  /** 2: executable, 3: shared. */
  readonly type?: number;
  readonly interpreter?: string;
  readonly needed?: readonly string[];
  readonly rpath?: string;
  readonly runpath?: string;
  readonly soname?: string;
}

const [headerBytes, segmentBytes, base] = [64, 56, 0x10000];

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

/** A file that `readElf` reads as it was asked for. */
export function craftElf(craft: Craft = {}): Buffer {
  const names = [...(craft.needed ?? []), craft.rpath, craft.runpath, craft.soname].filter(
    (name) => name !== undefined,
  );
  const offsets = new Map<string, number>();
  let table = Buffer.from([0]);
  for (const name of names) {
    offsets.set(name, table.length);
    table = Buffer.concat([table, Buffer.from(`${name}\0`)]);
  }
  const interpreter = Buffer.from(craft.interpreter === undefined ? '' : `${craft.interpreter}\0`);
  const bodyAt = headerBytes + 3 * segmentBytes;
  const tableAt = bodyAt + interpreter.length;
  const entries: (readonly [number, number])[] = [
    ...(craft.needed ?? []).map((name) => [1, offsets.get(name)!] as const),
    ...tagged(15, craft.rpath, offsets),
    ...tagged(29, craft.runpath, offsets),
    ...tagged(14, craft.soname, offsets),
    [5, base + tableAt],
    [10, table.length],
    [0, 0],
  ];
  const dynamic = Buffer.alloc(entries.length * 16);
  for (const [index, [tag, value]] of entries.entries()) {
    dynamic.writeBigUInt64LE(BigInt(tag), index * 16);
    dynamic.writeBigUInt64LE(BigInt(value), index * 16 + 8);
  }
  const dynamicAt = tableAt + table.length;
  const end = dynamicAt + dynamic.length;
  const segments: Segment[] = [
    { type: 1, offset: 0, size: end },
    { type: craft.interpreter === undefined ? 0 : 3, offset: bodyAt, size: interpreter.length },
    { type: names.length === 0 ? 0 : 2, offset: dynamicAt, size: dynamic.length },
  ];
  return Buffer.concat([head(craft), ...segments.map(segmentHeader), interpreter, table, dynamic]);
}

function tagged(tag: number, name: string | undefined, offsets: ReadonlyMap<string, number>) {
  return name === undefined ? [] : [[tag, offsets.get(name)!] as const];
}

function head({ bits = 64, machine = 62, type = 3 }: Craft): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.set([0x7f, 0x45, 0x4c, 0x46, bits === 64 ? 2 : 1, 1, 1]);
  header.writeUInt16LE(type, 16);
  header.writeUInt16LE(machine, 18);
  header.writeBigUInt64LE(BigInt(headerBytes), 32);
  // Sections are named, so that what takes them away has something to take.
  header.writeBigUInt64LE(12345n, 40);
  header.writeUInt16LE(segmentBytes, 54);
  header.writeUInt16LE(3, 56);
  header.writeUInt16LE(7, 60);
  return header;
}

function segmentHeader({ type, offset, size }: Segment): Buffer {
  const header = Buffer.alloc(segmentBytes);
  header.writeUInt32LE(type, 0);
  header.writeBigUInt64LE(BigInt(offset), 8);
  header.writeBigUInt64LE(BigInt(base + offset), 16);
  header.writeBigUInt64LE(BigInt(size), 32);
  return header;
}
