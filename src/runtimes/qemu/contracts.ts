/**
 * The words that the parts of the QEMU driver share. `guest/` makes what runs inside a Linux VM, `images/` turns OCI
 * images into root file systems and keeps the cache, `unikernel/` makes Nanos disks, `machine/` runs QEMU and talks to
 * it, and the files beside this one put them together as a driver.
 *
 * Folders, all under `BERTH_HOME/vm`:
 * - `run/ID/`      one VM: its record, sockets, console log and report, and hard links to all that it boots from, so
 *                  that QEMU needs no path outside its working directory and a link count tells what is in use;
 * - `images/KEY/`  what was built, never changed once it bears that name;
 * - `volumes/`     named volumes, one disk each;
 * - `kernel/`      the guest kernel of `berth vm setup`, and the base archives made from kernels.
 */

/** Times in milliseconds, sizes in mebibytes. null: found by itself. */
export interface QemuSettings {
  /** Path of qemu-system-x86_64. */
  readonly qemu: string | null;
  /** Path of a Linux kernel (bzImage or PVH vmlinux) for microVMs. */
  readonly kernel: string | null;
  /** Its modules: a folder like /lib/modules/VERSION. */
  readonly kernelModules: string | null;
  readonly ops: string | null;
  readonly nanosKernel: string | null;
  readonly nanosBoot: string | null;
  /** `auto`: KVM where a probe guest booted with it, else TCG. */
  readonly accel: 'auto' | 'kvm' | 'tcg';
  /** An image whose files are larger than this is put on a disk instead of into the guest's memory. */
  readonly initramfsLimitMb: number;
  /** Extraction, `ops build`, making of disks. */
  readonly buildDeadlineMs: number;
  /** From starting QEMU to its QMP greeting. */
  readonly startDeadlineMs: number;
  /** One QMP command. */
  readonly callDeadlineMs: number;
  /** The probe guest of KVM. */
  readonly probeDeadlineMs: number;
  /** Root's VMs run under user ids from here on, one each; without meaning for an agent that is not root. */
  readonly firstUid: number;
}

export const defaultQemuSettings: QemuSettings = Object.freeze({
  qemu: null,
  kernel: null,
  kernelModules: null,
  ops: null,
  nanosKernel: null,
  nanosBoot: null,
  accel: 'auto',
  initramfsLimitMb: 48,
  buildDeadlineMs: 600_000,
  startDeadlineMs: 15_000,
  callDeadlineMs: 5_000,
  probeDeadlineMs: 30_000,
  firstUid: 1_900_000_000,
});

/** What an OCI image says about running it. Source: github.com/opencontainers/image-spec config.md. */
export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** Absolute; `/` when the image says nothing. */
  readonly workdir: string;
  /** As written: name or number, with or without group; empty: root. */
  readonly user: string;
  readonly stopSignal: string | null;
}

/** Of an image that says nothing. */
export const emptyImageConfig: ImageConfig = Object.freeze({
  architecture: 'amd64',
  os: 'linux',
  env: Object.freeze({}),
  entrypoint: Object.freeze([]),
  command: Object.freeze([]),
  workdir: '/',
  user: '',
  stopSignal: null,
});

/** A file of an image's root file system. */
export interface TreeEntry {
  /** Absolute, clean. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'character-device' | 'block-device' | 'fifo';
  /** Permission bits, set-id bits included. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a file, in bytes; else 0. */
  readonly size: number;
  /** Of a symbolic link, as written; else empty. */
  readonly linkTarget: string;
  /** Seconds since the epoch. */
  readonly mtimeS: number;
  /** Of a device. */
  readonly device?: { readonly major: number; readonly minor: number };
  /** When `entries()` told of the same file under another name before: that name. */
  readonly hardLinkTo?: string;
}

/** The merged root file system of an image, read without running or mounting anything. */
export interface ImageTree {
  readonly config: ImageConfig;
  /** Sum of the files, in bytes; one with several names counts once. */
  readonly totalBytes: number;
  /** All entries, the root first; a directory comes before what is in it. Each name of a file is an entry. */
  entries(): Iterable<TreeEntry>;
  /** Follows symbolic links inside the tree, never out of it; undefined when there is nothing. */
  find(path: string): TreeEntry | undefined;
  /** A file's content, links followed; at most `maxBytes` of its beginning. E_NOT_FOUND. */
  read(path: string, maxBytes?: number): Promise<Uint8Array>;
  /**
   * Writes the tree below `path` (or the one file) into a host folder, at its own path below that folder. Links in
   * `path` are followed; those below it lead to the same file inside the folder, never out of it, and are left out
   * where they lead nowhere. Devices are left out, and owners are those of this process. E_NOT_FOUND.
   */
  copyOut(path: string, toFolder: string, signal: AbortSignal): Promise<void>;
  /** Frees what it keeps on disk. Never throws. */
  close(): Promise<void>;
}

