import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { componentDefaults, type ComponentSpec } from '../../../src/core/spec.js';
import { createDefinitionReader, definitionJsonSchema, nodeFiles } from '../../../src/definition/index.js';

const path = '/srv/definitions/shop.toml';
const reader = createDefinitionReader({ files: nodeFiles() });
const example = readFileSync(new URL('shop.toml', import.meta.url), 'utf8');

/** The only component of a service that is written well. */
function componentOf(lines: string, service = 'shop'): ComponentSpec {
  const text = `name = "${service}"\n[[components]]\nname = "web"\n${lines}\n`;
  const { definition, problems } = reader.parse(text, path);
  expect(problems).toEqual([]);
  const component = definition?.spec.components[0];
  if (component === undefined) throw new Error('the definition has no component');
  return component;
}

describe('parse', () => {
  it('reads every field of the example', () => {
    const { definition, problems } = reader.parse(example, path);
    expect(problems).toEqual([]);
    expect(definition).toEqual({
      path,
      contentHash: createHash('sha256').update(example).digest('hex'),
      spec: {
        name: 'shop',
        node: 'local',
        active: true,
        components: [
          {
            name: 'web',
            runtime: 'container',
            image: 'localhost/shop-web:1.4',
            build: null,
            pull: 'missing',
            update: 'pinned',
            memoryMb: 128,
            vcpus: 1,
            command: ['--port', '8080'],
            env: { LOG_LEVEL: 'info' },
            envFile: ['/srv/definitions/shop.env'],
            secretFile: ['/srv/definitions/shop.secrets'],
            ports: ['127.0.0.1:8080:8080'],
            volumes: ['shop-data:/data', '/srv/shop:/assets:ro'],
            files: ['/www', '/etc/shop.conf'],
            user: '1000:1000',
            restart: 'always',
            readyTimeoutS: 60,
            logLimitMb: 50,
            stopTimeoutS: 10,
            reconcile: 'auto',
            dependsOn: ['db'],
            health: { http: '/healthz', port: 8080, interval_s: 5, restart_after: 3 },
          },
          {
            ...componentDefaults,
            name: 'db',
            image: 'localhost/shop-db:berth',
            build: { context: '/srv/definitions/db', args: { VERSION: '15.10' } },
            pull: 'never',
            update: 'auto',
            volumes: ['db-data:/var/lib/db'],
          },
        ],
      },
    });
  });

  it('fills what is absent with the defaults', () => {
    expect(componentOf('image = "a"')).toEqual({ ...componentDefaults, name: 'web', image: 'a' });
  });

  it('keeps the values of variables as they are written', () => {
    const { env } = componentOf(
      'image = "a"\nenv = { A = 1.10, B = 1_000, C = 0x1F, D = true, E = -0, F = 1e3, G = 9007199254740993, H = "x\\ny" }',
    );
    expect(env).toEqual({
      A: '1.10',
      B: '1000',
      C: '31',
      D: 'true',
      E: '-0',
      F: '1000',
      G: '9007199254740993',
      H: 'x\ny',
    });
  });

  it('keeps keys that objects have by nature apart', () => {
    expect(componentOf('image = "a"\nenv = { constructor = "x", toString = "y" }').env).toEqual({
      constructor: 'x',
      toString: 'y',
    });
  });

  it('names a built image by its workload', () => {
    expect(componentOf('build = { context = "." }').image).toBe('localhost/shop-web:berth');
    expect(componentOf('build = { context = "." }', 'web').image).toBe('localhost/web:berth');
    expect(componentOf('build = { context = "." }\nimage = "mine:1"').image).toBe('mine:1');
  });

  it("resolves paths against the file's folder", () => {
    const component = componentOf(
      'build = { context = "../src" }\nenv_file = ["./a.env", "/etc/b.env"]\nsecret_file = ["s"]',
    );
    expect(component.build?.context).toBe('/srv/src');
    expect(component.envFile).toEqual(['/srv/definitions/a.env', '/etc/b.env']);
    expect(component.secretFile).toEqual(['/srv/definitions/s']);
  });

  it.each(['container', 'microvm', 'unikernel'])('takes whole cores for a %s', (runtime) => {
    expect(componentOf(`image = "a"\nruntime = "${runtime}"\nvcpus = 2.0`).vcpus).toBe(2);
  });

  it.each([
    'redis',
    'redis:7',
    'library/redis',
    'localhost/a',
    'localhost:5000/a/b/c',
    'Registry.Example.org/a',
    '[2001:db8::1]:5000/a',
    'a_b/c__d/e-f/g--h/i.j:V1.0_rc-1',
    `a@sha256:${'0123456789abcdef'.repeat(4)}`,
    `host:1/a:t@sha256:${'a'.repeat(64)}`,
  ])('takes the image %s', (image) => {
    expect(componentOf(`image = "${image}"`).image).toBe(image);
  });

  it.each(['\uFEFF', '# comment\r\n'])('takes a text that begins with %j', (start) => {
    expect(reader.parse(start + example.replaceAll('\n', '\r\n'), path).problems).toEqual([]);
  });

  it('gives another hash for another text of the same meaning', () => {
    const one = reader.parse(example, path).definition;
    const other = reader.parse(`${example}# more\n`, path).definition;
    expect(other?.spec).toEqual(one?.spec);
    expect(other?.contentHash).not.toBe(one?.contentHash);
  });
});

