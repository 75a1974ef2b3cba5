/**
 * A `podman` that serves as the real one does until it is asked to start a container, and from then on says nothing to
 * anybody: the place in an apply where a runtime that hangs hurts most.
 */
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Stands before the real service's socket; what is behind ends by itself soon after nobody is connected. */
const program = `
const { spawn, spawnSync } = require('node:child_process');
const { writeFileSync } = require('node:fs');
const { createServer, connect } = require('node:net');
const [real, mark, ...argv] = process.argv.slice(2);
const address = argv.at(-1) ?? '';
if (!argv.includes('service')) process.exit(spawnSync(real, argv, { stdio: 'inherit' }).status ?? 1);
const socket = address.replace('unix://', '');
const behind = socket + '.real';
spawn(real, [...argv.slice(0, -1).map((word) => (word.startsWith('--time') ? '--time=3' : word)), 'unix://' + behind], { stdio: 'inherit' });
let hangs = false;
createServer((client) => {
  if (hangs) return;
  const server = connect(behind);
  for (const end of [client, server]) end.on('error', () => { client.destroy(); server.destroy(); });
  client.on('data', (data) => {
    if (/POST \\S*\\/containers\\/\\w+\\/start/.test(data.toString('latin1'))) {
      hangs = true;
      writeFileSync(mark, '');
    }
    if (!hangs) server.write(data);
  });
  client.on('close', () => server.destroy());
  server.on('data', (data) => { if (!hangs) client.write(data); });
  server.on('close', () => { if (!hangs) client.destroy(); });
}).listen(socket, () => undefined);
`;

export interface HangingPodman {
  /** To be searched before all others for programs. */
  readonly bin: string;
  /** A file that is there once it hangs. */
  readonly mark: string;
  /** Whoever looks for podman finds the real one again. */
  remove(): Promise<void>;
}

/** Installs it in `folder`; `real` is the path of the real podman. */
export async function installHangingPodman(folder: string, real: string): Promise<HangingPodman> {
  const bin = join(folder, 'hanging-bin');
  const [script, mark, wrapper] = [join(bin, 'podman.cjs'), join(bin, 'hangs'), join(bin, 'podman')];
  await mkdir(bin, { recursive: true });
  await writeFile(script, program);
  await writeFile(wrapper, `#!/bin/sh\nexec '${process.execPath}' '${script}' '${real}' '${mark}' "$@"\n`);
  await chmod(wrapper, 0o755);
  return { bin, mark, remove: () => rm(wrapper) };
}
