/** What an image says about running it, read as podman reads it. */
import { describe, expect, it } from 'vitest';
import { checkArchitecture, resolveArgv, resolveUser } from '../../../../src/runtimes/qemu/images/index.js';
import { readImageConfig } from '../../../../src/runtimes/qemu/images/config.js';

describe('readImageConfig', () => {
  it('takes what an image says, and plain values for what it does not', () => {
    const config = {
      Env: ['A=1', 'B=x=y', 'C'],
      Entrypoint: ['/e'],
      Cmd: ['c'],
      WorkingDir: 'srv/',
      User: 'u:g',
      StopSignal: 'INT',
    };
    expect(readImageConfig(JSON.stringify({ architecture: 'amd64', os: 'linux', config }))).toEqual({
      ...{ architecture: 'amd64', os: 'linux', env: { A: '1', B: 'x=y', C: '' }, entrypoint: ['/e'], command: ['c'] },
      ...{ workdir: '/srv', user: 'u:g', stopSignal: 'INT' },
    });
    const bare = { env: {}, entrypoint: [], command: [], workdir: '/', user: '', stopSignal: null };
    for (const text of ['{}', '{"config":null}', '{"config":{"Env":null,"Cmd":null}}']) {
      expect(readImageConfig(text)).toMatchObject(bare);
    }
  });

  it('refuses what is no config', () => {
    for (const text of ['', '[]', 'null', '{"config":{"Env":[1]}}']) {
      expect(() => readImageConfig(text)).toThrow(/config cannot be understood/);
    }
  });
});

const image = readImageConfig('{"architecture":"arm64","os":"linux","config":{"Entrypoint":["/e","-x"],"Cmd":["c"]}}');

it('the architecture must be that of this machine', () => {
  expect(() => checkArchitecture(image, 'x64', 'a:1')).toThrow(
    'a:1 is made for linux/arm64, this machine is linux/amd64',
  );
  expect(() => checkArchitecture(image, 'arm64', 'a:1')).not.toThrow();
  expect(() => checkArchitecture({ ...image, os: 'windows' }, 'arm64', 'a:1')).toThrow('windows/arm64');
});

it('the entrypoint comes first, then the command of the definition or else of the image', () => {
  expect(resolveArgv(image, null)).toEqual(['/e', '-x', 'c']);
  expect(resolveArgv(image, ['d'])).toEqual(['/e', '-x', 'd']);
  expect(resolveArgv(image, [])).toEqual(['/e', '-x']);
  expect(() => resolveArgv({ ...image, entrypoint: [], command: [] }, null)).toThrow(/neither ENTRYPOINT nor CMD/);
});

describe('resolveUser', () => {
  const passwd =
    'root:x:0:0:root:/root:/bin/sh\n# a comment\nbroken\nweb:x:1000:1001::/srv:/bin/sh\n5:x:77:78::/:/bin/sh\n';
  const group = 'root:x:0:\nstaff:x:50:web,other\naudio:x:29:root,web\nweb:x:1001:web\n';
  const cases: Readonly<Record<string, unknown>> = {
    '': { uid: 0, gid: 0, groups: [29], home: '/root' },
    root: { uid: 0, gid: 0, groups: [29], home: '/root' },
    web: { uid: 1000, gid: 1001, groups: [50, 29], home: '/srv' },
    '1000': { uid: 1000, gid: 1001, groups: [50, 29], home: '/srv' },
    '4000': { uid: 4000, gid: 0, groups: [] },
    '4000:4001': { uid: 4000, gid: 4001, groups: [] },
    'web:staff': { uid: 1000, gid: 50, groups: [], home: '/srv' },
    ':50': { uid: 0, gid: 50, groups: [], home: '/root' },
    '5': { uid: 77, gid: 78, groups: [], home: '/' },
  };
  for (const [user, found] of Object.entries(cases)) {
    it(`"${user}"`, () => expect(resolveUser({ passwd, group }, user)).toEqual(found));
  }

  it('an image without accounts knows numbers only', () => {
    const none = { passwd: '', group: '' };
    expect(resolveUser(none, '1000:1000')).toEqual({ uid: 1000, gid: 1000, groups: [] });
    expect(resolveUser(none, '')).toEqual({ uid: 0, gid: 0, groups: [], home: '/root' });
    for (const user of ['web', '1000:web', '99999999999', '-1', '1000:4294967296']) {
      expect(() => resolveUser(none, user), user).toThrow(/the image has no|out of range/);
    }
  });
});
