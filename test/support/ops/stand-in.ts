/** A stand-in for ops in a folder of the test's, with the settings that make Berth use it. */
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

export type OpsBehaviour =
  | 'good'
  /** Never ends, nor does a child of it. */
  | 'hang'
  /** Fails when a part of the disk is written. */
  | 'half'
  /** Prints an error, names a disk, and exits with 0. */
  | 'red'
  /** Exits with 0 and says nothing. */
  | 'silent'
  /** Names a disk without a boot signature; an empty one. */
  | 'unbootable'
  | 'empty'
  /** Names a file outside of its home. */
  | 'elsewhere'
  /** Finds the disk of the host full. */
  | 'full';

export interface StandInOptions {
  /** Path of a Linux kernel, and the folder of its modules; without them no disk can be made. */
  readonly kernel?: string;
  readonly modules?: string;
  readonly behaviour?: OpsBehaviour;
}

export interface StandIn {
  readonly ops: string;
  readonly nanosKernel: string;
  readonly nanosBoot: string;
  /** A line of JSON for each build: argv, cwd, env, config. */
  readonly log: string;
  behave(behaviour: OpsBehaviour): Promise<void>;
}

/** Debian's package syslinux-common. */
const bootRecord = '/usr/lib/syslinux/mbr/mbr.bin';

/** Puts the stand-in into `folder`, which must be there. */
export async function installStandIn(folder: string, options: StandInOptions = {}): Promise<StandIn> {
  const at = (name: string): string => join(folder, name);
  const [ops, log, nanosKernel, nanosBoot] = [at('ops'), at('calls.jsonl'), at('kernel.img'), at('boot.img')];
  await mkdir(folder, { recursive: true });
  if (options.kernel === undefined) {
    await Promise.all([writeFile(nanosKernel, 'no kernel'), writeFile(nanosBoot, 'no boot record')]);
  } else await Promise.all([symlink(options.kernel, nanosKernel), symlink(bootRecord, nanosBoot)]);
  const [script, init] = [at('ops.mjs'), join(import.meta.dirname, 'init.sh')];
  await bundle(script);
  const behave = async (behaviour: OpsBehaviour): Promise<void> => {
    const values = {
      STANDIN_MODULES: options.modules ?? '',
      STANDIN_BEHAVIOUR: behaviour,
      STANDIN_LOG: log,
      STANDIN_INIT: init,
    };
    const exports = Object.entries(values).map(([name, value]) => `export ${name}='${value}'\n`);
    await writeFile(ops, `#!/bin/sh\n${exports.join('')}exec '${process.execPath}' '${script}' "$@"\n`);
    await chmod(ops, 0o755);
  };
  await behave(options.behaviour ?? 'good');
  return { ops, nanosKernel, nanosBoot, log, behave };
}

/** One file that node runs, of ops.ts and what it imports. */
async function bundle(to: string): Promise<void> {
  const build = await rolldown({ input: join(import.meta.dirname, 'ops.ts'), platform: 'node', logLevel: 'silent' });
  try {
    await build.write({ file: to, format: 'esm', codeSplitting: false });
  } finally {
    await build.close();
  }
}
