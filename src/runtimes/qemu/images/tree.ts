/**
 * Merges the layers of an image in memory: names and attributes only, contents stay where they are. Nothing here
 * touches a file. Source of the rules: github.com/opencontainers/image-spec, layer.md.
 */
import type { TreeEntry } from '../contracts.js';
import { badImage, type FilePlace, type TarEntry } from './tar.js';

/** Bounds of what an image may hold; more is refused. */
export const imageLimits = Object.freeze({
  /** Entries of all layers together. */
  entries: 1_000_000,
  layers: 512,
  /** PATH_MAX of Linux. */
  pathBytes: 4096,
  /** As many as Linux follows in one path (MAXSYMLINKS). */
  links: 40,
});

/** Where a file's content is: which of the opened files, and where in it. */
export interface Content extends FilePlace {
  readonly source: number;
}

/** What several names (hard links) share. */
interface Inode {
  readonly kind: TreeEntry['kind'];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeS: number;
  readonly linkTarget: string;
  readonly device: { readonly major: number; readonly minor: number } | null;
  readonly content: Content | null;
}

interface Node {
  inode: Inode;
  /** The last layer that said something of it. */
  layer: number;
  /** Of a folder. */
  readonly children: Map<string, Node> | null;
}

/** A name in the tree and what it is. */
export interface Found {
  readonly entry: TreeEntry;
  readonly content: Content | null;
}

const whiteout = '.wh.';
const opaque = '.wh..wh..opq';

const plainFolder: Inode = Object.freeze({
  kind: 'directory',
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtimeS: 0,
  linkTarget: '',
  device: null,
  content: null,
});

const folder = (layer: number, inode: Inode = plainFolder): Node => ({ inode, layer, children: new Map() });

/**
 * The parts of a name in an archive. A leading slash means nothing there.
 * @throws BerthError `E_VM_IMAGE` for a name that climbs or that Linux could not hold.
 */
export function partsOf(path: string): readonly string[] {
  if (Buffer.byteLength(path) > imageLimits.pathBytes) {
    throw badImage(`the image holds a name of more than ${imageLimits.pathBytes} bytes: ${path.slice(0, 60)}…`);
  }
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw badImage(`the image holds a name that climbs out of it: ${path}`);
  if (path.includes('\0')) throw badImage('the image holds a name with a zero byte');
  return parts;
}

/** The merged tree. Layers are applied in order, each from its first entry to its last. */
export class LayeredTree {
  readonly #root = folder(0);
  #count = 0;

  /** Puts one entry of layer number `layer` in its place; `source` holds its content. E_VM_IMAGE. */
  apply(entry: TarEntry, layer: number, source: number): void {
    this.#count += 1;
    if (this.#count > imageLimits.entries) {
      throw badImage(`the image has more than ${imageLimits.entries} entries`);
    }
    const parts = partsOf(entry.path);
    const name = parts.at(-1);
    if (name === undefined) {
      if (entry.kind !== 'directory') throw badImage(`the image's root is a ${entry.kind}`);
      this.#root.inode = inodeOf(entry, source);
      return;
    }
    const above = parts.slice(0, -1);
    if (name.startsWith(whiteout)) this.#hide(above, name, layer);
    else this.#put(above, name, entry, layer, source);
  }

