/**
 * Named volumes of microVMs: an ext4 disk each, in one file, made and read with e2fsprogs (man 8 mke2fs, debugfs,
 * e2fsck, resize2fs). Nothing is ever mounted on the host.
 */
import { createReadStream } from 'node:fs';
import { chmod, chown, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError } from '../../core/errors.js';
import { shortHomeId } from '../../core/names.js';
import type { HostObject } from '../../core/observation.js';
import type { VolumeContent } from '../../core/ports/driver.js';
import { vmDefaults } from '../../core/spec.js';
import { fileError, type Folders } from '../host/folders.js';
import type { Host } from '../host/host.js';

export interface VolumesOptions {
  readonly host: Host;
  readonly folders: Folders;
  /** The driver's name. */
  readonly driver: string;
  readonly homeId: string;
  /** `BERTH_HOME/vm/volumes`. */
  readonly root: string;
  /** For one run of a tool, in milliseconds. */
  readonly deadlineMs: number;
}

const suffix = '.ext4';
const freshPrefix = '.new-';
const bytesPerMb = 1024 * 1024;
/** Of the root directory, as debugfs writes it (ext4, fs/ext4/ext4.h: EXT4_ROOT_INO). */
const rootInode = '<2>';
/** What ext4 itself takes of a disk, and then some. */
const overhead = { factor: 1.15, plusMb: 16 };

export class VmVolumes {
  readonly #options: VolumesOptions;

  constructor(options: VolumesOptions) {
    this.#options = options;
  }

  /** The disk's file; it need not exist. */
  path(name: string): string {
    const ours = new RegExp(`^berth-${shortHomeId(this.#options.homeId)}\\.[a-z0-9-]+\\.[a-z0-9-]+$`);
    if (!ours.test(name)) throw new BerthError('E_NOT_FOUND', `${name} is no volume of this home`);
    return join(this.#options.root, `${name}${suffix}`);
  }

  /**
   * Gives a machine that is about to start its disk: the very file, under a name in the machine's folder. What stood
   * there before may be a disk that has been replaced since.
   */
  async attach(name: string, to: string, uid: number | null): Promise<void> {
    const { folders } = this.#options;
    const path = this.path(name);
    if (!(await folders.facts(path))) {
      throw new BerthError('E_DRIVER_FAILED', `the volume ${name} is gone`, {
        suggestion: 'restore its file in the folder vm/volumes of the home, or delete the component and apply it again',
      });
    }
    await folders.remove(to);
    await folders.link(path, to);
    if (uid !== null) await folders.own(to, uid);
  }

  /** Makes the disk unless it is there. */
  async ensure(name: string, sizeMb: number): Promise<void> {
    const { folders, root } = this.#options;
    if (await folders.facts(this.path(name))) return;
    await folders.make(root);
    await this.#inPlace(name, (fresh) => this.#makeDisk(fresh, sizeMb, null));
  }

  /** Lets the disk grow to a size; it never shrinks. Nothing may use it meanwhile. */
  async grow(name: string, sizeMb: number): Promise<void> {
    const path = this.path(name);
    const facts = await this.#options.folders.facts(path);
    if (!facts || facts.bytes >= sizeMb * bytesPerMb) return;
    await this.#check(path);
    await this.#tool('resize2fs', [path, `${sizeMb}M`], `grow the volume ${name}`);
  }

  async list(): Promise<readonly HostObject[]> {
    const prefix = `berth-${shortHomeId(this.#options.homeId)}.`;
    const names = (await this.#options.folders.list(this.#options.root))
      .filter((file) => file.startsWith(prefix) && file.endsWith(suffix))
      .map((file) => file.slice(0, -suffix.length));
    return names.map((name) => ({
      kind: 'volume',
      driver: this.#options.driver,
      name,
      service: name.slice(prefix.length).split('.')[0] ?? '',
      component: null,
    }));
  }

  /** E_DRIVER_FAILED while a VM has it. */
  async remove(name: string): Promise<void> {
    const path = this.path(name);
    const facts = await this.#options.folders.facts(path);
    if (facts && facts.links > 1) {
      throw new BerthError('E_DRIVER_FAILED', `the volume ${name} belongs to a virtual machine that still exists`);
    }
    await this.#options.folders.remove(path);
  }

  /** What a killed agent left half made. */
  async sweep(): Promise<void> {
    const { folders, root } = this.#options;
    for (const name of await folders.list(root)) {
      if (name.startsWith(freshPrefix)) await folders.remove(join(root, name));
    }
  }

  async *read(name: string): AsyncGenerator<Uint8Array> {
    const { folders, host, root } = this.#options;
    const path = this.path(name);
    if (!(await folders.facts(path))) throw new BerthError('E_NOT_FOUND', `there is no volume ${name}`);
    const work = await host.makeTemporaryFolder(join(root, `${freshPrefix}read-`));
    try {
      const tree = join(work, 'tree');
      const archive = join(work, 'content.tar');
      await folders.make(tree);
      await this.#check(path);
      await this.#tool('debugfs', ['-R', `rdump / "${tree}"`, path], `read the volume ${name}`);
      await this.#takeRootOf(path, tree);
      const tar = ['--format=pax', '--numeric-owner', '--exclude=./lost+found', '-C', tree, '-cf', archive, '.'];
      await this.#tool('tar', tar, `pack the volume ${name}`);
      for await (const chunk of createReadStream(archive)) yield chunk as Uint8Array;
    } finally {
      await folders.remove(work);
    }
  }

  async write(name: string, content: VolumeContent): Promise<void> {
    const { folders, host, root } = this.#options;
    await folders.make(root);
    const work = await host.makeTemporaryFolder(join(root, `${freshPrefix}write-`));
    try {
      const tree = join(work, 'tree');
      const archive = join(work, 'content.tar');
      await folders.make(tree, 0o755);
      const bytes = await writeAll(archive, content.tar);
      const owners = host.uid === 0 ? '--same-owner' : '--no-same-owner';
      await this.#tool('tar', ['--numeric-owner', '-p', owners, '-C', tree, '-xf', archive], `unpack into ${name}`);
      await folders.remove(archive);
      const needed = Math.ceil((bytes / bytesPerMb) * overhead.factor) + overhead.plusMb;
      const sizeMb = Math.max(content.sizeMb ?? vmDefaults.volumeSizeMb, needed);
      await this.#inPlace(name, async (fresh) => {
        await this.#makeDisk(fresh, sizeMb, tree);
        await this.#giveRootOf(tree, fresh, join(work, 'commands'));
      });
    } finally {
      await folders.remove(work);
    }
  }

