/** Archives of images made by hand, honest ones and others. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { openImageTree, type OpenedImage } from '../../../../src/runtimes/qemu/images/index.js';

type HeaderArgument = Parameters<ReturnType<typeof pack>['entry']>[0];

/** An entry of a layer; text is a file's content. */
export type LayerEntry = Partial<HeaderArgument> & { readonly name: string; readonly text?: string | Uint8Array };

export async function tarOf(entries: readonly LayerEntry[]): Promise<Buffer> {
  const packed = pack();
  for (const { text, ...header } of entries) {
    const content = text === undefined ? undefined : Buffer.from(text);
    if (content) packed.entry({ mode: 0o644, ...header }, content);
    else packed.entry({ mode: 0o755, ...header });
  }
  packed.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of packed as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export const directory = (name: string, more: Partial<HeaderArgument> = {}): LayerEntry => ({
  name,
  type: 'directory',
  ...more,
});
export const file = (name: string, text: string | Uint8Array, more: Partial<HeaderArgument> = {}): LayerEntry => ({
  name,
  text,
  ...more,
});
export const symlink = (name: string, linkname: string): LayerEntry => ({ name, type: 'symlink', linkname });
export const hardLink = (name: string, linkname: string): LayerEntry => ({ name, type: 'link', linkname });

/** As `podman save --format docker-archive` writes it: layers by digest, links of the old form, manifest last. */
export async function archiveOf(layers: readonly Uint8Array[], config: unknown = {}): Promise<Buffer> {
  const names = layers.map((layer) => `${createHash('sha256').update(layer).digest('hex')}.tar`);
  return tarOf([
    ...layers.map((layer, at) => file(names[at] ?? '', layer)),
    file('config.json', JSON.stringify({ architecture: 'amd64', os: 'linux', config })),
    ...names.map((name, at) => symlink(`${at}/layer.tar`, `../${name}`)),
    file(
      'manifest.json',
      JSON.stringify([{ Config: 'config.json', RepoTags: [], Layers: names.map((_, at) => `${at}/layer.tar`) }]),
    ),
  ]);
}

export interface Stage {
  readonly folder: string;
  /** Opens an archive of these bytes. */
  open(archive: Uint8Array): Promise<OpenedImage>;
  /** Opens an image of these layers. */
  image(...layers: readonly (readonly LayerEntry[])[]): Promise<OpenedImage>;
  dispose(): Promise<void>;
}

export async function makeStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-archive-'));
  const opened: OpenedImage[] = [];
  const open = async (archive: Uint8Array): Promise<OpenedImage> => {
    const path = join(folder, 'image.tar');
    await writeFile(path, archive);
    const tree = await openImageTree(path, folder, new AbortController().signal);
    opened.push(tree);
    return tree;
  };
  return {
    folder,
    open,
    image: async (...layers) => open(await archiveOf(await Promise.all(layers.map(tarOf)))),
    dispose: async () => {
      for (const tree of opened) await tree.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
