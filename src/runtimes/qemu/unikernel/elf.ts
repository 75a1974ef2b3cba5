/**
 * What the headers of an ELF file say: which machine it is for, and what its dynamic loader will look for. Only read,
 * never run. The bytes come from an image, so every offset and length in them is checked before it is followed.
 *
 * Source of the format: System V ABI, chapters 4 and 5 (gabi), and man 5 elf.
 */

export interface Elf {
  readonly bits: 32 | 64;
  /** e_machine; 62 is x86-64. */
  readonly machine: number;
  readonly type: 'executable' | 'shared' | 'other';
  /** PT_INTERP: path of the dynamic loader; null: none. */
  readonly interpreter: string | null;
  /** DT_NEEDED, in order. */
  readonly needed: readonly string[];
  /** DT_RPATH split at colons, as written. */
  readonly rpath: readonly string[];
  /** DT_RUNPATH split at colons, as written. */
  readonly runpath: readonly string[];
  readonly soname: string | null;
}

export type ElfReading = { readonly ok: true; readonly elf: Elf } | { readonly ok: false; readonly problem: string };

/** e_machine of x86-64. */
export const machineX86_64 = 62;

const machineNames: Readonly<Record<number, string>> = {
  3: 'x86 (32 bit)',
  8: 'MIPS',
  20: 'PowerPC',
  21: 'PowerPC 64',
  22: 'S/390',
  40: 'ARM (32 bit)',
  62: 'x86-64',
  183: 'ARM 64',
  243: 'RISC-V',
  258: 'LoongArch',
};

/** The machine of an ELF file in words. */
export function machineName(elf: Pick<Elf, 'bits' | 'machine'>): string {
  const name = machineNames[elf.machine] ?? `machine ${elf.machine}`;
  return elf.machine === machineX86_64 && elf.bits === 32 ? 'x86-64 with 32-bit pointers (x32)' : name;
}

/** Bounds on what a sane file holds; a hostile one meets them instead of our memory. */
const limits = { segments: 512, dynamicEntries: 8_192, needed: 512, textBytes: 4_096 };

const [ptLoad, ptDynamic, ptInterp] = [1, 2, 3];
const tags = { needed: 1, strtab: 5, strsz: 10, soname: 14, rpath: 15, runpath: 29 };

/** Thrown and caught inside this file only: what is wrong with the bytes. */
class Malformed extends Error {}

class Bytes {
  readonly #view: DataView;
  constructor(private readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  get length(): number {
    return this.bytes.length;
  }
  u8(offset: number): number {
    return this.#view.getUint8(this.#within(offset, 1));
  }
  u16(offset: number): number {
    return this.#view.getUint16(this.#within(offset, 2), true);
  }
  u32(offset: number): number {
    return this.#view.getUint32(this.#within(offset, 4), true);
  }
  /** Larger than a double holds exactly is larger than any file. */
  u64(offset: number): number {
    const value = this.#view.getBigUint64(this.#within(offset, 8), true);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
  }
  /** The text from `offset` to its NUL, which must come before `end`. */
  text(offset: number, end: number): string {
    const limit = Math.min(end, this.length, offset + limits.textBytes);
    const stop = offset < limit ? this.bytes.subarray(offset, limit).indexOf(0) : -1;
    if (stop < 0) throw new Malformed('a text in it has no end');
    return Buffer.from(this.bytes.subarray(offset, offset + stop)).toString('utf8');
  }
  #within(offset: number, length: number): number {
    if (offset < 0 || offset + length > this.length) throw new Malformed('it ends too early');
    return offset;
  }
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
}

/** True when the bytes begin as an ELF file does. */
export function looksLikeElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** Reads the headers; never throws. Of a file for another word size or byte order only the machine is told. */
export function readElf(content: Uint8Array): ElfReading {
  if (!looksLikeElf(content)) return { ok: false, problem: 'it is no ELF file' };
  try {
    return { ok: true, elf: read(new Bytes(content)) };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, problem: `it is a damaged ELF file: ${error.message}` };
    throw error;
  }
}