  /** All entries, the root first, a folder before what is in it. */
  *entries(): Generator<TreeEntry, void, undefined> {
    const firstNames = new Map<Inode, string>();
    const stack: (readonly [string, Node])[] = [['/', this.#root]];
    for (let next = stack.pop(); next; next = stack.pop()) {
      const [path, node] = next;
      const first = node.children === null ? firstNames.get(node.inode) : undefined;
      if (first === undefined) firstNames.set(node.inode, path);
      yield entryOf(path, node.inode, first);
      const below = [...(node.children ?? [])].reverse();
      for (const [name, child] of below) stack.push([path === '/' ? `/${name}` : `${path}/${name}`, child]);
    }
  }

  /** What stands under exactly this name; no link is followed. */
  at(path: string): Found | undefined {
    const parts = partsOf(path);
    let node: Node | undefined = this.#root;
    for (const part of parts) node = node?.children?.get(part);
    return node && foundOf(`/${parts.join('/')}`, node);
  }

  /** Follows links as a program in the image would; undefined where they lead nowhere or in a circle. */
  find(path: string): Found | undefined {
    const ahead = path.split('/').reverse();
    const trail: (readonly [string, Node])[] = [];
    let links = 0;
    for (let part = ahead.pop(); part !== undefined; part = ahead.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        trail.pop();
        continue;
      }
      const child = (trail.at(-1)?.[1] ?? this.#root).children?.get(part);
      if (!child) return undefined;
      if (child.inode.kind !== 'symlink') {
        trail.push([part, child]);
        continue;
      }
      links += 1;
      if (links > imageLimits.links) return undefined;
      const target = child.inode.linkTarget;
      if (target.startsWith('/')) trail.length = 0;
      ahead.push(...target.split('/').reverse());
    }
    return foundOf(`/${trail.map(([name]) => name).join('/')}`, trail.at(-1)?.[1] ?? this.#root);
  }

  #put(above: readonly string[], name: string, entry: TarEntry, layer: number, source: number): void {
    const inode = entry.kind === 'hard-link' ? this.#linked(entry) : inodeOf(entry, source);
    const siblings = this.#makeFolder(above, layer);
    const before = siblings.get(name);
    if (inode.kind !== 'directory') {
      siblings.set(name, { inode, layer, children: null });
    } else if (before?.children) {
      before.inode = inode;
      before.layer = layer;
    } else {
      siblings.set(name, folder(layer, inode));
    }
  }

  #linked(entry: TarEntry): Inode {
    const parts = partsOf(entry.linkTarget);
    const found = this.#nodeAt(parts);
    if (!found || found.children) {
      throw badImage(`${entry.path} is a hard link to ${entry.linkTarget}, which is not a file of the image`);
    }
    return found.inode;
  }

  /** Takes away what lower layers put there; what this layer put there stays, whatever comes first. */
  #hide(above: readonly string[], name: string, layer: number): void {
    const parent = this.#nodeAt(above);
    if (name === opaque) {
      if (parent?.children) forgetBelow(parent.children, layer);
      return;
    }
    // Other names of this kind are notes of old storage drivers to themselves.
    if (name.startsWith('.wh..wh.')) return;
    const hidden = name.slice(whiteout.length);
    if (hidden === '' || hidden === '.' || hidden === '..') {
      throw badImage(`the image holds a whiteout that names nothing: ${[...above, name].join('/')}`);
    }
    const node = parent?.children?.get(hidden);
    if (parent && node && forgetNode(node, layer)) parent.children?.delete(hidden);
  }

  #nodeAt(parts: readonly string[]): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const part of parts) node = node?.children?.get(part);
    return node;
  }

  /** The folder there. Whatever else stood in the way is replaced, a link too: nothing is put through a link. */
  #makeFolder(parts: readonly string[], layer: number): Map<string, Node> {
    let children = this.#root.children ?? new Map<string, Node>();
    for (const part of parts) {
      let node = children.get(part);
      if (!node?.children) {
        node = folder(layer);
        children.set(part, node);
      }
      children = node.children ?? new Map<string, Node>();
    }
    return children;
  }
}

function forgetBelow(children: Map<string, Node>, layer: number): void {
  for (const [name, node] of children) {
    if (forgetNode(node, layer)) children.delete(name);
  }
}

/** True when nothing of it is of this layer. */
function forgetNode(node: Node, layer: number): boolean {
  if (node.children) forgetBelow(node.children, layer);
  return node.layer < layer && (node.children === null || node.children.size === 0);
}

function inodeOf(entry: TarEntry, source: number): Inode {
  const { kind, mode, uid, gid, mtimeS, size, offset, major, minor } = entry;
  if (kind === 'hard-link') throw badImage(`${entry.path} is a hard link to nothing`);
  if (kind === 'symlink') checkTarget(entry);
  const isDevice = kind === 'character-device' || kind === 'block-device';
  return {
    kind,
    mode,
    uid,
    gid,
    mtimeS,
    linkTarget: kind === 'symlink' ? entry.linkTarget : '',
    device: isDevice ? { major, minor } : null,
    content: kind === 'file' ? { source, offset, size } : null,
  };
}

function checkTarget({ path, linkTarget }: TarEntry): void {
  if (linkTarget !== '' && Buffer.byteLength(linkTarget) < imageLimits.pathBytes && !linkTarget.includes('\0')) return;
  throw badImage(`${path} is a symbolic link to ${Buffer.byteLength(linkTarget)} bytes that are no name`);
}

function entryOf(path: string, inode: Inode, first: string | undefined): TreeEntry {
  const { kind, mode, uid, gid, mtimeS, linkTarget, device, content } = inode;
  return {
    path,
    kind,
    mode,
    uid,
    gid,
    size: content?.size ?? 0,
    linkTarget,
    mtimeS,
    ...(device ? { device } : {}),
    ...(first === undefined || kind !== 'file' ? {} : { hardLinkTo: first }),
  };
}

const foundOf = (path: string, node: Node): Found => ({
  entry: entryOf(path, node.inode, undefined),
  content: node.inode.content,
});
