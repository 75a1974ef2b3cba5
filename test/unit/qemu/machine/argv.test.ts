/** QEMU's command line, word by word. */
import { describe, expect, it } from 'vitest';
import type { MachineSpec } from '../../../../src/runtimes/qemu/contracts.js';
import { machineArgv } from '../../../../src/runtimes/qemu/machine/index.js';
import { needsLowPorts, uidOf, type Privileges } from '../../../../src/runtimes/qemu/machine/privileges.js';

const tools = { qemu: '/usr/bin/qemu-system-x86_64', flock: '/usr/bin/flock', setpriv: '/usr/bin/setpriv' };
const root: Privileges = { uid: 1_900_000_001, groups: [], lowPorts: false };
const linux: MachineSpec = {
  ...{ name: 'shop-web', uuid: '11111111-1111-4111-8111-111111111111', accel: 'tcg', machine: 'q35' },
  ...{ memoryMb: 96, vcpus: 2, report: 'virtio-port' },
  boot: { kind: 'linux', kernel: 'vmlinuz', initrd: 'initrd', commandLine: 'console=ttyS0 quiet, a=b' },
  disks: [],
  network: {
    ...{ kind: 'user', mac: '52:54:00:12:34:56' },
    forwards: [
      { protocol: 'tcp', hostIp: '127.0.0.1', hostPort: 8080, guestPort: 80 },
      { protocol: 'udp', hostIp: '0.0.0.0', hostPort: 53, guestPort: 53 },
    ],
  },
};
const bios: MachineSpec = {
  ...linux,
  ...{ accel: 'kvm', machine: 'microvm', boot: { kind: 'bios' }, report: 'debug-port', name: 'a,b' },
  disks: [
    { file: 'root.img', serial: 'root', format: 'raw', access: 'snapshot' },
    { file: 'shared.sqfs', serial: 'a,b', format: 'raw', access: 'read-only' },
    { file: 'data.qcow2', serial: 'data', format: 'qcow2', access: 'write' },
  ],
  network: { kind: 'user', mac: '52:54:00:12:34:56', forwards: [] },
};

/** An option and its value on one line. */
function lines(argv: readonly string[]): string {
  return argv.join(' ').replaceAll(/ (-(?!-)\S+ )/g, '\n$1');
}

