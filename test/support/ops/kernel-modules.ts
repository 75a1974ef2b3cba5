/** The modules that the stand-in's guest loads. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';

const wanted = ['virtio_pci', 'virtio_blk', 'virtio_net', 'button', 'evdev'];

/** Files of the modules and of what they depend on, in the order in which they load; what is built in has none. */
export function moduleFiles(folder: string): readonly string[] {
  if (folder === '') return [];
  const byName = new Map<string, string>();
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const name = /([^/]+)\.ko(?:\.xz)?$/.exec(path)?.[1];
    if (name !== undefined) byName.set(name.replaceAll('-', '_'), join(folder, path));
  }
  const order = new Set<string>();
  const visit = (name: string): void => {
    const file = byName.get(name);
    if (file === undefined || order.has(file)) return;
    for (const one of dependencies(file)) visit(one);
    order.add(file);
  };
  for (const name of wanted) visit(name);
  return [...order];
}

/** A module's content, as the kernel takes it. */
export function readModule(file: string): Buffer {
  if (!file.endsWith('.xz')) return readFileSync(file);
  return Buffer.from(execaSync('xz', ['-dc', file], { encoding: 'buffer', timeout: 60_000 }).stdout);
}

/** The module's own words: `depends=a,b` in its section .modinfo. */
function dependencies(file: string): readonly string[] {
  const depends = /\0depends=([^\0]*)\0/.exec(readModule(file).toString('latin1'))?.[1] ?? '';
  return depends.split(',').flatMap((name) => (name === '' ? [] : [name.replaceAll('-', '_')]));
}
