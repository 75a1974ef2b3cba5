import { expect, it } from 'vitest';
import { buildArguments } from '../../../src/runtimes/podman/images.js';

it('a build is an argument list: context, file and arguments as they are', () => {
  const build = { context: '/srv/a b', file: 'Other', args: { A: '1 2', B: '$HOME' } };
  expect(buildArguments(build, 'localhost/a:1', { runtime: 'runc', socket: null })).toEqual([
    '--runtime',
    'runc',
    'build',
    '--tag',
    'localhost/a:1',
    '--file',
    '/srv/a b/Other',
    '--build-arg',
    'A=1 2',
    '--build-arg',
    'B=$HOME',
    '/srv/a b',
  ]);
});

it('a build goes to the socket that the settings name', () => {
  expect(buildArguments({ context: '/c' }, 'a', { runtime: 'runc', socket: '/s' })).toEqual([
    '--remote',
    '--url',
    'unix:///s',
    'build',
    '--tag',
    'a',
    '/c',
  ]);
});
