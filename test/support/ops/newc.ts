/** An initramfs. Source: Linux Documentation/driver-api/early-userspace/buffer-format.rst. */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Entry } from './manifest.js';

/** A cpio archive of the newc kind; everything belongs to root, and every file may be executed. */
export function newcArchive(entries: ReadonlyMap<string, Entry>): Buffer {
  const parts: Buffer[] = [];
  let inode = 0;
  const add = (name: string, mode: number, content: Buffer): void => {
    inode += 1;
    const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, Buffer.byteLength(name) + 1, 0];
    const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
    parts.push(padded(Buffer.from(head)), padded(content));
  };
  for (const [path, entry] of withFolders(entries)) {
    const name = path.slice(1);
    if (entry === null) add(name, 0o040755, Buffer.alloc(0));
    else if ('link' in entry) add(name, 0o120777, Buffer.from(entry.link));
    else add(name, 0o100755, 'file' in entry ? readFileSync(entry.file) : Buffer.from(entry.content));
  }
  add('TRAILER!!!', 0, Buffer.alloc(0));
  return Buffer.concat(parts);
}

function padded(buffer: Buffer): Buffer {
  return Buffer.concat([buffer, Buffer.alloc((4 - (buffer.length % 4)) % 4)]);
}

/** Parents before what is in them; a folder that nobody named is made. */
function withFolders(entries: ReadonlyMap<string, Entry>): ReadonlyMap<string, Entry> {
  const all = new Map<string, Entry>();
  const addFolder = (path: string): void => {
    if (path === '/') return;
    addFolder(dirname(path));
    if (!all.has(path)) all.set(path, entries.get(path) ?? null);
  };
  for (const [path, entry] of [...entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
    addFolder(dirname(path));
    all.set(path, entry);
  }
  return all;
}
