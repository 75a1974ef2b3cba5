/**
 * A Linux program for x86-64 of some hundred bytes that becomes another: it gives up its privileges, then executes the
 * program that it was made for. The shell of a guest cannot do that: busybox sets neither numeric users without an
 * account nor their groups, and only a program that calls `execve` itself knows why it failed. All texts are bytes in
 * its image, so nothing is quoted or split on the way.
 *
 * Sources: System V ABI, AMD64 supplement (ELF64, A.2.1 Linux conventions: number in rax, arguments in rdi, rsi, rdx,
 * r10, negative errno in rax); Linux arch/x86/entry/syscalls/syscall_64.tbl; Intel SDM volume 2 (encodings).
 */
import { refuseNul } from './quote.js';

export interface Launch {
  /** Becomes `/` first; null: stay. */
  readonly chroot: string | null;
  readonly workdir: string;
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  /** What to try in order, as execvp(3) does. */
  readonly paths: readonly string[];
  readonly argv: readonly string[];
  /** `NAME=value`. */
  readonly env: readonly string[];
}

/** File descriptor that tells of failure: closed by a successful execve, else one line of two characters. */
export const gateDescriptor = 3;

/** First character of that line: what failed. The second is `0` plus the errno, as a character. */
export const stages = Object.freeze({ root: 'r', workdir: 'w', user: 'u', execute: 'x' });

const calls = {
  write: 1,
  rtSigaction: 13,
  ioctl: 16,
  execve: 59,
  exit: 60,
  fcntl: 72,
  chdir: 80,
  fchown: 93,
  setuid: 105,
  setgid: 106,
  setpgid: 109,
  setgroups: 116,
  chroot: 161,
} as const;

const base = 0x400000;
const elfHeaderBytes = 64;
const programHeaderBytes = 56;
const codeStart = elfHeaderBytes + programHeaderBytes;
const errnoNotFound = 2;
const errnoNotFolder = 20;

/** The ELF executable. E_VM_IMAGE when a text holds a NUL. */
export function launcher(launch: Launch): Uint8Array {
  // Once to learn how long the code is, once with the addresses of the data that follows it.
  const length = assemble(launch, new Data(base)).length;
  const data = new Data(base + codeStart + length);
  const code = assemble(launch, data);
  return Buffer.concat([elfHeaders(codeStart + code.length + data.length), code, data.bytes()]);
}

/** Bytes behind the code, with the addresses that they will have. */
class Data {
  readonly #start: number;
  readonly #parts: Buffer[] = [];
  #length = 0;

  constructor(start: number) {
    this.#start = start;
  }

  get length(): number {
    return this.#length;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  add(part: Buffer): number {
    const address = this.#start + this.#length;
    this.#parts.push(part);
    this.#length += part.length;
    return address;
  }

  text(text: string): number {
    refuseNul(text);
    return this.add(Buffer.from(`${text}\0`));
  }

  /** Addresses of texts, ended by a null. */
  texts(texts: readonly string[]): number {
    const list = Buffer.alloc((texts.length + 1) * 8);
    for (const [index, text] of texts.entries()) list.writeUInt32LE(this.text(text), index * 8);
    return this.add(list);
  }

  numbers(numbers: readonly number[]): number {
    const list = Buffer.alloc(numbers.length * 4);
    for (const [index, number] of numbers.entries()) list.writeUInt32LE(number, index * 4);
    return this.add(list);
  }
}

class Code {
  readonly #bytes: number[] = [];
  readonly #toFail: number[] = [];

  emit(...bytes: readonly number[]): void {
    this.#bytes.push(...bytes);
  }

