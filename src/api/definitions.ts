/** Definitions as a face gets them: files of the caller's machine, or an edited text. */
import { BerthError } from '../core/errors.js';
import type { PlanScope } from '../core/plan-apply.js';
import type { Definition, DefinitionProblem, DefinitionReader } from '../core/ports/definition.js';
import type { ReplaceOptions } from './client.js';

/** What is planned with: definitions without a fault, and what they speak for. */
export interface LoadedDefinitions {
  readonly definitions: readonly Definition[];
  readonly scope: PlanScope;
}

/** Reads a file, or a folder of them, for somebody who asked for it. E_DEFINITION with all problems. */
export async function loadDefinitions(reader: DefinitionReader, path: string): Promise<LoadedDefinitions> {
  const { definitions, problems, files } = await reader.load(path);
  if (problems.length > 0) throw definitionError(problems);
  const isFolder = !(files.length === 1 && files[0] === path);
  return { definitions, scope: { explicit: true, folder: isFolder ? path : null, files } };
}

/** Reads the text of an edit. E_DEFINITION, also when it declares another service. */
export function parseEdit(
  reader: DefinitionReader,
  options: Pick<ReplaceOptions, 'text' | 'path' | 'service'>,
): Definition {
  const { definition, problems } = reader.parse(options.text, options.path);
  if (definition === undefined || problems.length > 0) throw definitionError(problems);
  if (definition.spec.name !== options.service) throw renamedService(definition, options.service);
  return definition;
}

/** E_DEFINITION for these problems. */
export function definitionError(problems: readonly DefinitionProblem[]): BerthError {
  const files = new Set(problems.map((problem) => problem.path));
  const [first] = files;
  const where = files.size === 1 && first !== undefined ? first : `${files.size} files`;
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  return new BerthError('E_DEFINITION', `${count} in ${where}`, { details: { problems } });
}

function renamedService(definition: Definition, service: string): BerthError {
  const problem: DefinitionProblem = {
    path: definition.path,
    line: 1,
    column: 1,
    field: 'name',
    message: `the service is called "${definition.spec.name}", and a service cannot be renamed`,
    suggestion: `put back name = "${service}", or apply the text as a file to make another service`,
  };
  return definitionError([problem]);
}
