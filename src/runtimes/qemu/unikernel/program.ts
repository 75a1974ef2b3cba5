/** Which file of an image an argument vector runs, and whether Nanos can run it. */
import { posix } from 'node:path';
import { BerthError } from '../../../core/errors.js';
import type { ImageTree, TreeEntry } from '../contracts.js';
import { machineName, machineX86_64, looksLikeElf, readElf } from './elf.js';
import type { ProgramFile } from './libraries.js';
import { imagePath, splitFolders } from './paths.js';

/** Where programs are looked for when the environment has no PATH; what Podman uses. */
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const limits = { programBytes: 2 * 1024 * 1024 * 1024, headBytes: 512 };

/**
 * The program that `argv` names, as the image's own PATH and working directory find it, links followed. The argument
 * vector stays as it is: a program of many names looks at how it was called. Throws E_VM_IMAGE.
 */
export async function resolveProgram(
  tree: ImageTree,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ProgramFile> {
  const [name = ''] = argv;
  if (name === '') {
    throw new BerthError('E_VM_IMAGE', 'the image names no program: it has no ENTRYPOINT and no CMD', {
      suggestion: 'set command in the definition',
    });
  }
  const entry = findEntry(tree, name, env);
  if (entry.size > limits.programBytes) throw imageError(`${entry.path} is larger than ${limits.programBytes} bytes`);
  const head = await tree.read(entry.path, limits.headBytes);
  if (!looksLikeElf(head)) throw notElf(name, head);
  const reading = readElf(await tree.read(entry.path));
  if (!reading.ok) throw imageError(`${name} cannot run: ${reading.problem}`);
  const { elf } = reading;
  if (elf.machine !== machineX86_64 || elf.bits !== 64) {
    throw imageError(`${name} is for ${machineName(elf)}; this node runs x86-64`, 'build the image for linux/amd64');
  }
  if (elf.type === 'other') throw imageError(`${name} is an ELF file, but no program`);
  return { path: entry.path, elf };
}

function findEntry(tree: ImageTree, name: string, env: Readonly<Record<string, string>>): TreeEntry {
  if (name.includes('/')) {
    const entry = tree.find(imagePath(name, tree.config.workdir));
    if (!entry) throw imageError(`the image has no ${name}`, 'correct command in the definition, or the image');
    if (entry.kind !== 'file') throw imageError(`${name} is a ${entry.kind}, not a program`);
    return entry;
  }
  const path = env['PATH'] ?? defaultPath;
  for (const folder of splitFolders(path)) {
    const entry = tree.find(posix.join(imagePath(folder, tree.config.workdir), name));
    if (entry?.kind === 'file' && (entry.mode & 0o111) !== 0) return entry;
  }
  throw imageError(`the image has no program ${name} in ${path}`, 'correct command in the definition, or the image');
}

function notElf(name: string, head: Uint8Array): BerthError {
  const words = 'use runtime = "microvm"';
  if (head[0] === 0x23 && head[1] === 0x21) {
    const line = Buffer.from(head).toString('utf8').split('\n', 1)[0] ?? '';
    const interpreter = line.slice(2).trim();
    return imageError(
      `${name} is a script for ${interpreter}; Nanos runs one ELF program`,
      `${words}, or name the ELF program itself, with the script as its argument, in command`,
    );
  }
  return imageError(
    `${name} is no ELF program; Nanos runs one ELF program`,
    `${words}, or name an ELF program in command`,
  );
}

function imageError(message: string, suggestion?: string): BerthError {
  return new BerthError('E_VM_IMAGE', message, suggestion === undefined ? {} : { suggestion });
}
