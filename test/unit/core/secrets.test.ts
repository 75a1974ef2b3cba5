import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { indexRecords, restoreService } from '../../../src/core/plan-parts.js';
import { isSecret, isSecretKey, maskSpec, maskText, restoreSpec, scrub, secretsOf } from '../../../src/core/secrets.js';
import { componentDefaults, type ComponentSpec } from '../../../src/core/spec.js';

function specWith(env: Readonly<Record<string, string>>, args?: Readonly<Record<string, string>>): ComponentSpec {
  const build = args === undefined ? null : { context: '/srv/web', args };
  return { ...componentDefaults, name: 'web', image: 'localhost/web:1', env, build };
}

/** What a private key begins and ends with, in parts: a whole one would look like a leak. */
const kind = ['PRIVATE', 'KEY'].join(' ');

describe('which keys are secret', () => {
  test.each([
    ...['PASSWORD', 'DB_PASSWORD', 'PGPASSWORD', 'dbPassword', 'MYSQL_ROOT_PASSWD', 'API_KEY', 'APIKEY', 'apiKey'],
    ...['SECRET', 'CLIENT_SECRET', 'SESSION_SECRET_BASE', 'GITHUB_TOKEN', 'token', 'AWS_CREDENTIALS', 'SENTRY_DSN'],
    ...['TLS_KEY', 'KEY', 'SSH_PRIVATE_KEY', 'DB_PASS', 'REDIS_AUTH', 'JWT', 'PASSWORD_SALT', 'WIFI_PSK', 'DB_PWD'],
  ])('%s is', (key) => {
    expect(isSecretKey(key)).toBe(true);
  });

  test.each([
    ...[
      'LOG_LEVEL',
      'PORT',
      'KEYBOARD',
      'MONKEY',
      'AUTHOR',
      'COMPASS',
      'PASSENGERS',
      'PUBLIC_KEY',
      'TZ',
      'HOME',
      'PWD',
      '',
    ],
  ])('%s is not', (key) => {
    expect(isSecretKey(key)).toBe(false);
  });
});

describe('which values are secret', () => {
  test.each([
    ['DB_PASSWORD', 'x', true],
    ['DB_PASSWORD', '', false],
    ['DB_PASSWORD_FILE', '/run/secrets/db', false],
    ['DB_PASSWORD_FILE', 'hunter2', true],
    ['DATABASE_URL', 'postgres://shop:hunter2@db/shop', true],
    ['DATABASE_URL', 'postgres://db/shop', false],
    ['SITE', 'https://example.org:8443/@me', false],
    ['CERT', `-----BEGIN RSA ${kind}-----\nMIIE`, true],
    ['LOG_LEVEL', 'info', false],
  ])('%s = %j: %s', (key, value, secret) => {
    expect(isSecret(key, value)).toBe(secret);
  });
});

