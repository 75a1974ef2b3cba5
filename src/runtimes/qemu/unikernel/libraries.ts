/**
 * The dynamic loader and the libraries of a program, found in its image by reading ELF headers only: nothing of the
 * image is run. The search is the loader's own, so that each file stands where the loader looks for it at run time.
 *
 * Sources: man 8 ld.so (glibc), musl's ldso/dynlink.c. What a program opens later by dlopen is not in its headers.
 */
import { posix } from 'node:path';
import { BerthError } from '../../../core/errors.js';
import type { ImageTree } from '../contracts.js';
import { machineName, machineX86_64, readElf, type Elf } from './elf.js';
import { loaderRules, type LoaderRules, type NeededFile } from './loader-rules.js';
import { imagePath, splitFolders } from './paths.js';

export interface ProgramFile {
  /** Absolute, links followed. */
  readonly path: string;
  readonly elf: Elf;
}

/** Bounds on what one program may need. */
const limits = { libraries: 1_024, libraryBytes: 1024 * 1024 * 1024 };

/** A loaded object and the one that asked for it. */
interface Loaded {
  readonly path: string;
  readonly elf: Elf;
  readonly parent: Loaded | null;
}

/**
 * All files that the program needs before its first line runs. Throws E_VM_IMAGE, which names the missing or foreign
 * library and who needs it. `env` is the program's: LD_LIBRARY_PATH counts.
 */
export async function findLibraries(
  tree: ImageTree,
  program: ProgramFile,
  env: Readonly<Record<string, string>>,
): Promise<readonly NeededFile[]> {
  const { interpreter } = program.elf;
  if (interpreter === null) return [];
  const loader = await loadInterpreter(tree, program, interpreter);
  const rules = await loaderRules(tree, loader.wanted);
  const files = [loader, ...rules.files];
  const known = new Set(rules.builtIn(posix.basename(loader.wanted), loader.soname));
  const queue: Loaded[] = [{ path: program.path, elf: program.elf, parent: null }];
  for (let object = queue.shift(); object; object = queue.shift()) {
    for (const name of object.elf.needed) {
      if (known.has(name) || rules.isBuiltIn(name)) continue;
      known.add(name);
      const found = await findOne(tree, { name, object, rules, env });
      if (found.elf.soname !== null) known.add(found.elf.soname);
      files.push({ wanted: found.wanted, source: found.path });
      if (files.length > limits.libraries)
        throw imageError(`${program.path} needs more than ${limits.libraries} files`);
      queue.push({ path: found.path, elf: found.elf, parent: object });
    }
  }
  return files;
}

async function loadInterpreter(
  tree: ImageTree,
  program: ProgramFile,
  interpreter: string,
): Promise<NeededFile & { readonly soname: string | null }> {
  const wanted = imagePath(interpreter);
  const entry = tree.find(wanted);
  if (entry?.kind !== 'file') {
    throw imageError(
      `${program.path} is loaded by ${interpreter}, which the image does not have`,
      'build the image with it, or link the program statically',
    );
  }
  const elf = await readLibrary(tree, entry.path, entry.size);
  if (!elf || !isNative(elf)) throw imageError(`${interpreter}, which loads ${program.path}, is no x86-64 ELF file`);
  return { wanted, source: entry.path, soname: elf.soname };
}

interface Search {
  readonly name: string;
  readonly object: Loaded;
  readonly rules: LoaderRules;
  readonly env: Readonly<Record<string, string>>;
}

interface Found {
  readonly wanted: string;
  readonly path: string;
  readonly elf: Elf;
}

async function findOne(tree: ImageTree, search: Search): Promise<Found> {
  const { name, object } = search;
  const candidates = name.includes('/')
    ? [imagePath(expand(name, object.path))]
    : searchFolders(search).map((folder) => posix.join(folder, name));
  let foreign: string | null = null;
  for (const wanted of new Set(candidates)) {
    const entry = tree.find(wanted);
    if (entry?.kind !== 'file') continue;
    const elf = await readLibrary(tree, entry.path, entry.size);
    if (elf && isNative(elf)) return { wanted, path: entry.path, elf };
    foreign ??= elf ? `${wanted} is for ${machineName(elf)}` : `${wanted} is no ELF file`;
  }
  if (foreign !== null) {
    throw imageError(`${object.path} needs ${name} for x86-64, but ${foreign}`, 'build the image for linux/amd64');
  }
  throw imageError(
    `${object.path} needs ${name}, which the image does not have`,
    'add the library to the image, or link the program statically',
  );
}

/** The folders where the loader looks, in its order. */
function searchFolders({ object, rules, env }: Search): string[] {
  const fromEnv = splitFolders((env['LD_LIBRARY_PATH'] ?? '').replaceAll(';', ':')).map((folder) =>
    imagePath(expand(folder, object.path)),
  );
  const own = expandAll(object.elf.runpath, object.path);
  const inherited = rules.runpathIsInherited ? ancestors(object).flatMap(anyPathOf) : inheritedRpath(object);
  return rules.runpathIsInherited
    ? [...fromEnv, ...inherited, ...rules.folders]
    : [...inherited, ...fromEnv, ...own, ...rules.folders];
}

/** glibc: DT_RPATH of the object and of whoever loaded it, as long as the object itself has no DT_RUNPATH. */
function inheritedRpath(object: Loaded): string[] {
  if (object.elf.runpath.length > 0) return [];
  return ancestors(object)
    .filter(({ elf }) => elf.runpath.length === 0)
    .flatMap(({ elf, path }) => expandAll(elf.rpath, path));
}

/** musl: either list, of the object and of whoever loaded it. */
function anyPathOf({ elf, path }: Loaded): string[] {
  return expandAll(elf.runpath.length > 0 ? elf.runpath : elf.rpath, path);
}

function ancestors(object: Loaded): Loaded[] {
  const chain: Loaded[] = [];
  for (let one: Loaded | null = object; one; one = one.parent) chain.push(one);
  return chain;
}

function expandAll(folders: readonly string[], objectPath: string): string[] {
  return folders.map((folder) => imagePath(expand(folder, objectPath)));
}

/** $ORIGIN is the folder of the object, $LIB and $PLATFORM what x86-64 loaders put for them. */
function expand(text: string, objectPath: string): string {
  const values: Readonly<Record<string, string>> = {
    ORIGIN: posix.dirname(objectPath),
    LIB: 'lib/x86_64-linux-gnu',
    PLATFORM: 'x86_64',
  };
  return text.replaceAll(
    /\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM))/g,
    (_all, braced: string | undefined, bare: string | undefined) => values[braced ?? bare ?? ''] ?? '',
  );
}

async function readLibrary(tree: ImageTree, path: string, size: number): Promise<Elf | undefined> {
  if (size > limits.libraryBytes) throw imageError(`${path} is larger than ${limits.libraryBytes} bytes`);
  const reading = readElf(await tree.read(path));
  return reading.ok ? reading.elf : undefined;
}

function isNative(elf: Elf): boolean {
  return elf.machine === machineX86_64 && elf.bits === 64;
}

function imageError(message: string, suggestion?: string): BerthError {
  return new BerthError('E_VM_IMAGE', message, suggestion === undefined ? {} : { suggestion });
}
