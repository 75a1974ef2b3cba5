import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../../src/core/spec.js';
import { createDefinitionReader, nodeFiles, type DefinitionFiles } from '../../../src/definition/index.js';

const reader = createDefinitionReader({ files: nodeFiles() });
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-load-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const serviceText = (name: string, lines = ''): string =>
  `name = "${name}"\n[[components]]\nname = "web"\nimage = "a"\n${lines}`;
const put = async (name: string, content: string | Uint8Array): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
};

interface Summary {
  readonly services: readonly string[];
  readonly problems: readonly string[];
}

/** Paths are written from the folder on. */
async function load(path: string): Promise<Summary> {
  const { definitions, problems } = await reader.load(path);
  return {
    services: definitions.map(({ spec }) => spec.name),
    problems: problems.map(({ path: at, line, column, message }) => {
      const text = `${at}:${line}:${column} ${message}`;
      return text.replaceAll(`${folder}/`, '').replaceAll(folder, '.');
    }),
  };
}

describe('load', () => {
  it('reads one file', async () => {
    const path = await put('shop.toml', serviceText('shop'));
    expect(await load(path)).toEqual({ services: ['shop'], problems: [] });
    expect((await reader.load(path)).files).toEqual([path]);
  });

  it('reads the TOML files of a folder in order of names, and nothing else of it', async () => {
    await put('b.toml', serviceText('beta'));
    await put('a.toml', serviceText('alpha'));
    for (const name of ['.hidden.toml', '.#a.toml', '#a.toml#', 'a.toml~', '~a.toml', '.a.toml.swp', 'a.txt', '4913']) {
      await put(name, 'this is no TOML');
    }
    await mkdir(join(folder, 'sub'));
    await put('sub/c.toml', serviceText('gamma'));
    await mkdir(join(folder, 'folder.toml'));
    expect(await load(folder)).toEqual({ services: ['alpha', 'beta'], problems: [] });
  });

  it('gives the right definitions and the problems of the others', async () => {
    await put('a.toml', serviceText('alpha'));
    await put('b.toml', 'name = ');
    await put('c.toml', serviceText('Gamma'));
    const { services, problems } = await load(folder);
    expect(services).toEqual(['alpha']);
    expect(problems).toEqual([
      'b.toml:1:8 the file ends where a value should stand',
      'c.toml:1:8 "Gamma" is no name: it has upper-case letters',
    ]);
  });

  it('tells what is not there, and what is no file', async () => {
    expect((await load(join(folder, 'none.toml'))).problems).toEqual(['none.toml:1:1 there is no such file or folder']);
    const server = createServer().listen(join(folder, 'socket.toml'));
    await once(server, 'listening');
    await symlink(join(folder, 'nowhere'), join(folder, 'link.toml'));
    expect(await load(folder)).toEqual({
      services: [],
      problems: ['link.toml:1:1 there is no such file', 'socket.toml:1:1 it is not a regular file'],
    });
    server.close();
  });

  it('follows links', async () => {
    await mkdir(join(folder, 'real'));
    await put('real/shop.toml', serviceText('shop'));
    await symlink(join(folder, 'real/shop.toml'), join(folder, 'shop.toml'));
    await symlink(join(folder, 'real'), join(folder, 'linked'));
    expect((await load(folder)).services).toEqual(['shop']);
    expect((await load(join(folder, 'linked'))).services).toEqual(['shop']);
  });

  it('tells where a file is not UTF-8', async () => {
    await put(
      'a.toml',
      Buffer.concat([Buffer.from('# ü \uFFFD ok\nname = "'), Buffer.from([0xff, 0xfe]), Buffer.from('"\n')]),
    );
    expect((await load(folder)).problems).toEqual(['a.toml:2:9 the file is not UTF-8 text']);
    await put('a.toml', Buffer.from([0xff, 0xfe, 0x6e, 0x00]));
    expect((await load(folder)).problems).toEqual(['a.toml:1:1 the file is not UTF-8 text']);
  });

  it('refuses a file over the limit without reading it', async () => {
    const path = await put('big.toml', '');
    await truncate(path, 10 * 1024 ** 3);
    const { problems } = await load(folder);
    expect(problems).toEqual([
      `big.toml:1:1 the file has ${10 * 1024 ** 3} bytes, more than the ${limits.definitionBytes} that a definition may have`,
    ]);
  });

  it('takes neither of two files that declare one service', async () => {
    await put('a.toml', serviceText('shop'));
    await put('b.toml', `# copy\n${serviceText('shop')}`);
    await put('c.toml', serviceText('other'));
    expect(await load(folder)).toEqual({
      services: ['other'],
      problems: [
        'a.toml:1:8 the service "shop" is declared in b.toml too',
        'b.toml:2:8 the service "shop" is declared in a.toml too',
      ],
    });
  });

  it('finds workload names and host ports that two files share', async () => {
    await put('a.toml', 'name = "a-b"\n[[components]]\nname = "c"\nimage = "x"\nports = ["80:80"]\n');
    await put('b.toml', 'name = "a"\n[[components]]\nname = "b-c"\nimage = "x"\nports = ["127.0.0.1:80:80"]\n');
    expect(await load(folder)).toEqual({
      services: ['a-b'],
      problems: [
        'b.toml:3:8 the workload of a/b-c would be named "a-b-c", which is the name of a-b/c\'s',
        'b.toml:5:10 a/b-c publishes host port 80/tcp, which a-b/c publishes already ("80:80")',
      ],
    });
  });

  it('tells what the system says of a file that it does not give', async () => {
    const path = await put('a.toml', serviceText('shop'));
    const refusing: DefinitionFiles = {
      ...nodeFiles(),
      read: () => Promise.reject(new Error('EACCES: permission denied')),
    };
    const { definitions, problems } = await createDefinitionReader({ files: refusing }).load(path);
    expect(definitions).toEqual([]);
    expect(problems.map(({ message }) => message)).toEqual(['it cannot be read: EACCES: permission denied']);
  });
});

describe('the examples', () => {
  it('are right', async () => {
    const examples = new URL('../../../examples/hello/', import.meta.url).pathname;
    expect((await reader.load(examples)).problems).toEqual([]);
    expect((await reader.load(examples)).definitions).toHaveLength(1);
  });
});