/** Builds at most once at a time for a key, and never shows a half-made folder. */
export interface ImageCache {
  /**
   * The folder of `key`; if there is none, `make` fills a fresh one, which then takes that name. What fails leaves
   * nothing behind. Its use is noted for the collection of garbage.
   */
  ensure(
    request: CacheRequest,
    make: (folder: string, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<string>;
  /** The folder of a key that is there, without building; undefined when it is not. */
  has(key: string): Promise<string | undefined>;
}

export interface CacheRequest {
  /** Lower-case hexadecimal; the same for the same result, whatever the time and the machine. */
  readonly key: string;
  /** For people: `localhost/shop-web:1.4 for microvm`. */
  readonly what: string;
}

/** What boots a microVM of one image: in a cache folder, with `meta.json`. */
export interface LinuxImage {
  readonly folder: string;
  /** `root.cpio.gz`, unpacked into memory, or `root.squashfs`, a read-only disk under a writable overlay in memory. */
  readonly root: 'initramfs' | 'disk';
  readonly file: string;
  /** Sum of its files, and of the archive or disk, in bytes. */
  readonly unpackedBytes: number;
  readonly fileBytes: number;
  readonly config: ImageConfig;
  /** `/etc/passwd` and `/etc/group` of the image; empty when it has none. */
  readonly passwd: string;
  readonly group: string;
}

/** A disk that boots by BIOS into one program. */
export interface UnikernelImage {
  readonly folder: string;
  /** Name of the raw disk in the folder. */
  readonly file: string;
  readonly fileBytes: number;
}

/** What a unikernel's disk is made from. The disk's cache key is made of all of it. */
export interface UnikernelRequest {
  readonly imageDigest: string;
  readonly imageRef: string;
  /** The whole argument vector: the program first. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute paths of the image to take along. */
  readonly files: readonly string[];
}

/** A program's user, resolved against the image's accounts. */
export interface GuestUser {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** The home folder of the account; absent: `/`. */
  readonly home?: string;
}

/** An address that a guest gives itself; DHCP is not needed. */
export interface GuestNetwork {
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway: string;
  readonly nameServers: readonly string[];
}

/** QEMU's user-mode network as it always is: the guest and its way out. Source: QEMU manual, "Network emulation". */
export const userNetwork: GuestNetwork = Object.freeze({
  address: '10.0.2.15',
  prefixLength: 24,
  gateway: '10.0.2.2',
  nameServers: Object.freeze(['10.0.2.3']),
});

/** What the init of one Linux VM is told. */
export interface GuestConfig {
  readonly hostname: string;
  /** The whole argument vector; the first is looked up in PATH when it holds no slash. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly user: GuestUser;
  readonly network: GuestNetwork | null;
  readonly root: LinuxImage['root'];
  /** Disks to mount, known by their virtio serial. */
  readonly mounts: readonly { readonly serial: string; readonly target: string; readonly readOnly: boolean }[];
  /** What asks the program to end: a name or number, with or without `SIG`. null or absent: SIGTERM. */
  readonly stopSignal?: string | null;
}

/** Serial of the disk that holds a guest's root. */
export const rootSerial = 'root';

export interface LinuxKernel {
  /** As in /lib/modules. */
  readonly version: string;
  readonly image: string;
  readonly modules: string;
  readonly origin: 'setting' | 'home' | 'boot';
}

/** A kernel and the archive with init, busybox and the modules that this kernel lacks. */
export interface GuestBase {
  readonly kernel: LinuxKernel;
  /** Path of a gzipped cpio archive, unpacked before the image's own. */
  readonly archive: string;
  readonly archiveBytes: number;
  readonly unpackedBytes: number;
}

/** What the guest's init, or the host in its place, wrote of a run: one JSON object a line, in this order. */
export type GuestReport =
  | { readonly event: 'started' }
  | { readonly event: 'exited'; readonly code: number }
  /** The program was never started, or the guest cannot go on: why, for people. `exited` follows: 125, 126 or 127. */
  | { readonly event: 'failed'; readonly message: string };

/** One published port of user-mode networking. */
export interface PortForward {
  readonly protocol: 'tcp' | 'udp';
  /** An IPv4 address of the host. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly guestPort: number;
}

/** A disk of a VM. `file` is a name in the VM's folder. */
export interface MachineDisk {
  readonly file: string;
  readonly serial: string;
  readonly format: 'raw' | 'qcow2';
  /** `read-only`; `snapshot`: writes go to a temporary overlay and are lost with QEMU; `write`. */
  readonly access: 'read-only' | 'snapshot' | 'write';
}

/** All that decides QEMU's command line. Every file is a name in the VM's folder, which is QEMU's working directory. */
export interface MachineSpec {
  /** The workload's name when it was made; shown by `ps`. */
  readonly name: string;
  /** The token of one run: fresh at each start. */
  readonly uuid: string;
  readonly accel: 'kvm' | 'tcg';
  /** Of this accelerator on this host: see docs/decisions. */
  readonly machine: 'q35' | 'microvm';
  readonly memoryMb: number;
  readonly vcpus: number;
  readonly boot:
    | { readonly kind: 'linux'; readonly kernel: string; readonly initrd: string; readonly commandLine: string }
    /** By BIOS from the first disk. */
    | { readonly kind: 'bios' };
  readonly disks: readonly MachineDisk[];
  readonly network: { readonly kind: 'user'; readonly mac: string; readonly forwards: readonly PortForward[] };
  /** How the program's end is told: by init through a virtio port, or by Nanos through a debug port. */
  readonly report: 'virtio-port' | 'debug-port';
}

/** Names of files in a VM's folder. */
export const machineFiles = Object.freeze({
  /** QMP for the driver; one client at a time. */
  qmp: 'qmp.sock',
  /** QMP for people and for tests: `stop`, `cont`, `query-status` by hand. */
  qmpByHand: 'qmp-hand.sock',
  /** The serial console, for `berth console`. */
  consoleSocket: 'console.sock',
  consoleLog: 'console.log',
  report: 'report',
  /** Held by flock(1) for as long as QEMU lives; `-pidfile` needs search rights on every folder above. */
  lock: 'machine.lock',
  /** What QEMU itself says. */
  qemuLog: 'qemu.log',
});
