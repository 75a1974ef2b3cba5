import { describe, expect, test } from 'vitest';
import { findRuleProblems, findValueProblems, type RuleSubject } from '../../../src/core/rules.js';
import { componentDefaults, type ComponentSpec } from '../../../src/core/spec.js';

function subject(
  key: string,
  parts: Partial<Omit<RuleSubject, 'service'>> & { ports?: string[]; dependsOn?: string[] } = {},
): RuleSubject {
  const [service = '', name = ''] = key.split('/');
  const { ports = [], dependsOn = [], ...rest } = parts;
  return { service, spec: { name, ports, dependsOn }, ...rest };
}

const summary = (subjects: readonly RuleSubject[]): readonly string[] =>
  findRuleProblems(subjects).map(({ rule, key, field }) => `${rule} ${key.service}/${key.component} ${field}`);

describe('rules across components', () => {
  test('nothing in common is no problem', () => {
    const web = subject('shop/web', { ports: ['80:80', '127.0.0.1:81:80'], dependsOn: ['db'] });
    const other = subject('other/web', { ports: ['80:80/udp', '127.0.0.2:81:80'] });
    expect(summary([web, other, subject('shop/db')])).toEqual([]);
  });

  test.each([
    ['the later in the list', undefined, undefined, 'b/web'],
    ['the later generation', 9, 5, 'a/web'],
    ['what is not written yet', 9, undefined, 'b/web'],
  ])('at fault is %s', (_what, first, second, culprit) => {
    const a = subject('a/web', { ports: ['80:80'], ...(first === undefined ? {} : { generation: first }) });
    const b = subject('b/web', {
      ports: ['1:1', '0.0.0.0:80:1'],
      ...(second === undefined ? {} : { generation: second }),
    });
    const [problem, ...rest] = findRuleProblems([a, b]);
    expect(rest).toEqual([]);
    expect(problem).toMatchObject({ rule: 'port', code: 'E_PORT_COLLISION' });
    expect(`${problem?.key.service ?? ''}/${problem?.key.component ?? ''}`).toBe(culprit);
  });

  test('one port twice in one component', () => {
    expect(summary([subject('a/web', { ports: ['80:80', '127.0.0.1:80:81'] })])).toEqual(['port a/web ports[1]']);
  });

  test('one workload name twice', () => {
    expect(summary([subject('a/b-c'), subject('a-b/c'), subject('x/x'), subject('x/x')])).toEqual([
      'workload-name a-b/c name',
      'workload-name x/x name',
    ]);
  });

  test('what is being deleted holds its name and nothing else', () => {
    const gone = subject('a/web', { ports: ['80:80'], dependsOn: ['ghost'], deleting: true });
    expect(summary([gone, subject('b/web', { ports: ['80:80'] })])).toEqual([]);
    expect(summary([gone, subject('a/api', { dependsOn: ['web'] })])).toEqual([
      'dependency-missing a/api depends_on[0]',
    ]);
    expect(summary([subject('a/b-c', { deleting: true }), subject('a-b/c')])).toEqual(['workload-name a-b/c name']);
  });

  test('circles are named once, with the way round', () => {
    const circle = [
      subject('a/x', { dependsOn: ['y'], generation: 3 }),
      subject('a/y', { dependsOn: ['w', 'z'], generation: 2 }),
      subject('a/z', { dependsOn: ['x'], generation: 1 }),
      subject('a/w', { generation: 4 }),
    ];
    const problems = findRuleProblems(circle);
    expect(summary(circle)).toEqual(['dependency-cycle a/x depends_on[0]']);
    expect(problems[0]?.message).toContain('x → y → z → x');
    expect(summary([subject('a/x', { dependsOn: ['x'] })])).toEqual(['dependency-cycle a/x depends_on[0]']);
  });
});

describe('values of one component', () => {
  const fieldsOf = (fields: Partial<ComponentSpec>): readonly string[] =>
    findValueProblems('a', { ...componentDefaults, name: 'web', image: 'i', ...fields }).map(
      (problem) => problem.field,
    );

  test.each<[string, Partial<ComponentSpec>, readonly string[]]>([
    ['nothing wrong', { ports: ['80:80'], volumes: ['data:/data', '/srv:/srv:ro'], env: { A: '' } }, []],
    ['ports', { ports: ['80', '70000:1', '300.1.1.1:1:1'] }, ['ports[0]', 'ports[1]', 'ports[2]']],
    ['volumes', { volumes: ['../x:/data', 'data:/', 'a:/x', 'b:/x'] }, ['volumes[0]', 'volumes[1]', 'volumes[3]']],
    ['environment', { env: { 'A=B': '', C: '\0' } }, ['env', 'env.C']],
    ['relative paths', { envFile: ['e'], secretFile: ['s'] }, ['env_file[0]', 'secret_file[0]']],
    ['parts of a core for a VM', { runtime: 'microvm', vcpus: 1.5 }, ['vcpus']],
  ])('%s', (_what, fields, expected) => {
    expect(fieldsOf(fields)).toEqual(expected);
  });
});
