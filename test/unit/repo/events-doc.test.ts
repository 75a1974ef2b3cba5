import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventReasons } from '../../../src/core/event.js';
import { root } from '../../support/test-home.js';

describe('reasons of events', () => {
  it('are all in docs/events.md, in the same order, and no other is', () => {
    const docs = readFileSync(join(root, 'docs/events.md'), 'utf8');
    expect([...docs.matchAll(/^\| `([A-Za-z]+)` \|/gm)].map((match) => match[1])).toEqual([...eventReasons]);
  });

  it('are all made somewhere', () => {
    const folders = ['reconcilers/component', 'src/agent', 'src/controller'];
    const files = folders.flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(root, folder, name)));
    const text = files.map((path) => readFileSync(path, 'utf8')).join('\n');
    for (const reason of eventReasons) expect(text).toContain(`'${reason}'`);
  });
});
