/** How the two dynamic loaders of Linux look for libraries beyond what the ELF headers say. */
import { posix } from 'node:path';
import type { ImageTree } from '../contracts.js';
import { imagePath } from './paths.js';

/** A file of the image and where the program will look for it. */
export interface NeededFile {
  /** Absolute: what the loader opens. */
  readonly wanted: string;
  /** Absolute: where the content stands, links followed. */
  readonly source: string;
}

export interface LoaderRules {
  /** Searched last, in this order. */
  readonly folders: readonly string[];
  /** musl passes DT_RUNPATH on to what a library needs, glibc does not. */
  readonly runpathIsInherited: boolean;
  /** What the loader itself reads at run time. */
  readonly files: readonly NeededFile[];
  /** Names under which the loader itself is loaded already. */
  builtIn(fileName: string, soname: string | null): readonly string[];
  /** Libraries that are a part of the loader. */
  isBuiltIn(name: string): boolean;
}

/** Debian's folders first, then those of others; a folder that an image does not have holds nothing. */
const glibcFolders = ['/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu', '/lib64', '/usr/lib64', '/lib', '/usr/lib'];
const muslFolders = ['/lib', '/usr/local/lib', '/usr/lib'];
const muslPathFile = '/etc/ld-musl-x86_64.path';
/** Source: musl ldso/dynlink.c, load_library. */
const muslOwn = /^lib(?:c|pthread|rt|m|dl|util|xnet)\./;
const limits = { configBytes: 64 * 1024, configDepth: 4, configFiles: 64 };

/** The rules of the loader at this path of the image. */
export async function loaderRules(tree: ImageTree, loader: string): Promise<LoaderRules> {
  return posix.basename(loader).startsWith('ld-musl-') ? muslRules(tree) : glibcRules(tree);
}

async function muslRules(tree: ImageTree): Promise<LoaderRules> {
  const text = await readText(tree, muslPathFile);
  const folders = text?.split(/[:\n]/).filter((folder) => folder.startsWith('/'));
  return {
    folders: folders ?? muslFolders,
    runpathIsInherited: true,
    files: filesThere(tree, [muslPathFile]),
    builtIn: (fileName, soname) => (soname === null ? [fileName] : [fileName, soname]),
    isBuiltIn: (name) => muslOwn.test(name),
  };
}

async function glibcRules(tree: ImageTree): Promise<LoaderRules> {
  const configured = await configuredFolders(tree, '/etc/ld.so.conf', { depth: 0, files: 0 });
  return {
    folders: [...configured, ...glibcFolders],
    runpathIsInherited: false,
    // The loader finds the configured folders through this cache, not through the text it was made from.
    files: filesThere(tree, ['/etc/ld.so.cache']),
    builtIn: (fileName, soname) => (soname === null ? [fileName] : [fileName, soname]),
    isBuiltIn: () => false,
  };
}

function filesThere(tree: ImageTree, paths: readonly string[]): NeededFile[] {
  return paths.flatMap((wanted) => {
    const entry = tree.find(wanted);
    return entry?.kind === 'file' ? [{ wanted, source: entry.path }] : [];
  });
}

/** The folders of /etc/ld.so.conf; `include` takes a pattern with stars in its last part, as distributions write it. */
async function configuredFolders(
  tree: ImageTree,
  path: string,
  seen: { readonly depth: number; files: number },
): Promise<string[]> {
  seen.files += 1;
  if (seen.depth > limits.configDepth || seen.files > limits.configFiles) return [];
  const folders: string[] = [];
  for (const raw of ((await readText(tree, path)) ?? '').split('\n')) {
    const line = raw.replace(/#.*/, '').trim();
    const include = /^include\s+(\S+)$/.exec(line)?.[1];
    if (include !== undefined) {
      for (const file of matching(tree, imagePath(include, posix.dirname(path)))) {
        const deeper = { depth: seen.depth + 1, files: seen.files };
        folders.push(...(await configuredFolders(tree, file, deeper)));
        seen.files = deeper.files;
      }
    } else if (line.startsWith('/')) folders.push(imagePath(line));
  }
  return folders;
}

function matching(tree: ImageTree, pattern: string): string[] {
  const folder = tree.find(posix.dirname(pattern))?.path;
  if (folder === undefined) return [];
  const [before = '', ...after] = posix.basename(pattern).split('*');
  const fits = (name: string): boolean => {
    if (after.length === 0) return name === before;
    return name.startsWith(before) && name.endsWith(after.at(-1) ?? '');
  };
  const names = [...tree.entries()]
    .map(({ path }) => path)
    .filter((path) => posix.dirname(path) === folder && fits(posix.basename(path)));
  return names.sort();
}

async function readText(tree: ImageTree, path: string): Promise<string | undefined> {
  if (tree.find(path)?.kind !== 'file') return undefined;
  return Buffer.from(await tree.read(path, limits.configBytes)).toString('utf8');
}