describe('scrubbing text', () => {
  test.each([
    ['as it is', 'cannot set hunter2', ['hunter2'], `cannot set ${maskText}`],
    ['as JSON writes it', 'got "a\\"b-c"', ['a"b-c'], `got "${maskText}"`],
    ['the longer one first', 'hunter2000', ['hunter2', 'hunter2000'], maskText],
    ['signs of expressions mean themselves', 'a $& b', ['$&$&'], 'a $& b'],
    ['the password of a URL', 'dial postgres://u:p@ss@db:5432/x', [], `dial postgres://u:${maskText}@db:5432/x`],
    ['too short to be looked for', 'a cat', ['a'], 'a cat'],
    ['a private key', `k: -----BEGIN ${kind}-----\nabc\n-----END ${kind}-----.`, [], `k: ${maskText}.`],
  ])('%s', (_name, text, secrets, clean) => {
    expect(scrub(text, secrets)).toBe(clean);
  });

  it('takes no time over hostile text', () => {
    const started = performance.now();
    for (const text of ['a'.repeat(60_000) + '://', '://a:'.repeat(20_000), 'x://' + ':'.repeat(50_000)])
      scrub(text, []);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

const key = fc.oneof(
  fc.constantFrom('DB_PASSWORD', 'API_TOKEN', 'LOG_LEVEL', 'DATABASE_URL'),
  fc.string({ minLength: 1 }),
);
const value = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(maskText, '', 'postgres://u:hunter2@db/x', '/run/secrets/x'),
);
const env = fc.dictionary(key, value, { noNullPrototype: true });
const spec = fc.tuple(env, fc.option(env, { nil: undefined })).map(([variables, args]) => specWith(variables, args));

describe('masking', () => {
  it('leaves no secret value, and nothing else is changed', () => {
    fc.assert(
      fc.property(spec, (plain) => {
        const masked = maskSpec(plain);
        expect(Object.keys(masked.env)).toEqual(Object.keys(plain.env));
        for (const [name, text] of Object.entries(plain.env)) {
          expect(masked.env[name]).toBe(isSecret(name, text) ? maskText : text);
        }
        expect({ ...masked, env: null, build: null }).toEqual({ ...plain, env: null, build: null });
        const secret = secretsOf(plain).filter((text) => text !== maskText);
        const values = [...Object.values(masked.env), ...Object.values(masked.build?.args ?? {})];
        const open = [...Object.entries(plain.env), ...Object.entries(plain.build?.args ?? {})].filter(
          ([name, text]) => !isSecret(name, text),
        );
        for (const text of secret) {
          if (!open.some(([, other]) => other === text)) expect(values).not.toContain(text);
        }
      }),
    );
  });

  it('masked and put back is what it was', () => {
    fc.assert(
      fc.property(spec, (plain) => {
        const { spec: restored, lost } = restoreSpec(maskSpec(plain), plain);
        expect(restored).toEqual(plain);
        expect(lost).toEqual([]);
      }),
    );
  });

  it('an edit beside a mask changes what was edited, and nothing else', () => {
    const stored = specWith({ DB_PASSWORD: 'hunter2', LOG_LEVEL: 'info' }, { NPM_TOKEN: 'abc' });
    const edited = maskSpec(stored);
    const { spec: restored, lost } = restoreSpec({ ...edited, env: { ...edited.env, LOG_LEVEL: 'debug' } }, stored);
    expect(restored.env).toEqual({ DB_PASSWORD: 'hunter2', LOG_LEVEL: 'debug' });
    expect(restored.build?.args).toEqual({ NPM_TOKEN: 'abc' });
    expect(lost).toEqual([]);
  });

  test.each([
    ['no component is stored', { DB_PASSWORD: maskText }, undefined],
    ['the key is another', { OTHER_PASSWORD: maskText }, { DB_PASSWORD: 'hunter2' }],
    ['it is within a longer value', { DB_PASSWORD: `x${maskText}` }, { DB_PASSWORD: 'hunter2' }],
    ['the key is one that every object has', { constructor: maskText }, { DB_PASSWORD: 'hunter2' }],
  ])('a mask is lost when %s', (_name, edited, stored) => {
    const { lost } = restoreSpec(specWith(edited), stored === undefined ? undefined : specWith(stored));
    expect(lost).toEqual([{ field: `env.${Object.keys(edited)[0] ?? ''}` }]);
  });

  test.each([
    ['a right guess', 'hunter2'],
    ['a wrong guess', 'hunter3'],
    ['nothing', ''],
    ['a mask', maskText],
  ])('restored blindly, %s is what is stored', (_name, guess) => {
    const stored = specWith({ DB_PASSWORD: 'hunter2', DATABASE_URL: 'postgres://u:p@db/x', LOG_LEVEL: 'info' });
    const guesses = specWith({ DB_PASSWORD: guess, DATABASE_URL: guess, LOG_LEVEL: 'debug', NEW_TOKEN: 'x' });
    expect(restoreSpec(guesses, stored, true).spec.env).toEqual({
      ...stored.env,
      LOG_LEVEL: 'debug',
      NEW_TOKEN: 'x',
    });
  });

  it('a definition whose masks stand for nothing has a problem at each', () => {
    const service = { name: 'shop', node: 'local', active: true, components: [specWith({ DB_PASSWORD: maskText })] };
    const { problems } = restoreService(service, indexRecords({ services: [], components: [] }, []), {
      path: '/srv/shop.toml',
    });
    expect(problems).toMatchObject([{ path: '/srv/shop.toml', field: 'components[0].env.DB_PASSWORD' }]);
  });
});
