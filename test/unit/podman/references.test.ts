import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { imageMapOf } from '../../../src/runtimes/podman/references.js';
import { imageEntrySchema } from '../../../src/runtimes/podman/wire.js';
import { fixture } from './fixtures.js';

const image = (id: string, ...names: readonly string[]) => ({ Id: id.repeat(64), Names: [...names] });
const digest = (id: string): string => `sha256:${id.repeat(64)}`;

describe('what references name', () => {
  it('is found in a captured list, by tag, digest and id', () => {
    const entries = z.array(imageEntrySchema).parse(fixture('images.json'));
    const map = imageMapOf(entries);
    const wanted = `sha256:${entries[1]?.Id ?? ''}`;
    for (const name of ['localhost/shop-web:1.4', 'shop-web:1.4', wanted, entries[1]?.RepoDigests?.[0] ?? '']) {
      expect(map.get(name)).toBe(wanted);
    }
    expect(map.get('shop-web')).toBeUndefined();
  });

  it('may leave out localhost, docker.io/library and latest', () => {
    const map = imageMapOf([image('a', 'localhost/a:latest'), image('b', 'docker.io/library/b:latest')]);
    for (const name of ['localhost/a:latest', 'localhost/a', 'a:latest', 'a']) expect(map.get(name)).toBe(digest('a'));
    for (const name of ['docker.io/library/b', 'docker.io/b:latest', 'library/b', 'b']) {
      expect(map.get(name)).toBe(digest('b'));
    }
  });

  it('is the image of localhost when a short name could mean two', () => {
    const both = [image('a', 'localhost/web:1'), image('b', 'docker.io/library/web:1')];
    for (const entries of [both, both.toReversed()]) expect(imageMapOf(entries).get('web:1')).toBe(digest('a'));
  });

  it('knows all names of an image, and images without any', () => {
    const map = imageMapOf([image('a', 'localhost/a:1', 'localhost/a:2'), { Id: 'c'.repeat(64), Names: null }]);
    expect(map.get('a:2')).toBe(digest('a'));
    expect(map.get(digest('c'))).toBe(digest('c'));
  });
});