describe('print', () => {
  it('writes the order and style of the example, without what is default', () => {
    const { definition } = reader.parse(example, path);
    if (definition === undefined) throw new Error('the example has problems');
    expect(reader.print(definition.spec)).toBe(`name = "shop"

[[components]]
name = "web"
image = "localhost/shop-web:1.4"
memory_mb = 128
vcpus = 1
command = ["--port", "8080"]
env = { LOG_LEVEL = "info" }
env_file = ["/srv/definitions/shop.env"]
secret_file = ["/srv/definitions/shop.secrets"]
ports = ["127.0.0.1:8080:8080"]
volumes = ["shop-data:/data", "/srv/shop:/assets:ro"]
files = ["/www", "/etc/shop.conf"]
user = "1000:1000"
depends_on = ["db"]
[components.health]
http = "/healthz"
port = 8080
interval_s = 5
restart_after = 3

[[components]]
name = "db"
build = { context = "/srv/definitions/db", args = { VERSION = "15.10" } }
pull = "never"
update = "auto"
volumes = ["db-data:/var/lib/db"]
`);
  });

  it('breaks long lists and long environments into lines', () => {
    const command = Array.from({ length: 12 }, (_, index) => `--option-${index}`);
    const env = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`VARIABLE_${index}`, 'a value']));
    const spec = {
      name: 'shop',
      node: 'local',
      active: false,
      components: [{ ...componentDefaults, name: 'web', image: 'a', command, env, health: { log: 'ready' } }],
    };
    const text = reader.print(spec);
    expect(text).toContain('active = false\n');
    expect(text).toContain('command = [\n  "--option-0",\n');
    expect(text).toContain('[components.env]\nVARIABLE_0 = "a value"\n');
    expect(reader.parse(text, path).definition?.spec).toEqual(spec);
  });
});

describe('the JSON schema', () => {
  it('names every key, its bounds and its choices', () => {
    const schema = JSON.stringify(definitionJsonSchema());
    for (const key of ['components', 'memory_mb', 'secret_file', 'restart_after', 'context'])
      expect(schema).toContain(`"${key}":{`);
    expect(schema).toContain('"minimum":4,"maximum":1048576');
    expect(schema).toContain('"enum":["container","microvm","unikernel"]');
    expect(schema).toContain('"additionalProperties":false');
    expect(schema).toContain('"required":["name","components"]');
  });
});
