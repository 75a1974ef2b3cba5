import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execaSync } from 'execa';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { cpioArchive, encodeCpio, type CpioEntry } from '../../../../src/runtimes/qemu/guest/cpio.js';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Unpacks with another program: busybox. */
function unpack(archive: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'berth-cpio-'));
  folders.push(folder);
  execaSync('busybox', ['cpio', '-idm', '--quiet'], { cwd: folder, input: archive, timeout: 10_000 });
  return folder;
}

async function* chunksOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function collect(entries: Iterable<CpioEntry>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of encodeCpio(entries)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('cpio archives', () => {
  it('are what another program unpacks', async () => {
    const archive = await cpioArchive([
      { kind: 'directory', path: '/', mode: 0o755 },
      { kind: 'directory', path: '/data', mode: 0o750, mtimeS: 1_700_000_000 },
      { kind: 'file', path: '/data/a', mode: 0o640, mtimeS: 1_600_000_000, content: Buffer.from('hello') },
      { kind: 'file', path: 'data/empty', mode: 0o600, content: new Uint8Array(0) },
      { kind: 'file', path: '/data/b', mode: 0o755, size: 7, content: chunksOf('abc', '', 'defg') },
      { kind: 'symlink', path: '/data/link', mode: 0o777, linkTarget: '../data/a' },
      { kind: 'fifo', path: '/data/pipe', mode: 0o600 },
      { kind: 'file', path: '/data/größe', mode: 0o644, content: Buffer.from('ü') },
    ]);
    expect(archive.byteLength % 4).toBe(0);
    const folder = unpack(archive);
    expect(readFileSync(join(folder, 'data/a'), 'utf8')).toBe('hello');
    expect(statSync(join(folder, 'data/a')).mode & 0o7777).toBe(0o640);
    expect(statSync(join(folder, 'data/a')).mtimeMs).toBe(1_600_000_000_000);
    expect(statSync(join(folder, 'data/empty')).size).toBe(0);
    expect(readFileSync(join(folder, 'data/b'), 'utf8')).toBe('abcdefg');
    expect(readlinkSync(join(folder, 'data/link'))).toBe('../data/a');
    expect(statSync(join(folder, 'data/pipe')).isFIFO()).toBe(true);
    expect(readFileSync(join(folder, 'data/größe'), 'utf8')).toBe('ü');
  });

  it('write a header as the kernel documents it', async () => {
    const archive = Buffer.from(
      await cpioArchive([
        { kind: 'character-device', path: '/dev/null', mode: 0o4666, uid: 16, gid: 255, mtimeS: 1, major: 1, minor: 3 },
      ]),
    ).toString('latin1');
    const fields = ['070701', '00000001', '000029b6', '00000010', '000000ff', '00000001', '00000001', '00000000'];
    const rest = ['00000000', '00000000', '00000001', '00000003', '00000009', '00000000', 'dev/null\0'];
    expect(archive.startsWith([...fields, ...rest].join(''))).toBe(true);
    expect(archive.slice(120)).toMatch(/^070701[0-9a-f]{104}TRAILER!!!\0+$/);
  });

  it('hold any content at aligned offsets', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.stringMatching(/^[a-z]{1,9}$/), fc.uint8Array({ maxLength: 40 })), { maxLength: 6 }),
        async (files) => {
          const archive = Buffer.from(
            await cpioArchive(files.map(([path, content]) => ({ kind: 'file', path, mode: 0o600, content }))),
          );
          let offset = 0;
          for (const [path, content] of files) {
            const hex = (field: number): number =>
              Number.parseInt(archive.toString('latin1', offset + 6 + field * 8, offset + 14 + field * 8), 16);
            expect(archive.toString('latin1', offset, offset + 6)).toBe('070701');
            expect(archive.toString('utf8', offset + 110, offset + 110 + path.length)).toBe(path);
            const start = Math.ceil((offset + 110 + hex(11)) / 4) * 4;
            expect(new Uint8Array(archive.subarray(start, start + hex(6)))).toEqual(content);
            offset = Math.ceil((start + hex(6)) / 4) * 4;
          }
          expect(archive.toString('latin1', offset + 110, offset + 120)).toBe('TRAILER!!!');
        },
      ),
      { numRuns: 50 },
    );
  });

  it.each([
    ['shorter', chunksOf('ab'), /ends after 2 of the 3 bytes/],
    ['longer', chunksOf('ab', 'cd'), /more than the 3 bytes/],
  ])('refuse content that is %s than announced', async (_, content, message) => {
    await expect(collect([{ kind: 'file', path: '/a', mode: 0o600, size: 3, content }])).rejects.toThrow(message);
  });

  it('refuse what the format cannot hold', async () => {
    const large: CpioEntry = { kind: 'file', path: '/large', mode: 0o600, size: 2 ** 32, content: chunksOf() };
    await expect(collect([large])).rejects.toMatchObject({ code: 'E_VM_IMAGE' });
    const long: CpioEntry = { kind: 'directory', path: `/${'a'.repeat(4096)}`, mode: 0o755 };
    await expect(collect([long])).rejects.toMatchObject({ code: 'E_VM_IMAGE' });
  });
});
