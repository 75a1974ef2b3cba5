/** Files and folders of definitions. What the user did wrong becomes a problem, never an exception. */
import { join, resolve } from 'node:path';
import { messageOf } from '../core/errors.js';
import type { Definition, DefinitionProblem } from '../core/ports/definition.js';
import { findRuleProblems } from '../core/rules.js';
import { limits } from '../core/spec.js';
import { checkText, fileProblem, sizeFault, type CheckedText } from './check.js';
import type { Fault } from './fault.js';
import type { DefinitionFiles, FileLook } from './files.js';
import { placeRuleProblem } from './rules.js';
import { quote } from './show.js';

export interface LoadedDefinitions {
  readonly definitions: readonly Definition[];
  readonly problems: readonly DefinitionProblem[];
  /** Every file that was looked at, absolute. */
  readonly files: readonly string[];
}

/** True for what a folder's definitions are named like; hidden and editors' temporary files are not. */
export function isDefinitionFileName(name: string): boolean {
  return /^[^.#~].*\.toml$/.test(name);
}

/** Reads and checks one file. `path` is absolute. */
export async function checkFile(files: DefinitionFiles, path: string): Promise<CheckedText> {
  const failed = (fault: Fault): CheckedText => ({
    problems: [fileProblem(path, fault)],
    locate: (later) => fileProblem(path, later),
  });
  let bytes: Uint8Array;
  try {
    const found = await files.look(path);
    if (found === undefined) return failed({ message: 'there is no such file', suggestion: 'check the path' });
    if (found.kind !== 'file') return failed(kindFault(found));
    if (found.bytes > limits.definitionBytes) return failed(sizeFault(found.bytes));
    bytes = await files.read(path, limits.definitionBytes + 1);
  } catch (error) {
    return failed(unreadableFault(error));
  }
  const text = decodeUtf8(bytes);
  if (typeof text === 'string') return checkText(text, path);
  return { ...failed(text.fault), problems: [fileProblem(path, text.fault, text.place)] };
}

const kindFault = (found: FileLook): Fault => ({
  message: found.kind === 'folder' ? 'it is a folder' : 'it is not a regular file',
  suggestion: 'name a TOML file, or a folder of them',
});

const unreadableFault = (error: unknown): Fault => ({
  message: `it cannot be read: ${messageOf(error)}`,
  suggestion: 'check the rights of the file and of its folder',
});

interface NotUtf8 {
  readonly fault: Fault;
  readonly place: { readonly line: number; readonly column: number };
}

/** The text with its byte order mark, if it has one; the place of the first byte that is wrong otherwise. */
function decodeUtf8(bytes: Uint8Array): string | NotUtf8 {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const lossy = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    const lines = lossy.slice(0, firstWrong(lossy, bytes)).split('\n');
    return {
      fault: { message: 'the file is not UTF-8 text', suggestion: 'save it as UTF-8' },
      place: { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 },
    };
  }
}

/** Index of the first replacement character that does not stand in the bytes themselves. */
function firstWrong(lossy: string, bytes: Uint8Array): number {
  const mark = '\uFFFD';
  const written = Buffer.from(mark);
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = lossy.indexOf(mark); at >= 0; at = lossy.indexOf(mark, at + 1)) {
    const offset = Buffer.byteLength(lossy.slice(0, at));
    if (!source.subarray(offset, offset + written.length).equals(written)) return at;
  }
  return lossy.length;
}

/** Reads a file, or every `*.toml` of a folder in order of names. */
export async function loadDefinitions(files: DefinitionFiles, path: string): Promise<LoadedDefinitions> {
  const absolute = resolve(path);
  const paths = await findPaths(files, absolute);
  if ('fault' in paths) return { definitions: [], problems: [fileProblem(absolute, paths.fault)], files: [] };
  const checked: CheckedText[] = [];
  for (const each of paths.list) checked.push(await checkFile(files, each));
  const between = findProblemsBetween(checked);
  const atFault = new Set(between.map((problem) => problem.path));
  return {
    definitions: checked.flatMap(({ definition }) => (definition && !atFault.has(definition.path) ? [definition] : [])),
    problems: [...checked.flatMap((each) => each.problems), ...between],
    files: paths.list,
  };
}

async function findPaths(
  files: DefinitionFiles,
  path: string,
): Promise<{ readonly list: readonly string[] } | { readonly fault: Fault }> {
  try {
    const found = await files.look(path);
    if (found === undefined)
      return { fault: { message: 'there is no such file or folder', suggestion: 'check the path' } };
    if (found.kind !== 'folder') return { list: [path] };
    const names = (await files.list(path)).filter(isDefinitionFileName).sort();
    const list: string[] = [];
    for (const name of names) {
      const inside = join(path, name);
      if ((await files.look(inside).catch(() => undefined))?.kind !== 'folder') list.push(inside);
    }
    return { list };
  } catch (error) {
    return { fault: unreadableFault(error) };
  }
}

interface CheckedDefinition extends CheckedText {
  readonly definition: Definition;
}

/** What two files of one folder may not both do: declare one service, one workload name, one host port. */
function findProblemsBetween(checked: readonly CheckedText[]): readonly DefinitionProblem[] {
  const good = checked.filter((each): each is CheckedDefinition => each.definition !== undefined);
  const byService = new Map<string, CheckedDefinition[]>();
  for (const each of good) {
    const { name } = each.definition.spec;
    byService.set(name, [...(byService.get(name) ?? []), each]);
  }
  const problems: DefinitionProblem[] = [];
  const firsts = new Map<string, CheckedDefinition>();
  for (const [service, declarers] of byService) {
    for (const each of declarers) {
      const other = declarers.find((candidate) => candidate !== each);
      if (other) problems.push(each.locate(declaredTwice(service, other.definition.path)));
      else firsts.set(service, each);
    }
  }
  return [...problems, ...findRuleProblemsBetween(firsts)];
}

/** The fault of a service that another file declares as well. */
export function declaredTwice(
  service: string,
  otherPath: string,
): Fault & { readonly path: readonly ['name']; readonly at: 'value' } {
  return {
    path: ['name'],
    at: 'value',
    message: `the service ${quote(service)} is declared in ${otherPath} too`,
    suggestion: 'keep one of the two files, or rename a service',
  };
}

function findRuleProblemsBetween(byService: ReadonlyMap<string, CheckedDefinition>): readonly DefinitionProblem[] {
  const subjects = [...byService.values()].flatMap(({ definition }) =>
    definition.spec.components.map((spec) => ({ service: definition.spec.name, spec })),
  );
  return findRuleProblems(subjects).flatMap((problem) => {
    const owner = byService.get(problem.key.service);
    const index = owner?.definition.spec.components.findIndex((component) => component.name === problem.key.component);
    if (owner === undefined || index === undefined || index < 0) return [];
    return [owner.locate(placeRuleProblem(problem, index, []))];
  });
}
