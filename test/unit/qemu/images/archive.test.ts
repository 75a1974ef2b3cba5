/** Images read from their archives: layers merged, and nothing believed of what an archive says of itself. */
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedImage } from '../../../../src/runtimes/qemu/images/index.js';
import {
  archiveOf,
  directory,
  file,
  hardLink,
  makeStage,
  symlink,
  tarOf,
  type LayerEntry,
  type Stage,
} from './archives.js';

let stage: Stage;
beforeEach(async () => {
  stage = await makeStage();
});
afterEach(async () => {
  await stage.dispose();
});

const never = new AbortController().signal;
const paths = (tree: OpenedImage): readonly string[] => [...tree.entries()].map(({ path }) => path);
const textOf = async (tree: OpenedImage, path: string): Promise<string> =>
  Buffer.from(await tree.read(path)).toString();

describe('layers', () => {
  it('a later file replaces an earlier one, with its attributes', async () => {
    const tree = await stage.image(
      [file('a', 'one', { uid: 1 })],
      [file('./a', 'second', { uid: 7, gid: 8, mode: 0o4711 })],
    );
    expect(await textOf(tree, '/a')).toBe('second');
    expect(tree.find('/a')).toMatchObject({ uid: 7, gid: 8, mode: 0o4711, size: 6, kind: 'file' });
    expect(tree.totalBytes).toBe(6);
  });

  it('a folder keeps what it holds when a later layer speaks of it, and loses it to a file', async () => {
    const lower = [directory('d'), file('d/x', 'x'), directory('e'), file('e/y', 'y')];
    const tree = await stage.image(lower, [directory('d', { mode: 0o700 }), file('e', 'now a file')]);
    expect(paths(tree)).toEqual(['/', '/d', '/d/x', '/e']);
    expect(tree.find('/d')?.mode).toBe(0o700);
    const back = await stage.image(lower, [file('e', 'f')], [file('e/z', 'z')]);
    expect(paths(back)).toEqual(['/', '/d', '/d/x', '/e', '/e/z']);
  });

  it('whiteouts hide what lower layers put there, and nothing of their own layer', async () => {
    const lower = [file('d/a', 'a'), file('d/b', 'b'), file('e/deep/c', 'c'), file('f', 'f')];
    const upper = [
      file('d/new', 'n'),
      file('d/.wh..wh..opq', ''),
      file('.wh.e', ''),
      file('.wh.f', ''),
      file('f', 'again'),
    ];
    const tree = await stage.image(lower, upper);
    expect(paths(tree)).toEqual(['/', '/d', '/d/new', '/f']);
    expect(await textOf(tree, '/f')).toBe('again');
    const early = await stage.image(lower, [file('d/a', 'mine'), file('d/.wh.a', ''), file('d/.wh.gone', '')]);
    expect(await textOf(early, '/d/a')).toBe('mine');
  });

  it('hard links share content and count once; a folder comes before what is in it', async () => {
    const tree = await stage.image([
      file('bin/busybox', 'program'),
      hardLink('bin/sh', 'bin/busybox'),
      hardLink('ls', '/bin/sh'),
    ]);
    expect([...tree.entries()].map(({ path, hardLinkTo }) => [path, hardLinkTo])).toEqual([
      ['/', undefined],
      ['/bin', undefined],
      ['/bin/busybox', undefined],
      ['/bin/sh', '/bin/busybox'],
      ['/ls', '/bin/busybox'],
    ]);
    expect(await textOf(tree, '/ls')).toBe('program');
    expect(tree.totalBytes).toBe(7);
  });

  it('long and foreign names, devices and compressed layers are understood', async () => {
    const long = `${'long-folder-name/'.repeat(14)}ünï`;
    const device: LayerEntry = { name: 'null', type: 'character-device', devmajor: 1, devminor: 3, mode: 0o666 };
    const layer = await tarOf([file(long, 'x'), device, symlink('s', `/${long}`)]);
    const tree = await stage.open(await archiveOf([gzipSync(layer)]));
    expect(await textOf(tree, '/s')).toBe('x');
    expect(tree.find('/null')).toMatchObject({ kind: 'character-device', device: { major: 1, minor: 3 } });
    await tree.close();
    expect(await readdir(stage.folder)).toEqual(['image.tar']);
  });

  it('a file of some megabytes is read whole, in part and as a stream', async () => {
    const large = Buffer.alloc(3_000_001, 'abcdefg');
    const tree = await stage.image([file('before', 'b'), file('large', large), file('after', 'a')]);
    expect(large.equals(await tree.read('/large'))).toBe(true);
    expect(large.subarray(0, 300_000).equals(await tree.read('/large', 300_000))).toBe(true);
    expect(await textOf(tree, '/after')).toBe('a');
  });
});

describe('find', () => {
  it('follows links inside the tree and never out of it', async () => {
    const tree = await stage.image([
      ...[
        symlink('lib', 'usr/lib'),
        file('usr/lib/x', 'x'),
        symlink('up', '../../../../usr/lib/x'),
        symlink('abs', '/lib/x'),
      ],
      ...[symlink('loop', 'pool'), symlink('pool', 'loop'), symlink('lost', 'nowhere')],
    ]);
    for (const path of ['/lib/x', '/up', '/abs', 'lib/../lib/./x']) expect(tree.find(path)?.path).toBe('/usr/lib/x');
    for (const path of ['/loop', '/lost', '/usr/lib/x/y', '/none']) expect(tree.find(path)).toBeUndefined();
    await expect(tree.read('/lost')).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
  });
});