  async #inPlace(name: string, make: (fresh: string) => Promise<void>): Promise<void> {
    const { folders, root } = this.#options;
    const fresh = join(root, `${freshPrefix}${name}`);
    try {
      await folders.remove(fresh);
      await make(fresh);
      await folders.setMode(fresh, 0o600);
      await folders.rename(fresh, this.path(name));
    } catch (error) {
      await folders.remove(fresh);
      throw error;
    }
  }

  async #makeDisk(path: string, sizeMb: number, from: string | null): Promise<void> {
    const fill = from === null ? [] : ['-d', from];
    const argv = ['-q', '-F', '-t', 'ext4', '-m', '0', '-E', 'nodiscard', ...fill, path, `${sizeMb}M`];
    await this.#tool('mke2fs', argv, 'make a disk for a volume');
  }

  /** The folder gets mode and owner of the disk's root, which debugfs leaves out when it reads a whole tree. */
  async #takeRootOf(path: string, tree: string): Promise<void> {
    const words = await this.#tool('debugfs', ['-R', `stat ${rootInode}`, path], 'look at a volume');
    const [mode, uid, gid] = [/Mode:\s+(\d+)/, /User:\s+(\d+)/, /Group:\s+(\d+)/].map((part) => part.exec(words)?.[1]);
    if (mode === undefined || uid === undefined || gid === undefined) return;
    await chmod(tree, Number.parseInt(mode, 8));
    if (this.#options.host.uid === 0) await chown(tree, Number(uid), Number(gid));
  }

  /** The disk's root gets mode and owner of the folder, which mke2fs leaves out when it fills a disk. */
  async #giveRootOf(tree: string, path: string, commands: string): Promise<void> {
    const { mode, uid, gid } = await stat(tree);
    const fields = { mode: `0${mode.toString(8)}`, ...(this.#options.host.uid === 0 ? { uid, gid } : {}) };
    const lines = Object.entries(fields).map(([field, value]) => `set_inode_field ${rootInode} ${field} ${value}\n`);
    await this.#options.folders.write(commands, lines.join(''));
    await this.#tool('debugfs', ['-w', '-f', commands, path], 'set the owner of a volume');
  }

  /** Plays the journal of a machine that was not shut down; mends what can be mended without a question. */
  async #check(path: string): Promise<void> {
    const mended = [0, 1, 2];
    await this.#tool('e2fsck', ['-f', '-p', path], 'check a volume', mended);
  }

  /** Answers what the program said. */
  async #tool(name: string, args: readonly string[], what: string, fine: readonly number[] = [0]): Promise<string> {
    const { host, deadlineMs } = this.#options;
    const program = await host.findProgram(name);
    if (!program) {
      throw new BerthError('E_RUNTIME_UNAVAILABLE', `${name} is not installed here, so volumes of VMs cannot be made`, {
        suggestion: name === 'tar' ? 'install tar' : 'apt-get install e2fsprogs',
      });
    }
    const result = await host.run([program, ...args], { timeoutMs: deadlineMs });
    if (result.exitCode !== null && fine.includes(result.exitCode)) return result.output;
    const words = result.timedOut ? `${name} took longer than ${deadlineMs} ms` : result.output.trim().slice(-500);
    const code = /no space left|could not allocate/i.test(words) ? 'E_DISK_FULL' : 'E_DRIVER_FAILED';
    throw new BerthError(code, `cannot ${what}: ${words}`, { details: { program: name } });
  }
}

/** Writes what comes into a new file; answers its bytes. */
async function writeAll(path: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of chunks) {
      await file.writeFile(chunk);
      bytes += chunk.byteLength;
    }
    return bytes;
  } catch (error) {
    throw fileError(error, 'keep the content of a volume');
  } finally {
    await file.close();
  }
}
