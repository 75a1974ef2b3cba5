/**
 * QEMU's command line, from a machine's spec and nothing else. Every file is a name in the working directory: a QEMU
 * that may not search the folders above it still finds them, and no path is too long for a socket.
 * Source of the options: QEMU manual, "Invocation" (7.2).
 */
import { BerthError } from '../../../core/errors.js';
import { machineFiles, type MachineDisk, type MachineSpec, type PortForward } from '../contracts.js';
import { setprivArgv, type Privileges } from './privileges.js';

/** Paths of the programs. */
export interface MachineTools {
  readonly qemu: string;
  /** flock(1) of util-linux: holds the folder's lock for as long as QEMU lives. */
  readonly flock: string;
  /** setpriv(1) of util-linux; null: an agent that is not root can do without. */
  readonly setpriv: string | null;
}

/** What flock(1) exits with when another QEMU holds the folder. */
export const lockedExitCode = 75;
/** Where Nanos, and the probe guest, write the byte that tells how they fared. */
export const debugPort = 0x501;

/** A comma ends an option's value unless it is doubled. */
function escaped(value: string): string {
  return value.replaceAll(',', ',,');
}

function named(file: string): string {
  // A colon would make a protocol of it, a slash a path outside the folder.
  if (/^[\w.-]+$/.test(file) && !file.startsWith('-') && file !== '..') return file;
  throw new BerthError('E_INTERNAL', `"${file}" is no name of a file in a VM's folder`);
}

function machineOf(spec: MachineSpec): string {
  return spec.machine === 'q35' ? 'q35,usb=off,vmport=off,sata=off,smbus=off' : 'microvm,acpi=on,rtc=on,usb=off';
}

/** The device of this machine's bus: `virtio-net` is `virtio-net-pci` on q35, `virtio-net-device` on microvm. */
function device(spec: MachineSpec, name: string): string {
  return `${name}-${spec.machine === 'q35' ? 'pci' : 'device'}`;
}

function accessOf(disk: MachineDisk): string {
  switch (disk.access) {
    case 'read-only':
      return 'readonly=on';
    case 'snapshot':
      return 'snapshot=on';
    case 'write':
      return 'discard=unmap';
  }
}

function diskArgv(spec: MachineSpec, disk: MachineDisk, index: number): readonly string[] {
  const boots = spec.boot.kind === 'bios' && index === 0;
  return [
    '-drive',
    `id=disk${index},if=none,file=${named(disk.file)},format=${disk.format},${accessOf(disk)}`,
    '-device',
    `${device(spec, 'virtio-blk')},drive=disk${index},serial=${escaped(disk.serial)}${boots ? ',bootindex=0' : ''}`,
  ];
}

function forwardOf({ protocol, hostIp, hostPort, guestPort }: PortForward): string {
  return `hostfwd=${protocol}:${escaped(hostIp)}:${hostPort}-:${guestPort}`;
}

function networkArgv(spec: MachineSpec): readonly string[] {
  const { mac, forwards } = spec.network;
  const noRom = spec.machine === 'q35' ? ',romfile=' : '';
  return [
    '-netdev',
    ['user', 'id=net0', 'restrict=on', ...forwards.map(forwardOf)].join(','),
    '-device',
    `${device(spec, 'virtio-net')},netdev=net0,mac=${mac}${noRom}`,
  ];
}

function bootArgv({ boot }: MachineSpec): readonly string[] {
  if (boot.kind === 'bios') return [];
  return [
    ...['-kernel', named(boot.kernel), '-initrd', named(boot.initrd), '-append', boot.commandLine],
    // A panic then has a word of its own instead of looking like a reset.
    ...['-device', 'pvpanic'],
  ];
}

function reportArgv(spec: MachineSpec): readonly string[] {
  const chardev = ['-chardev', `file,id=report,path=${machineFiles.report},append=on`];
  if (spec.report === 'debug-port') {
    return [...chardev, '-device', `isa-debugcon,iobase=0x${debugPort.toString(16)},chardev=report`];
  }
  return [
    ...chardev,
    ...['-device', device(spec, 'virtio-serial')],
    ...['-device', 'virtserialport,chardev=report,name=berth.report'],
  ];
}

function monitorArgv(id: string, socket: string): readonly string[] {
  return ['-chardev', `socket,id=${id},path=${socket},server=on,wait=off`, '-mon', `chardev=${id},mode=control`];
}

function consoleArgv(): readonly string[] {
  const { consoleSocket, consoleLog } = machineFiles;
  return [
    '-chardev',
    `socket,id=con,path=${consoleSocket},server=on,wait=off,logfile=${consoleLog},logappend=on`,
    '-serial',
    'chardev:con',
  ];
}

/**
 * The whole argument vector: lock, then privileges, then QEMU, each of which becomes the next, so that one pid is all
 * three. Pure. E_INTERNAL for a file that is not in the folder.
 */
export function machineArgv(spec: MachineSpec, tools: MachineTools, privileges: Privileges): readonly string[] {
  return [
    ...[tools.flock, '--no-fork', '--nonblock', `--conflict-exit-code=${lockedExitCode}`, machineFiles.lock],
    ...setprivArgv(tools.setpriv, privileges),
    ...[tools.qemu, '-name', `guest=${escaped(spec.name)},debug-threads=on`, '-uuid', spec.uuid],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-accel', spec.accel === 'kvm' ? 'kvm' : 'tcg,thread=multi,tb-size=64'],
    ...['-machine', machineOf(spec), '-cpu', spec.accel === 'kvm' ? 'host' : 'max'],
    ...['-m', String(spec.memoryMb), '-smp', String(spec.vcpus)],
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ...monitorArgv('qmp', machineFiles.qmp),
    ...monitorArgv('hand', machineFiles.qmpByHand),
    ...consoleArgv(),
    ...reportArgv(spec),
    ...['-object', 'rng-random,id=rng0,filename=/dev/urandom', '-device', `${device(spec, 'virtio-rng')},rng=rng0`],
    ...bootArgv(spec),
    ...networkArgv(spec),
    ...spec.disks.flatMap((disk, index) => diskArgv(spec, disk, index)),
  ];
}
