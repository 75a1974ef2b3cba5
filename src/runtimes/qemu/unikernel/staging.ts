/** The guest's root file system, put together on the host as ops takes it: nothing of it is run or believed. */
import { lstat, mkdir, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { join, posix, relative } from 'node:path';
import { BerthError } from '../../../core/errors.js';
import type { ImageTree } from '../contracts.js';
import { withoutSections } from './elf.js';
import type { ProgramFile } from './libraries.js';
import type { NeededFile } from './loader-rules.js';
import { imagePath } from './paths.js';

export interface StagingRequest {
  readonly tree: ImageTree;
  readonly program: ProgramFile;
  readonly needed: readonly NeededFile[];
  /** Absolute paths that the definition asks for. */
  readonly files: readonly string[];
  /** Absolute; made when nothing brings it. */
  readonly workdir: string;
}

/** What lies at the top of the staged root. */
export interface Staged {
  readonly topFiles: readonly string[];
  readonly topFolders: readonly string[];
  /** Sum of the files, in bytes. */
  readonly totalBytes: number;
}

/** Fills the fresh folder `root`. E_VM_IMAGE names a file that the image does not have; E_DISK_FULL. */
export async function stageRoot(request: StagingRequest, root: string, signal: AbortSignal): Promise<Staged> {
  const { tree, program, needed } = request;
  await mkdir(root, { mode: 0o700 });
  for (const path of request.files) {
    if (!tree.find(path)) {
      throw new BerthError('E_VM_IMAGE', `the image has no ${path}`, { suggestion: 'correct files in the definition' });
    }
    await tree.copyOut(imagePath(path), root, signal);
  }
  await healLinks(tree, root, signal);
  for (const { wanted } of needed) await tree.copyOut(wanted, root, signal);
  await tree.copyOut(program.path, root, signal);
  await dropSections(join(root, program.path));
  await makeWorkdir(root, request.workdir);
  return describe(root);
}

/** ops runs a program on the host when its section headers name libraries (lepton/ldd_linux.go): it shall see none. */
async function dropSections(path: string): Promise<void> {
  const content = await readFile(path);
  await rm(path);
  await writeFile(path, withoutSections(content), { mode: 0o700, flag: 'wx' });
}

async function makeWorkdir(root: string, workdir: string): Promise<void> {
  await mkdir(join(root, imagePath(workdir)), { recursive: true });
}

/** A link to a file that was not asked for becomes that file; one to such a folder leads to an empty one. */
async function healLinks(tree: ImageTree, root: string, signal: AbortSignal): Promise<void> {
  for (const { path, kind } of await walk(root)) {
    if (kind !== 'symlink' || (await stat(path).catch(() => undefined))) continue;
    const inImage = `/${relative(root, path)}`;
    const target = tree.find(inImage);
    if (target?.kind === 'file') {
      await rm(path);
      await tree.copyOut(inImage, root, signal);
    } else if (target?.kind === 'directory') {
      await mkdir(join(path, '..', await readlink(path)), { recursive: true });
    } else await rm(path);
  }
}

interface Walked {
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  readonly bytes: number;
}

async function walk(root: string): Promise<Walked[]> {
  const found: Walked[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const kind = entry.isFile()
      ? 'file'
      : entry.isDirectory()
        ? 'directory'
        : entry.isSymbolicLink()
          ? 'symlink'
          : 'other';
    found.push({ path, kind, bytes: kind === 'file' ? (await lstat(path)).size : 0 });
  }
  return found;
}

async function describe(root: string): Promise<Staged> {
  const all = await walk(root);
  const top = all.filter(({ path }) => posix.dirname(path) === root);
  const names = (wanted: (kind: Walked['kind']) => boolean): string[] =>
    top
      .filter(({ kind }) => wanted(kind))
      .map(({ path }) => posix.basename(path))
      .sort();
  return {
    topFiles: names((kind) => kind === 'file'),
    // A link at the top is taken by the walk that ops makes of folders.
    topFolders: names((kind) => kind === 'directory' || kind === 'symlink'),
    totalBytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
