import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { machineName, readElf, withoutSections } from '../../../../src/runtimes/qemu/unikernel/elf.js';
import { craftElf } from './craft-elf.js';

const full = {
  interpreter: '/lib64/ld-linux-x86-64.so.2',
  needed: ['libm.so.6', 'libc.so.6'],
  rpath: '/opt/a:$ORIGIN/../lib',
  runpath: '/opt/b',
  soname: 'libmine.so.1',
};

function elfOf(bytes: Uint8Array) {
  const reading = readElf(bytes);
  if (!reading.ok) throw new Error(reading.problem);
  return reading.elf;
}

describe('reading ELF headers', () => {
  it('reads what the dynamic loader will look for', () => {
    expect(elfOf(craftElf(full))).toEqual({
      bits: 64,
      machine: 62,
      type: 'shared',
      interpreter: '/lib64/ld-linux-x86-64.so.2',
      needed: ['libm.so.6', 'libc.so.6'],
      rpath: ['/opt/a', '$ORIGIN/../lib'],
      runpath: ['/opt/b'],
      soname: 'libmine.so.1',
    });
  });

  it('reads a static program of this machine', async () => {
    const elf = elfOf(await readFile('/bin/busybox'));
    expect(elf).toMatchObject({ bits: 64, machine: 62, interpreter: null, needed: [] });
  });

  it('reads a dynamic program of this machine', async () => {
    const elf = elfOf(await readFile(process.execPath));
    expect(elf.interpreter).toBe('/lib64/ld-linux-x86-64.so.2');
    expect(elf.needed).toContain('libc.so.6');
    expect(elf.needed).toContain('libstdc++.so.6');
  });

  it.each([
    [{ machine: 183 }, 'ARM 64'],
    [{ machine: 3, bits: 32 as const }, 'x86 (32 bit)'],
    [{ machine: 62, bits: 32 as const }, 'x86-64 with 32-bit pointers (x32)'],
    [{ machine: 4711 }, 'machine 4711'],
  ])('names the machine of %o', (craft, name) => {
    expect(machineName(elfOf(craftElf(craft)))).toBe(name);
  });

  it('says what is no ELF file, and what is a damaged one', () => {
    expect(readElf(Buffer.from('#!/bin/sh\n'))).toEqual({ ok: false, problem: 'it is no ELF file' });
    expect(readElf(craftElf(full).subarray(0, 100))).toMatchObject({
      ok: false,
      problem: expect.stringMatching(/damaged.*too early/) as string,
    });
  });

  it('refuses a file that needs more than a sane one does', () => {
    const needed = Array.from({ length: 600 }, (_, index) => `lib${index}.so`);
    expect(readElf(craftElf({ needed }))).toMatchObject({ ok: false });
  });

  it('takes the section headers away and leaves the rest', () => {
    const bytes = craftElf(full);
    const bare = Buffer.from(withoutSections(bytes));
    expect(elfOf(bare)).toEqual(elfOf(bytes));
    expect(bare.readBigUInt64LE(40)).toBe(0n);
    expect([bare.readUInt16LE(60), bare.readUInt16LE(62)]).toEqual([0, 0]);
    expect(bare.length).toBe(bytes.length);
    expect(bytes.readBigUInt64LE(40)).toBe(12345n);
  });
});

describe('hostile bytes', () => {
  const isClear = (bytes: Uint8Array): boolean => {
    const reading = readElf(bytes);
    return reading.ok ? reading.elf.needed.length <= 512 : reading.problem.startsWith('it is ');
  };

  it('are answered, never thrown at, whatever stands behind the magic number', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.boolean(), (tail, isElf) =>
        isClear(isElf ? Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, ...tail]) : tail),
      ),
      { numRuns: 2_000 },
    );
  });

  it('are answered when a good file is cut or has bytes changed', () => {
    const good = craftElf(full);
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.nat(good.length), fc.array(change, { maxLength: 8 }), (length, changes) => {
        const bytes = Uint8Array.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        return isClear(bytes.subarray(0, length));
      }),
      { numRuns: 2_000 },
    );
  });
});