describe('copyOut', () => {
  it('never writes or points out of its folder, whatever links there are', async () => {
    const outside = await mkdtemp(join(stage.folder, 'outside-'));
    const tree = await stage.image([
      ...[
        symlink('escape', outside),
        symlink('app/climb', '../../../../../../etc/passwd'),
        file('etc/passwd', 'inner'),
      ],
      ...[
        symlink('app/secret', '/etc/passwd'),
        symlink('app/lost', '/etc/shadow'),
        file('app/run', '#!', { mode: 0o755 }),
      ],
    ]);
    const target = join(stage.folder, 'target');
    await tree.copyOut('/', target, never);
    await tree.copyOut('/app', target, never);
    for (const link of ['app/climb', 'app/secret']) {
      expect(await readlink(join(target, link))).toBe('../etc/passwd');
      expect(await readFile(join(target, link), 'utf8')).toBe('inner');
    }
    expect((await lstat(join(target, 'app/run'))).mode & 0o777).toBe(0o755);
    expect((await readdir(join(target, 'app'))).sort()).toEqual(['climb', 'run', 'secret']);
    expect(await readdir(target)).not.toContain('escape');
    expect(await readdir(outside)).toEqual([]);
  });

  it('puts one file, found through links, at the path that was asked for', async () => {
    const tree = await stage.image([
      symlink('lib', 'usr/lib'),
      symlink('usr/lib/x', 'x.1'),
      file('usr/lib/x.1', 'lib'),
    ]);
    const target = join(stage.folder, 'target');
    await mkdir(target);
    await tree.copyOut('/lib/x', target, never);
    expect(await readFile(join(target, 'lib/x'), 'utf8')).toBe('lib');
    expect((await lstat(join(target, 'lib/x'))).isFile()).toBe(true);
    await expect(tree.copyOut('/none', target, never)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
  });
});

describe('what no honest tool writes is refused', () => {
  const hostile: Readonly<Record<string, readonly LayerEntry[]>> = {
    'a name that climbs': [file('../outside', 'x')],
    'a name that climbs in the middle': [file('a/../../outside', 'x')],
    'a hard link that climbs': [hardLink('a', '../../etc/passwd')],
    'a hard link to nothing': [hardLink('a', 'b')],
    'a hard link to a folder': [directory('d'), hardLink('a', 'd')],
    'a whiteout of the folder above': [file('d/.wh...', '')],
    'a whiteout of nothing': [file('d/.wh.', '')],
    'a name longer than PATH_MAX': [file('x/'.repeat(2_100) + 'y', 'x')],
    'a link longer than PATH_MAX': [symlink('a', 'x/'.repeat(3_000))],
    'a root that is a file': [file('.', 'x')],
  };
  for (const [what, entries] of Object.entries(hostile)) {
    it(what, async () => {
      await expect(stage.image(entries)).rejects.toMatchObject({ code: 'E_VM_IMAGE' });
    });
  }

  it('an absolute name is one of the image, and a file behind a link replaces the link', async () => {
    const tree = await stage.image([file('/abs', 'x'), symlink('etc', stage.folder), file('etc/passwd', 'inner')]);
    expect(paths(tree)).toEqual(['/', '/abs', '/etc', '/etc/passwd']);
    expect(await readdir(stage.folder)).toEqual(['image.tar']);
  });

  it('an archive cut off anywhere, or damaged, is told from a whole one', async () => {
    const whole = await archiveOf([await tarOf([file('a', 'x'.repeat(2_000)), directory('d')])]);
    for (let bytes = 0; bytes < whole.length - 1_536; bytes += 509) {
      await expect(stage.open(whole.subarray(0, bytes)), `${bytes} bytes`).rejects.toMatchObject({
        code: 'E_VM_IMAGE',
      });
    }
    const damaged = Buffer.from(whole);
    damaged[600] = 1;
    await expect(stage.open(damaged)).rejects.toMatchObject({ code: 'E_VM_IMAGE' });
  });

  it('layers that are broken, missing or of an unknown form', async () => {
    const gzipped = gzipSync(await tarOf([file('a', 'x'.repeat(100_000))]));
    const zstd = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), Buffer.alloc(600)]);
    for (const layer of [gzipped.subarray(0, 60), zstd, Buffer.alloc(700, 7)]) {
      await expect(stage.open(await archiveOf([layer]))).rejects.toMatchObject({ code: 'E_VM_IMAGE' });
    }
    const manifest = JSON.stringify([{ Config: 'c.json', Layers: ['gone.tar'] }]);
    const lacking = await tarOf([file('c.json', '{}'), file('manifest.json', manifest)]);
    await expect(stage.open(lacking)).rejects.toMatchObject({ code: 'E_VM_IMAGE', message: /gone\.tar is missing/ });
    expect(await readdir(stage.folder)).toEqual(['image.tar']);
  });
});
