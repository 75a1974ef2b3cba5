/** Answers of podman 4.3.1, captured; test/unit/podman/fixtures. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export function fixture(name: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8'));
}