function read(bytes: Bytes): Elf {
  const bits = wordSize(bytes.u8(4));
  const littleEndian = bytes.u8(5) === 1;
  const [rawType, rawMachine] = [bytes.u16(16), bytes.u16(18)];
  const swap = (value: number): number => (littleEndian ? value : ((value & 0xff) << 8) | (value >> 8));
  const head = { bits, machine: swap(rawMachine), type: typeOf(swap(rawType)) };
  if (bits === 32 || !littleEndian) {
    return { ...head, interpreter: null, needed: [], rpath: [], runpath: [], soname: null };
  }
  const segments = readSegments(bytes);
  const interp = segments.find((segment) => segment.type === ptInterp);
  const interpreter = interp ? bytes.text(interp.offset, interp.offset + interp.fileBytes) : null;
  return { ...head, interpreter, ...readDynamic(bytes, segments) };
}

function wordSize(elfClass: number): 32 | 64 {
  if (elfClass === 1) return 32;
  if (elfClass === 2) return 64;
  throw new Malformed(`its class is ${elfClass}`);
}

function typeOf(type: number): Elf['type'] {
  if (type === 2) return 'executable';
  return type === 3 ? 'shared' : 'other';
}

function readSegments(bytes: Bytes): Segment[] {
  const [tableOffset, entryBytes, count] = [bytes.u64(32), bytes.u16(54), bytes.u16(56)];
  if (count === 0) return [];
  if (entryBytes < 56) throw new Malformed(`its program headers are ${entryBytes} bytes long`);
  if (count > limits.segments) throw new Malformed(`it has ${count} program headers`);
  return Array.from({ length: count }, (_, index) => {
    const at = tableOffset + index * entryBytes;
    return {
      type: bytes.u32(at),
      offset: bytes.u64(at + 8),
      address: bytes.u64(at + 16),
      fileBytes: bytes.u64(at + 32),
    };
  });
}

type Dynamic = Pick<Elf, 'needed' | 'rpath' | 'runpath' | 'soname'>;

function readDynamic(bytes: Bytes, segments: readonly Segment[]): Dynamic {
  const segment = segments.find(({ type }) => type === ptDynamic);
  if (!segment) return { needed: [], rpath: [], runpath: [], soname: null };
  const entries = dynamicEntries(bytes, segment);
  const first = (tag: number): number | undefined => entries.find((entry) => entry.tag === tag)?.value;
  const table = first(tags.strtab);
  const textOf = (offset: number): string => {
    if (table === undefined) throw new Malformed('it names libraries but has no table of names');
    const start = fileOffset(segments, table);
    const size = first(tags.strsz) ?? limits.textBytes;
    if (offset >= size) throw new Malformed('a name lies outside the table of names');
    return bytes.text(start + offset, start + size);
  };
  const one = (tag: number): string | null => {
    const offset = first(tag);
    return offset === undefined ? null : textOf(offset);
  };
  const needed = entries.filter((entry) => entry.tag === tags.needed);
  if (needed.length > limits.needed) throw new Malformed(`it needs ${needed.length} libraries`);
  return {
    needed: needed.map(({ value }) => textOf(value)),
    rpath: searchPath(one(tags.rpath)),
    runpath: searchPath(one(tags.runpath)),
    soname: one(tags.soname),
  };
}

function dynamicEntries(bytes: Bytes, segment: Segment): { tag: number; value: number }[] {
  const count = Math.floor(segment.fileBytes / 16);
  const entries: { tag: number; value: number }[] = [];
  for (let index = 0; index < count; index += 1) {
    if (index >= limits.dynamicEntries) throw new Malformed('its dynamic section is too long');
    const at = segment.offset + index * 16;
    const tag = bytes.u64(at);
    if (tag === 0) break;
    entries.push({ tag, value: bytes.u64(at + 8) });
  }
  return entries;
}

/** Where an address of the program stands in its file. */
function fileOffset(segments: readonly Segment[], address: number): number {
  const holder = segments.find(
    (segment) => segment.type === ptLoad && address >= segment.address && address - segment.address < segment.fileBytes,
  );
  if (!holder) throw new Malformed('its table of names is not in the file');
  return holder.offset + (address - holder.address);
}

function searchPath(text: string | null): string[] {
  return (text ?? '').split(':').filter((folder) => folder !== '');
}

/**
 * The same program without its section headers, which only linkers and debuggers use. What reads sections finds none
 * then: `ops build` runs a program on the host when its sections name libraries, and this keeps it from doing so.
 */
export function withoutSections(content: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(content);
  copy.fill(0, 40, 48); // e_shoff
  copy.fill(0, 60, 64); // e_shnum, e_shstrndx
  return copy;
}
