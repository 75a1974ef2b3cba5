import { describe, expect, it } from 'vitest';
import { resolveProgram } from '../../../../src/runtimes/qemu/unikernel/program.js';
import { craftElf } from './craft-elf.js';
import { memoryTree } from './memory-tree.js';

const tree = memoryTree(
  {
    '/bin/busybox': craftElf(),
    '/bin/httpd': { link: 'busybox' },
    '/usr/local/bin/serve': craftElf({ type: 2 }),
    '/app/run.sh': '#!/bin/sh -e\nexec true\n',
    '/app/notes': 'hello\n',
    '/app/arm': craftElf({ machine: 183 }),
    '/app/core': craftElf({ type: 4 }),
    '/app/cut': craftElf({ interpreter: '/x', needed: ['a'] }).subarray(0, 90),
    '/app/serve': craftElf(),
  },
  { workdir: '/app' },
);

const find = (argv: readonly string[], env: Record<string, string> = {}) => resolveProgram(tree, argv, env);

describe('the program of an argument vector', () => {
  it.each([
    [['/bin/busybox'], '/bin/busybox'],
    [['/bin/httpd', '-f'], '/bin/busybox'],
    [['httpd'], '/bin/busybox'],
    [['serve'], '/usr/local/bin/serve'],
    [['./serve'], '/app/serve'],
    [['../bin/busybox'], '/bin/busybox'],
  ])('of %j is %s', async (argv, path) => {
    expect((await find(argv)).path).toBe(path);
  });

  it('is looked for in the PATH of its own environment', async () => {
    expect((await find(['serve'], { PATH: '/nowhere:/app' })).path).toBe('/app/serve');
    await expect(find(['serve'], { PATH: '/nowhere' })).rejects.toThrow('the image has no program serve in /nowhere');
  });

  it.each([
    [[], 'the image names no program'],
    [['/bin/none'], 'the image has no /bin/none'],
    [['/app'], '/app is a directory, not a program'],
    [['/app/run.sh'], '/app/run.sh is a script for /bin/sh -e; Nanos runs one ELF program'],
    [['/app/notes'], '/app/notes is no ELF program; Nanos runs one ELF program'],
    [['/app/arm'], '/app/arm is for ARM 64; this node runs x86-64'],
    [['/app/core'], '/app/core is an ELF file, but no program'],
    [['/app/cut'], 'damaged ELF file'],
  ])('is refused: %j', async (argv, message) => {
    const failure = find(argv);
    await expect(failure).rejects.toMatchObject({ code: 'E_VM_IMAGE' });
    await expect(failure).rejects.toThrow(message);
  });

  it('says what to do with a script', async () => {
    await expect(find(['/app/run.sh'])).rejects.toMatchObject({
      suggestion: expect.stringContaining('use runtime = "microvm"') as string,
    });
  });
});
