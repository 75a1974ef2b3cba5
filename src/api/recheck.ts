/** Definitions that somebody else read: whatever of them would change something is checked as a file is. */
import { canonicalJson } from '../core/hash.js';
import type { Plan } from '../core/plan.js';
import type { Definition, DefinitionProblem, DefinitionReader } from '../core/ports/definition.js';
import { definitionError } from './definitions.js';

/** E_DEFINITION for the definitions of services that the plan changes, when a file could not say the same. */
export function checkChanged(reader: DefinitionReader, definitions: readonly Definition[], plan: Plan): void {
  const changing = new Set([
    ...plan.services.filter((item) => item.action !== 'unchanged').map((item) => item.service),
    ...plan.components.filter((item) => item.action !== 'unchanged').map((item) => item.service),
  ]);
  const problems = definitions
    .filter(({ spec }) => changing.has(spec.name))
    .flatMap((definition) => problemsOf(reader, definition));
  if (problems.length > 0) throw definitionError(problems);
}

/** The lines are those of the text that the definition is printed as. */
function problemsOf(reader: DefinitionReader, { spec, path }: Definition): readonly DefinitionProblem[] {
  const { definition, problems } = reader.parse(reader.print(spec), path);
  if (problems.length > 0) return problems;
  if (definition !== undefined && canonicalJson(definition.spec) === canonicalJson(spec)) return [];
  const message = 'no definition file says this';
  const suggestion = 'send what was read from a file, unchanged';
  return [{ path, line: 1, column: 1, field: '', message, suggestion }];
}
