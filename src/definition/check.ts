/** One text to a definition, or to all that is wrong with it. */
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import type { Definition, DefinitionProblem } from '../core/ports/definition.js';
import { limits } from '../core/spec.js';
import type { Fault, PlacedFault } from './fault.js';
import { faultsOfIssue } from './issues.js';
import { findPositions, type Place, type PositionIndex } from './positions.js';
import { findRuleFaults } from './rules.js';
import { definitionSchema } from './schema.js';
import { formatPath } from './show.js';
import { keepWrittenNumbers, parseToml } from './syntax.js';
import { toServiceSpec } from './to-spec.js';

/** More problems than anybody reads are not listed. */
const maxProblems = 100;

export interface CheckedText {
  readonly definition?: Definition;
  readonly problems: readonly DefinitionProblem[];
  /** Turns a fault found later, between files, into a problem at its place. */
  readonly locate: (fault: PlacedFault) => DefinitionProblem;
}

const start: Place = { line: 1, column: 1 };

/** A problem of a file as a whole. */
export function fileProblem(path: string, fault: Fault, place: Place = start): DefinitionProblem {
  return {
    path,
    line: place.line,
    column: place.column,
    field: '',
    message: fault.message,
    suggestion: fault.suggestion,
  };
}

/** SHA-256 of a text, hex. */
export function hashText(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** What a file over the limit is told. */
export function sizeFault(bytes: number): Fault {
  return {
    message: `the file has ${bytes} bytes, more than the ${limits.definitionBytes} that a definition may have`,
    suggestion: 'split it into services of their own, or put data into files of a volume',
  };
}

/** Half of a character: no file in UTF-8 can hold it, but a text from a program may. */
const tornFault: Fault = {
  message: 'the text holds half of a character (a surrogate on its own), which UTF-8 cannot write',
  suggestion: 'take it out',
};

function placeOf(text: string, offset: number): Place {
  const lines = text.slice(0, offset).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

/** Checks a text; `path` is absolute. Never throws for what the text holds. */
export function checkText(text: string, path: string): CheckedText {
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const failed = (problem: DefinitionProblem): CheckedText => ({
    problems: [problem],
    locate: (fault) => fileProblem(path, fault),
  });
  const bytes = Buffer.byteLength(text, 'utf8');
  if (bytes > limits.definitionBytes) return failed(fileProblem(path, sizeFault(bytes)));
  const torn = /\p{Surrogate}/u.exec(body);
  if (torn) return failed(fileProblem(path, tornFault, placeOf(body, torn.index)));
  const parsed = parseToml(body);
  if (!parsed.ok) return failed(fileProblem(path, parsed.fault, parsed.place));
  const positions = findPositions(body);
  const document = keepWrittenNumbers(parsed.document, body, positions);
  const checked = definitionSchema.safeParse(document);
  const faults = checked.success
    ? []
    : checked.error.issues.slice(0, maxProblems * 2).flatMap((issue) => faultsOfIssue(issue, document));
  const locate = (fault: PlacedFault): DefinitionProblem => locateFault(path, fault, positions);
  const problems = orderProblems([...faults, ...findRuleFaults(document)].map(locate));
  if (!checked.success || problems.length > 0) return { problems, locate };
  const spec = toServiceSpec(checked.data, dirname(path));
  return { definition: { path, contentHash: hashText(text), spec }, problems, locate };
}

function locateFault(path: string, fault: PlacedFault, positions: PositionIndex): DefinitionProblem {
  const place = fault.at === 'key' ? positions.keyPlace(fault.path) : positions.valuePlace(fault.path);
  return { path, ...place, field: formatPath(fault.path), message: fault.message, suggestion: fault.suggestion };
}

/** From top to bottom; what has the same remedy at the same place is one complaint. */
function orderProblems(problems: readonly DefinitionProblem[]): readonly DefinitionProblem[] {
  const once = [
    ...new Map(
      problems.map((problem) => [`${problem.line}:${problem.column}:${problem.field}:${problem.suggestion}`, problem]),
    ).values(),
  ];
  once.sort((a, b) => a.line - b.line || a.column - b.column);
  const last = once[maxProblems - 1];
  if (once.length <= maxProblems || last === undefined) return once;
  const rest = {
    ...last,
    field: '',
    message: 'and more problems from here on',
    suggestion: 'correct those above first',
  };
  return [...once.slice(0, maxProblems - 1), rest];
}
