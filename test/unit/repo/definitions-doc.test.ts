import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { componentDefaults } from '../../../src/core/spec.js';
import { definitionJsonSchema } from '../../../src/definition/index.js';
import { root } from '../../support/test-home.js';

interface Shape {
  readonly properties: Readonly<Record<string, { readonly items?: Shape }>>;
}

const rows = [...readFileSync(join(root, 'docs/definitions.md'), 'utf8').matchAll(/^\| `([a-z_]+)` \|(.*)\|$/gm)];

it('docs/definitions.md explains every key of a definition, and no other', () => {
  const schema = definitionJsonSchema() as unknown as Shape;
  const component = schema.properties['components']?.items?.properties ?? {};
  const keys = [...Object.keys(schema.properties), ...Object.keys(component)];
  expect(rows.map((row) => row[1]).sort()).toEqual(keys.sort());
});

it('docs/definitions.md tells the defaults as they are', () => {
  const told = new Map(rows.map((row) => [row[1], row[2]?.split(' | ')[1]?.trim()]));
  expect(told.get('stop_timeout_s')).toBe(String(componentDefaults.stopTimeoutS));
  expect(told.get('ready_timeout_s')).toBe(String(componentDefaults.readyTimeoutS));
  expect(told.get('log_limit_mb')).toBe(String(componentDefaults.logLimitMb));
  for (const key of ['runtime', 'pull', 'update', 'restart', 'reconcile'] as const) {
    expect(told.get(key)).toBe(`\`${componentDefaults[key]}\``);
  }
});
