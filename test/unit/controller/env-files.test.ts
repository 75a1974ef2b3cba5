import { describe, expect, it } from 'vitest';
import { EnvFiles, parseEnvFile } from '../../../src/controller/env-files.js';
import { componentDefaults } from '../../../src/core/spec.js';

describe('env files', () => {
  it('hold KEY=value lines, comments and quotes', () => {
    const text = '# a comment\n\nA=1\r\nB = "two words"\nC=\'x\'\nD=a=b\nE=\n';
    expect(parseEnvFile(text)).toEqual({ values: { A: '1', B: 'two words', C: 'x', D: 'a=b', E: '' } });
  });

  it('name a wrong line by its number and never by its content', () => {
    expect(parseEnvFile('A=1\nsecret-without-key')).toEqual({ error: 'line 2 is not KEY=value' });
  });

  it('lose no variable: a name that cannot be held is refused, as in definitions', () => {
    expect(parseEnvFile('A=1\n__proto__=x\n')).toEqual({ error: 'line 2: __proto__ is a name that Berth refuses' });
    expect(parseEnvFile('constructor=1\ntoString=2')).toEqual({ values: { constructor: '1', toString: '2' } });
  });

  it('are read once while they stay as they are, and tell of one that is missing', async () => {
    const texts = new Map([['/a', 'A=1']]);
    let reads = 0;
    const files = new EnvFiles({
      stamp: (path) =>
        texts.has(path) ? Promise.resolve(texts.get(path) ?? '') : Promise.reject(new Error('no such file')),
      read: (path) => {
        reads += 1;
        return Promise.resolve(texts.get(path) ?? '');
      },
    });
    const spec = { ...componentDefaults, name: 'x', image: 'x', envFile: ['/a'], secretFile: ['/b'] };
    await files.read([spec]);
    const views = await files.read([spec, spec]);
    expect(reads).toBe(1);
    expect(views.get('/a')).toEqual({ values: { A: '1' } });
    expect(views.get('/b')).toEqual({ error: 'no such file' });
    texts.set('/a', 'A=2');
    expect((await files.read([spec])).get('/a')).toEqual({ values: { A: '2' } });
  });
});
