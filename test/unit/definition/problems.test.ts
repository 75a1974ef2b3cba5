import { describe, expect, it } from 'vitest';
import { limits } from '../../../src/core/spec.js';
import { createDefinitionReader, nodeFiles } from '../../../src/definition/index.js';
import { badRules } from './bad-rules.js';
import { badSyntax } from './bad-syntax.js';
import { badTexts } from './bad-texts.js';
import { badTypes } from './bad-types.js';

const path = '/srv/shop.toml';
const reader = createDefinitionReader({ files: nodeFiles() });

function problemsOf(text: string): readonly string[] {
  const { definition, problems } = reader.parse(text, path);
  expect(definition === undefined).toBe(problems.length > 0);
  return problems.map((problem) => {
    expect(problem.path).toBe(path);
    const place = `${problem.line}:${problem.column}`;
    return `${place} ${problem.field || '-'} | ${problem.message} | ${problem.suggestion}`;
  });
}

const service = (component: string): string =>
  `name = "shop"\n[[components]]\nname = "web"\nimage = "a"\n${component}\n`;

describe('a bad definition is told all that is wrong with it', () => {
  it.each([...badSyntax, ...badTypes, ...badTexts, ...badRules])('$title', ({ text, problems }) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  it('a file over the limit, before it is parsed', () => {
    const text = `# ${'x'.repeat(limits.definitionBytes)}`;
    const told = `the file has ${text.length} bytes, more than the ${limits.definitionBytes} that a definition may have`;
    expect(problemsOf(text)).toEqual([
      `1:1 - | ${told} | split it into services of their own, or put data into files of a volume`,
    ]);
  });

  it('lists, texts and services that are too long', () => {
    const ports = Array.from({ length: limits.entriesPerList + 1 }, (_, index) => `"${index + 1}:80"`).join(', ');
    expect(problemsOf(service(`ports = [${ports}]`))).toEqual([
      '5:9 components[0].ports | ports has 1001 entries, more than 1000 | a list of texts, for example ports = ["127.0.0.1:8080:80"]',
    ]);
    expect(problemsOf(service(`env = { A = "${'x'.repeat(limits.textLength + 1)}" }`))).toEqual([
      '5:13 components[0].env.A | the text has 32769 characters | at most 32768 characters; put longer ones into a file of a volume',
    ]);
    const variables = Array.from({ length: limits.entriesPerList + 1 }, (_, index) => `A${index} = 1`).join(', ');
    expect(problemsOf(service(`env = { ${variables} }`))).toEqual([
      '5:7 components[0].env | there are too many variables | at most 1000 variables; put more into an env_file',
    ]);
    const many = Array.from(
      { length: limits.componentsPerService + 1 },
      (_, index) => `[[components]]\nname = "c${index}"\nimage = "a"\n`,
    );
    expect(problemsOf(`name = "shop"\n${many.join('')}`)).toEqual([
      '2:3 components | components has 201 entries, more than 200 | one [[components]] heading for each program, at least one',
    ]);
  });

  it('the first hundred problems, and that there are more', () => {
    const keys = Array.from({ length: 5_000 }, (_, index) => `key${index} = 1`).join('\n');
    const problems = problemsOf(`${keys}\n${service('')}`);
    expect(problems).toHaveLength(100);
    expect(problems.at(-1)).toMatch(/^\d+:1 - \| and more problems from here on \|/);
  });

  it.each([
    ['a hundred thousand dots in a key', `a${'.a'.repeat(100_000)} = 1`],
    ['lists in lists without end', `a = ${'['.repeat(100_000)}`],
    ['tables in tables without end', `a = ${'{ a = '.repeat(100_000)}`],
    ['a prototype', '__proto__ = { polluted = true }\n[[components]]\n__proto__ = { polluted = true }'],
    ['a constructor', 'constructor = { prototype = { polluted = true } }'],
  ])('%s is a problem like any other', (_, text) => {
    expect(problemsOf(text)).not.toEqual([]);
    expect('polluted' in {}).toBe(false);
  });
});
