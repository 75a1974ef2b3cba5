/** The barest Linux guest that serves the example's page: a kernel, busybox, the modules of its network card. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from '../scripts/lib/paths.mjs';
import { cpioArchive } from '../src/runtimes/qemu/guest/cpio.js';
import type { TestKernel } from '../test/support/vm-kernel.js';

/** In the order in which they are loaded; a virtio network card on PCI needs no other. */
const modules = [
  ...['virtio/virtio_ring', 'virtio/virtio', 'virtio/virtio_pci_modern_dev', 'virtio/virtio_pci_legacy_dev'],
  ...['virtio/virtio_pci', 'net/core/failover', 'net/net_failover', 'net/virtio_net'],
];

const init = (names: readonly string[]): string =>
  [
    '#!/bin/busybox sh',
    '/bin/busybox mount -t devtmpfs devtmpfs /dev',
    ...names.map((name) => `/bin/busybox insmod /modules/${name}`),
    '/bin/busybox ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up',
    '/bin/busybox route add default gw 10.0.2.2',
    'exec /bin/busybox httpd -f -p 8080 -h /www',
  ].join('\n');

async function moduleFile(kernel: TestKernel, path: string): Promise<Buffer> {
  const folder = path.startsWith('net/core/') ? 'kernel' : 'kernel/drivers';
  return readFile(join(kernel.modules, folder, `${path}.ko`));
}

/** Writes kernel and initrd into the folder; answers QEMU's command line, run there. */
export async function bareInitrd(
  kernel: TestKernel,
  options: { readonly folder: string; readonly port: number; readonly memoryMb: number },
): Promise<readonly string[]> {
  const files = await Promise.all(
    modules.map(async (path, index) => ({ name: `${index}.ko`, content: await moduleFile(kernel, path) })),
  );
  const file = (path: string, mode: number, content: Buffer) => ({ kind: 'file' as const, path, mode, content });
  const page = await readFile(join(root, 'examples/hello/rootfs/www/index.html'));
  const archive = await cpioArchive([
    ...['/bin', '/dev', '/modules', '/www'].map((path) => ({ kind: 'directory' as const, path, mode: 0o755 })),
    file('/bin/busybox', 0o755, await readFile('/bin/busybox')),
    file('/init', 0o755, Buffer.from(init(files.map(({ name }) => name)))),
    file('/www/index.html', 0o644, page),
    ...files.map(({ name, content }) => file(`/modules/${name}`, 0o644, content)),
  ]);
  await writeFile(join(options.folder, 'initrd'), gzipSync(archive, { level: 1 }));
  return [
    ...['qemu-system-x86_64', '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-machine', 'q35', '-accel', 'tcg', '-m', String(options.memoryMb), '-smp', '1'],
    ...['-kernel', kernel.kernel, '-initrd', 'initrd', '-append', 'console=ttyS0 quiet panic=-1'],
    ...['-netdev', `user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:${options.port}-:8080`],
    ...['-device', 'virtio-net-pci,netdev=net0', '-serial', 'null'],
  ];
}