describe('machineArgv', () => {
  it('boots a Linux kernel on q35 under TCG', () => {
    expect(lines(machineArgv(linux, tools, root))).toMatchInlineSnapshot(`
      "/usr/bin/flock --no-fork --nonblock --conflict-exit-code=75 machine.lock /usr/bin/setpriv --reuid=1900000001 --regid=1900000001 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all -- /usr/bin/qemu-system-x86_64
      -name guest=shop-web,debug-threads=on
      -uuid 11111111-1111-4111-8111-111111111111
      -nodefaults -no-user-config
      -display none
      -no-reboot -accel tcg,thread=multi,tb-size=64
      -machine q35,usb=off,vmport=off,sata=off,smbus=off
      -cpu max
      -m 96
      -smp 2
      -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
      -chardev socket,id=qmp,path=qmp.sock,server=on,wait=off
      -mon chardev=qmp,mode=control
      -chardev socket,id=hand,path=qmp-hand.sock,server=on,wait=off
      -mon chardev=hand,mode=control
      -chardev socket,id=con,path=console.sock,server=on,wait=off,logfile=console.log,logappend=on
      -serial chardev:con
      -chardev file,id=report,path=report,append=on
      -device virtio-serial-pci
      -device virtserialport,chardev=report,name=berth.report
      -object rng-random,id=rng0,filename=/dev/urandom
      -device virtio-rng-pci,rng=rng0
      -kernel vmlinuz
      -initrd initrd
      -append console=ttyS0 quiet, a=b
      -device pvpanic
      -netdev user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:8080-:80,hostfwd=udp:0.0.0.0:53-:53
      -device virtio-net-pci,netdev=net0,mac=52:54:00:12:34:56,romfile="
    `);
  });

  it('boots a disk by BIOS under KVM, with disks of every kind', () => {
    expect(lines(machineArgv(bios, tools, { ...root, groups: [105], lowPorts: true }))).toMatchInlineSnapshot(`
      "/usr/bin/flock --no-fork --nonblock --conflict-exit-code=75 machine.lock /usr/bin/setpriv --reuid=1900000001 --regid=1900000001 --groups=105 --no-new-privs --bounding-set=-all,+net_bind_service --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service -- /usr/bin/qemu-system-x86_64
      -name guest=a,,b,debug-threads=on
      -uuid 11111111-1111-4111-8111-111111111111
      -nodefaults -no-user-config
      -display none
      -no-reboot -accel kvm
      -machine microvm,acpi=on,rtc=on,usb=off
      -cpu host
      -m 96
      -smp 2
      -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
      -chardev socket,id=qmp,path=qmp.sock,server=on,wait=off
      -mon chardev=qmp,mode=control
      -chardev socket,id=hand,path=qmp-hand.sock,server=on,wait=off
      -mon chardev=hand,mode=control
      -chardev socket,id=con,path=console.sock,server=on,wait=off,logfile=console.log,logappend=on
      -serial chardev:con
      -chardev file,id=report,path=report,append=on
      -device isa-debugcon,iobase=0x501,chardev=report
      -object rng-random,id=rng0,filename=/dev/urandom
      -device virtio-rng-device,rng=rng0
      -netdev user,id=net0,restrict=on
      -device virtio-net-device,netdev=net0,mac=52:54:00:12:34:56
      -drive id=disk0,if=none,file=root.img,format=raw,snapshot=on
      -device virtio-blk-device,drive=disk0,serial=root,bootindex=0
      -drive id=disk1,if=none,file=shared.sqfs,format=raw,readonly=on
      -device virtio-blk-device,drive=disk1,serial=a,,b
      -drive id=disk2,if=none,file=data.qcow2,format=qcow2,discard=unmap
      -device virtio-blk-device,drive=disk2,serial=data"
    `);
  });

  it('changes no user for an agent that is not root, and can do without setpriv then', () => {
    const own = { uid: null, groups: [], lowPorts: false };
    expect(machineArgv(linux, tools, own).slice(5, 9)).toEqual([tools.setpriv, '--no-new-privs', '--', tools.qemu]);
    expect(machineArgv(linux, { ...tools, setpriv: null }, own)[5]).toBe(tools.qemu);
  });

  it('refuses a file that is not in the folder', () => {
    for (const file of ['../x', '/etc/passwd', 'a,b', 'nbd:x', '..', '-x', '']) {
      const disks = [{ file, serial: 'x', format: 'raw', access: 'read-only' }] as const;
      expect(() => machineArgv({ ...linux, disks }, tools, root), file).toThrow('is no name of a file');
    }
  });
});

describe('privileges', () => {
  it('gives each VM of root a user of its own, in the range that the setting begins', () => {
    const uids = Array.from({ length: 200 }, (_, index) => uidOf(0, 1_000_000, `vm-${index}`));
    expect(new Set(uids).size).toBe(200);
    for (const uid of uids) expect(uid! >= 1_000_000 && uid! < 1_000_000 + 2 ** 24).toBe(true);
    expect(uidOf(0, 1_000_000, 'vm-1')).toBe(uidOf(0, 1_000_000, 'vm-1'));
    expect(uidOf(1000, 1_000_000, 'vm-1')).toBeNull();
  });

  it('knows which ports only root may bind', () => {
    expect(needsLowPorts(linux, 1024)).toBe(true);
    expect(needsLowPorts(linux, 53)).toBe(false);
    expect(needsLowPorts(bios, 1024)).toBe(false);
  });
});