  emitNumber(...prefix: readonly number[]): (value: number) => void {
    return (value) => {
      this.emit(...prefix, value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
    };
  }

  /** Calls the kernel; arguments go to edi, esi, edx, r10d (`mov r32, imm32` clears the upper half). */
  call(number: number, ...args: readonly number[]): void {
    const moves = [[0xbf], [0xbe], [0xba], [0x41, 0xba]];
    for (const [index, value] of args.entries()) this.emitNumber(...(moves[index] ?? []))(value);
    this.emitNumber(0xb8)(number);
    this.emit(0x0f, 0x05); // syscall
  }

  /** A call without which it cannot go on. */
  mustCall(stage: string, number: number, ...args: readonly number[]): void {
    this.emitNumber(0xbb)(stage.charCodeAt(0)); // mov ebx, stage: survives the call
    this.call(number, ...args);
    this.emit(0x85, 0xc0); // test eax, eax
    this.failIfNegative();
  }

  failIfNegative(): void {
    this.emit(0x0f, 0x88); // js fail
    this.#toFail.push(this.#bytes.length);
    this.emit(0, 0, 0, 0);
  }

  /** Here begins what is done on failure. */
  fail(): void {
    for (const at of this.#toFail) {
      const distance = this.#bytes.length - (at + 4);
      this.#bytes.splice(at, 4, distance & 255, (distance >>> 8) & 255, (distance >>> 16) & 255, distance >>> 24);
    }
  }

  bytes(): Buffer {
    return Buffer.from(this.#bytes);
  }
}

function assemble(launch: Launch, data: Data): Buffer {
  const code = new Code();
  prepare(code, data, launch);
  if (launch.chroot !== null) code.mustCall(stages.root, calls.chroot, data.text(launch.chroot));
  code.mustCall(stages.workdir, calls.chdir, data.text(launch.workdir));
  code.mustCall(stages.user, calls.setgroups, launch.groups.length, data.numbers(launch.groups));
  code.mustCall(stages.user, calls.setgid, launch.gid);
  code.mustCall(stages.user, calls.setuid, launch.uid);
  execute(code, data, launch);
  reportFailure(code, data);
  return code.bytes();
}

/** Source: linux/asm-generic termbits.h and ioctls.h. */
const tcgets = 0x5401;
const tcsets = 0x5402;
const termiosBytes = 64;
const outputFlags = 4;

/** What the program should find as a program of a container does. Failures here are none of its business. */
function prepare(code: Code, data: Data, launch: Launch): void {
  const closeOnExec = { set: 2, value: 1 };
  code.call(calls.fcntl, gateDescriptor, closeOnExec.set, closeOnExec.value);
  // A group of its own: `kill 0` must not reach init.
  code.call(calls.setpgid, 0, 0);
  // A shell starts what runs in the background with these ignored.
  const defaultAction = data.add(Buffer.alloc(32));
  for (const signal of [2, 3]) code.call(calls.rtSigaction, signal, defaultAction, 0, 8);
  // The console must say what the program says: no carriage returns added (OPOST off).
  const termios = data.add(Buffer.alloc(termiosBytes));
  code.call(calls.ioctl, 1, tcgets, termios);
  code.emitNumber(0x83, 0x24, 0x25)(termios + outputFlags); // and dword [termios.c_oflag], ~1
  code.emit(0xfe);
  code.call(calls.ioctl, 1, tcsets, termios);
  // So that it can open /dev/stdout anew, as some images' log files do.
  code.call(calls.fchown, 1, launch.uid, launch.gid);
}

/** Tries the paths in order: what is missing is passed over, another error is remembered. r12d: the last one. */
function execute(code: Code, data: Data, launch: Launch): void {
  const argv = data.texts(launch.argv);
  const env = data.texts(launch.env);
  code.emitNumber(0x41, 0xbc)(-errnoNotFound); // mov r12d, -ENOENT
  for (const path of launch.paths) {
    code.call(calls.execve, data.text(path), argv, env);
    // cmp eax, -ENOENT; je +8; cmp eax, -ENOTDIR; je +3; mov r12d, eax
    code.emit(0x83, 0xf8, -errnoNotFound & 255, 0x74, 0x08);
    code.emit(0x83, 0xf8, -errnoNotFolder & 255, 0x74, 0x03, 0x41, 0x89, 0xc4);
  }
  code.emitNumber(0xbb)(stages.execute.charCodeAt(0));
  code.emit(0x44, 0x89, 0xe0); // mov eax, r12d
}

/** Writes the stage (in ebx), the errno (in eax, negative) and a line feed to the gate, and ends. */
function reportFailure(code: Code, data: Data): void {
  const line = data.add(Buffer.alloc(4));
  code.fail();
  code.emit(0xf7, 0xd8); // neg eax
  code.emitNumber(0x05)('0'.charCodeAt(0)); // add eax, '0'
  code.emit(0xc1, 0xe0, 0x08, 0x09, 0xd8); // shl eax, 8; or eax, ebx
  code.emitNumber(0x0d)('\n'.charCodeAt(0) << 16); // or eax, line feed
  code.emitNumber(0x89, 0x04, 0x25)(line); // mov [line], eax
  code.call(calls.write, gateDescriptor, line, 3);
  code.call(calls.exit, 1);
}

/** One segment, readable, writable and executable, that holds the whole file. */
function elfHeaders(fileBytes: number): Buffer {
  const header = Buffer.alloc(codeStart);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(2, 16); // ET_EXEC
  header.writeUInt16LE(62, 18); // EM_X86_64
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(base + codeStart), 24);
  header.writeBigUInt64LE(BigInt(elfHeaderBytes), 32);
  header.writeUInt16LE(elfHeaderBytes, 52);
  header.writeUInt16LE(programHeaderBytes, 54);
  header.writeUInt16LE(1, 56);
  const segment = header.subarray(elfHeaderBytes);
  segment.writeUInt32LE(1, 0); // PT_LOAD
  segment.writeUInt32LE(7, 4); // PF_R | PF_W | PF_X
  for (const at of [16, 24]) segment.writeBigUInt64LE(BigInt(base), at);
  for (const at of [32, 40]) segment.writeBigUInt64LE(BigInt(fileBytes), at);
  segment.writeBigUInt64LE(4096n, 48);
  return header;
}
