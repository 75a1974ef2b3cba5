import { describe, expect, it } from 'vitest';
import type { ImageTree } from '../../../../src/runtimes/qemu/contracts.js';
import { findLibraries } from '../../../../src/runtimes/qemu/unikernel/libraries.js';
import { resolveProgram } from '../../../../src/runtimes/qemu/unikernel/program.js';
import { craftElf } from './craft-elf.js';
import { memoryTree, type Item } from './memory-tree.js';

const glibc = '/lib64/ld-linux-x86-64.so.2';
const musl = '/lib/ld-musl-x86_64.so.1';
const loader = craftElf({ soname: 'ld-linux-x86-64.so.2' });
const library = craftElf({ soname: 'x' });

async function filesOf(tree: ImageTree, argv: readonly string[] = ['/app/run'], env: Record<string, string> = {}) {
  const program = await resolveProgram(tree, argv, env);
  const found = await findLibraries(tree, program, env);
  return found.map(({ wanted, source }) => (wanted === source ? wanted : `${wanted} <- ${source}`)).sort();
}

const withGlibc = (craft: Parameters<typeof craftElf>[0], more: Record<string, Item>): ImageTree =>
  memoryTree({ '/app/run': craftElf({ interpreter: glibc, ...craft }), [glibc]: loader, ...more });

