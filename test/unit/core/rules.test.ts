import { describe, expect, test } from 'vitest';
import { findRuleProblems, findValueProblems, type RuleSubject } from '../../../src/core/rules.js';
import { componentDefaults, type ComponentSpec } from '../../../src/core/spec.js';

function subject(
  key: string,
  parts: Partial<Omit<RuleSubject, 'service' | 'spec'> & RuleSubject['spec']> = {},
): RuleSubject {
  const [service = '', name = ''] = key.split('/');
  const { runtime = 'container', ports = [], volumes = [], dependsOn = [], ...rest } = parts;
  return { service, spec: { name, runtime, ports, volumes, dependsOn }, ...rest };
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

  test('a volume of a machine has one user, and the later one is at fault', () => {
    const volumes = ['data:/data'];
    const container = subject('a/web', { volumes });
    const machine = subject('a/vm', { volumes: ['data:/x:ro'], runtime: 'microvm' });
    expect(summary([container, subject('a/api', { volumes })])).toEqual([]);
    expect(summary([container, machine])).toEqual(['volume a/vm volumes[0]']);
    expect(summary([machine, container])).toEqual(['volume a/web volumes[0]']);
    expect(summary([machine, subject('a/other', { volumes: ['s:/s', 'data:/x'], runtime: 'microvm' })])).toEqual([
      'volume a/other volumes[1]',
    ]);
    expect(summary([machine, subject('b/web', { volumes })])).toEqual([]);
    expect(summary([{ ...container, deleting: true }, machine])).toEqual([]);
    expect(findRuleProblems([container, machine])[0]).toMatchObject({
      code: 'E_DEFINITION',
      other: { service: 'a', component: 'web' },
      message:
        'a/vm mounts the volume "data", which a/web mounts already; a volume of a microvm is a disk, and a disk has one user',
    });
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
    [
      'sizes',
      { volumes: ['a:/x:size_mb=64', '/srv:/srv:size_mb=64', 'b:/y:ro,size_mb=7'] },
      ['volumes[1]', 'volumes[2]'],
    ],
    ['files', { files: ['/www', 'www', '/', '/a/../b'] }, ['files[1]', 'files[3]']],
    ['parts of a core for a VM', { runtime: 'microvm', vcpus: 1.5 }, ['vcpus']],
    ['too little memory for a VM', { runtime: 'unikernel', memoryMb: 15 }, ['memory_mb']],
    ['as little for a container', { memoryMb: 15 }, []],
    ['IPv6 in front of a VM', { runtime: 'microvm', ports: ['80:80', '[::1]:81:81'] }, ['ports[1]']],
    ['IPv6 in front of a container', { ports: ['[::1]:81:81'] }, []],
    ['a folder in a VM', { runtime: 'microvm', volumes: ['a:/a', '/srv:/srv'] }, ['volumes[1]']],
    ['a disk twice in a VM', { runtime: 'microvm', volumes: ['a:/a', 'a:/b'] }, ['volumes[1]']],
    ['a volume twice in a container', { volumes: ['a:/a', 'a:/b'] }, []],
    ['volumes of a unikernel', { runtime: 'unikernel', volumes: ['a:/a', '/srv:/srv'] }, ['volumes[0]', 'volumes[1]']],
    ['a ready disk', { runtime: 'unikernel', image: 'file:/srv/a.img' }, []],
    ['a ready disk for a container', { image: 'file:/srv/a.img' }, ['image']],
    ['a ready disk for a microvm', { runtime: 'microvm', image: 'file:/srv/a.img' }, ['image']],
    ['a disk at no clean path', { runtime: 'unikernel', image: 'file:/srv/../a.img' }, ['image']],
    [
      'a ready disk that is to be made',
      { runtime: 'unikernel', image: 'file:/a', build: { context: '/c' }, command: [], env: { A: '' }, user: '0' },
      ['build', 'command', 'env', 'user'],
    ],
  ])('%s', (_what, fields, expected) => {
    expect(fieldsOf(fields)).toEqual(expected);
  });
});
