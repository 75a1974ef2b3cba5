/** A root file system in memory. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, posix, relative } from 'node:path';
import {
  emptyImageConfig,
  type ImageConfig,
  type ImageTree,
  type TreeEntry,
} from '../../../../src/runtimes/qemu/contracts.js';

/** A file's content, or where a link leads; null is a folder. */
export type Item = string | Uint8Array | { readonly link: string } | null;

/** Folders above what is named are there, too. Files may be executed. */
export function memoryTree(items: Readonly<Record<string, Item>>, words: Partial<ImageConfig> = {}): ImageTree {
  const all = new Map<string, Item>([['/', null]]);
  for (const [path, item] of Object.entries(items)) {
    const parts = path.split('/').slice(1, -1);
    for (const [index] of parts.entries()) all.set(`/${parts.slice(0, index + 1).join('/')}`, null);
    all.set(path, item);
  }
  const entryOf = (path: string): TreeEntry | undefined => {
    const item = all.get(path);
    if (item === undefined) return undefined;
    const isLink = isLinkItem(item);
    const isFile = item !== null && !isLink;
    return {
      path,
      kind: isFile ? 'file' : isLink ? 'symlink' : 'directory',
      mode: 0o755,
      uid: 0,
      gid: 0,
      size: isFile ? Buffer.from(item).length : 0,
      linkTarget: isLink ? item.link : '',
      mtimeS: 0,
    };
  };
  const find = (path: string): TreeEntry | undefined => {
    const ahead = path.split('/').reverse();
    const trail: string[] = [];
    for (let links = 0; ahead.length > 0;) {
      const part = ahead.pop()!;
      if (part === '' || part === '.') continue;
      if (part === '..') {
        trail.pop();
        continue;
      }
      const item = all.get(`/${[...trail, part].join('/')}`);
      if (item === undefined || (links += 1) > 400) return undefined;
      if (!isLinkItem(item)) {
        trail.push(part);
        continue;
      }
      if (item.link.startsWith('/')) trail.length = 0;
      ahead.push(...item.link.split('/').reverse());
    }
    return entryOf(`/${trail.join('/')}`);
  };
  const contentOf = (path: string): Buffer => {
    const item = all.get(find(path)?.path ?? '');
    if (item === undefined || item === null || isLinkItem(item)) throw new Error(`no file ${path}`);
    return Buffer.from(item);
  };
  return {
    config: { ...emptyImageConfig, ...words },
    totalBytes: 0,
    entries: () => [...all.keys()].sort().map((path) => entryOf(path)!),
    find,
    read: async (path, maxBytes) => contentOf(path).subarray(0, maxBytes),
    copyOut: async (path, toFolder) => {
      const from = find(path)!.path;
      for (const inner of [...all.keys()].sort()) {
        if (inner !== from && !inner.startsWith(`${from === '/' ? '' : from}/`)) continue;
        const target = join(toFolder, posix.join(path, inner.slice(from.length)));
        const item = all.get(inner) ?? null;
        await mkdir(join(target, '..'), { recursive: true });
        if (isLinkItem(item)) {
          const leads = find(inner);
          if (leads) await symlink(relative(join(target, '..'), join(toFolder, leads.path)), target);
        } else if (item === null) await mkdir(target, { recursive: true });
        else await writeFile(target, item);
      }
    },
    close: async () => undefined,
  };
}

function isLinkItem(item: Item): item is { readonly link: string } {
  return typeof item === 'object' && item !== null && 'link' in item;
}