describe('libraries of a glibc program', () => {
  it('are none for a static one', async () => {
    expect(await filesOf(memoryTree({ '/app/run': craftElf() }))).toEqual([]);
  });

  it('are found in the default folders, with what they need themselves, each once', async () => {
    const tree = withGlibc(
      { needed: ['libm.so.6', 'libc.so.6'] },
      {
        '/lib/x86_64-linux-gnu/libm.so.6': craftElf({ needed: ['libc.so.6', 'libdeep.so'] }),
        '/usr/lib64/libc.so.6': craftElf({ needed: ['ld-linux-x86-64.so.2'] }),
        '/usr/lib/libdeep.so': library,
      },
    );
    expect(await filesOf(tree)).toEqual([
      '/lib/x86_64-linux-gnu/libm.so.6',
      glibc,
      '/usr/lib/libdeep.so',
      '/usr/lib64/libc.so.6',
    ]);
  });

  it('stand where the loader looks, whatever links lead there', async () => {
    const tree = memoryTree({
      '/app/run': craftElf({ interpreter: glibc, needed: ['libc.so.6'] }),
      '/lib64': { link: 'usr/lib64' },
      '/lib': { link: '/usr/lib' },
      '/usr/lib64/ld-linux-x86-64.so.2': { link: '../lib/x86_64-linux-gnu/ld-2.36.so' },
      '/usr/lib/x86_64-linux-gnu/ld-2.36.so': loader,
      '/usr/lib/x86_64-linux-gnu/libc.so.6': library,
    });
    expect(await filesOf(tree)).toEqual([
      '/lib/x86_64-linux-gnu/libc.so.6 <- /usr/lib/x86_64-linux-gnu/libc.so.6',
      `${glibc} <- /usr/lib/x86_64-linux-gnu/ld-2.36.so`,
    ]);
  });

  it('are found beside the program by $ORIGIN, which is where the program really stands', async () => {
    const tree = memoryTree({
      '/bin/run': { link: '../opt/app/bin/run' },
      '/opt/app/bin/run': craftElf({ interpreter: glibc, needed: ['liba.so'], runpath: '${ORIGIN}/../lib' }),
      '/opt/app/lib/liba.so': library,
      [glibc]: loader,
    });
    expect(await filesOf(tree, ['/bin/run'])).toEqual([glibc, '/opt/app/lib/liba.so']);
  });

  it('follow RPATH of the program for what its libraries need, but not its RUNPATH', async () => {
    const more = {
      '/opt/liba.so': craftElf({ needed: ['libb.so'] }),
      '/opt/libb.so': library,
    };
    expect(await filesOf(withGlibc({ needed: ['liba.so'], rpath: '/opt' }, more))).toContain('/opt/libb.so');
    await expect(filesOf(withGlibc({ needed: ['liba.so'], runpath: '/opt' }, more))).rejects.toMatchObject({
      code: 'E_VM_IMAGE',
      message: '/opt/liba.so needs libb.so, which the image does not have',
    });
  });

  it('prefer LD_LIBRARY_PATH to RUNPATH, and RPATH to both', async () => {
    const more = { '/one/liba.so': library, '/two/liba.so': library };
    const env = { LD_LIBRARY_PATH: '/one' };
    const find = (craft: Parameters<typeof craftElf>[0]) => filesOf(withGlibc(craft, more), ['/app/run'], env);
    expect(await find({ needed: ['liba.so'], runpath: '/two' })).toContain('/one/liba.so');
    expect(await find({ needed: ['liba.so'], rpath: '/two' })).toContain('/two/liba.so');
  });

  it('are found in the folders of ld.so.conf, and the cache that the loader reads comes along', async () => {
    const tree = withGlibc(
      { needed: ['liba.so'] },
      {
        '/etc/ld.so.conf': '# first\ninclude /etc/ld.so.conf.d/*.conf\n',
        '/etc/ld.so.conf.d/local.conf': '/usr/local/lib # ours\n',
        '/etc/ld.so.conf.d/readme': '/nowhere\n',
        '/etc/ld.so.cache': 'cache',
        '/usr/local/lib/liba.so': library,
      },
    );
    expect(await filesOf(tree)).toEqual(['/etc/ld.so.cache', glibc, '/usr/local/lib/liba.so']);
  });

  it('may include themselves in ld.so.conf for ever', async () => {
    const tree = withGlibc({ needed: [] }, { '/etc/ld.so.conf': 'include /etc/*.conf\ninclude ld.so.conf\n' });
    expect(await filesOf(tree)).toEqual([glibc]);
  });

  it('pass over one for another machine, and name it when there is no other', async () => {
    const arm = craftElf({ machine: 183 });
    const good = withGlibc({ needed: ['liba.so'] }, { '/lib64/liba.so': arm, '/usr/lib/liba.so': library });
    expect(await filesOf(good)).toContain('/usr/lib/liba.so');
    await expect(filesOf(withGlibc({ needed: ['liba.so'] }, { '/lib64/liba.so': arm }))).rejects.toMatchObject({
      code: 'E_VM_IMAGE',
      message: '/app/run needs liba.so for x86-64, but /lib64/liba.so is for ARM 64',
    });
  });

  it('may need one another in a circle', async () => {
    const tree = withGlibc(
      { needed: ['liba.so'] },
      { '/lib/liba.so': craftElf({ needed: ['libb.so'] }), '/lib/libb.so': craftElf({ needed: ['liba.so'] }) },
    );
    expect(await filesOf(tree)).toEqual(['/lib/liba.so', '/lib/libb.so', glibc]);
  });

  it('cannot do without the loader', async () => {
    await expect(filesOf(memoryTree({ '/app/run': craftElf({ interpreter: glibc }) }))).rejects.toMatchObject({
      code: 'E_VM_IMAGE',
      message: `/app/run is loaded by ${glibc}, which the image does not have`,
    });
  });
});

describe('libraries of a musl program', () => {
  const tree = (more: Record<string, Item>, craft: Parameters<typeof craftElf>[0] = {}): ImageTree =>
    memoryTree({
      '/app/run': craftElf({ interpreter: musl, needed: ['libc.musl-x86_64.so.1', 'libz.so.1'], ...craft }),
      [musl]: craftElf(),
      ...more,
    });

  it('do not hold libc, which is the loader itself', async () => {
    expect(await filesOf(tree({ '/usr/lib/libz.so.1': library }))).toEqual([musl, '/usr/lib/libz.so.1']);
  });

  it('are found by the path file of musl, which comes along', async () => {
    const more = { '/etc/ld-musl-x86_64.path': '/opt/a\n/opt/b\n', '/opt/b/libz.so.1': library };
    expect(await filesOf(tree(more))).toEqual(['/etc/ld-musl-x86_64.path', musl, '/opt/b/libz.so.1']);
  });

  it('inherit RUNPATH', async () => {
    const more = { '/opt/libz.so.1': craftElf({ needed: ['liby.so'] }), '/opt/liby.so': library };
    expect(await filesOf(tree(more, { runpath: '/opt' }))).toContain('/opt/liby.so');
  });
});
