/**
 * What a virtual machine cannot do though a container can, and the rules of a ready disk as an image. Part of the
 * rules of one component's values; pure.
 */
import { isCleanAbsolutePath, isVm, limits, parsePort, parseVolume, type ComponentSpec, type Runtime } from './spec.js';

/** Reports one breach; see `RuleProblem`. */
export type Report = (field: string, message: string, suggestion: string) => void;

/** What the rules need to know of a component; absent values break none of them. */
export interface VmSubject extends Pick<ComponentSpec, 'runtime' | 'memoryMb' | 'vcpus' | 'ports' | 'volumes'> {
  readonly image: string | null;
  /** Names of the keys among `bakedKeys`, and `build`, that say something. */
  readonly given: ReadonlySet<string>;
}

/** What is put into an image when it is made, so that a disk that is ready cannot have it. */
export const bakedKeys = ['command', 'env', 'env_file', 'secret_file', 'files', 'user'] as const;

/** Less than this boots nothing, whatever it is. */
export const leastVmMemoryMb = 16;

const scheme = 'file:';

/** How a ready disk is named, for messages. */
export const diskImageForm = 'write the whole path, without ".", ".." and blanks, for example "file:/srv/disk.img"';

/** True for an image that is a disk on this host, whether its path is right or not. */
export function isDiskImage(image: string): boolean {
  return image.startsWith(scheme);
}

/** The path in `file:/path/to/disk.img`; undefined when the image is anything else, or the path is not clean. */
export function diskImagePath(image: string): string | undefined {
  const path = image.slice(scheme.length);
  return isDiskImage(image) && path !== '/' && isCleanAbsolutePath(path) ? path : undefined;
}

/** What a component is, for the rules. */
export function vmSubject(spec: ComponentSpec): VmSubject {
  const given = new Set<string>();
  if (spec.build !== null) given.add('build');
  if (spec.command !== null) given.add('command');
  if (Object.keys(spec.env).length > 0) given.add('env');
  if (spec.envFile.length > 0) given.add('env_file');
  if (spec.secretFile.length > 0) given.add('secret_file');
  if (spec.files.length > 0) given.add('files');
  if (spec.user !== null) given.add('user');
  return { ...spec, given };
}

/** False for what none of these rules is about: a container of an OCI image. */
export function concernsVms(runtime: Runtime, image: string | null): boolean {
  return isVm(runtime) || (image !== null && isDiskImage(image));
}

/** Reports what this component asks of its runtime that no virtual machine, or none of this kind, can do. */
export function checkVm(subject: VmSubject, report: Report): void {
  checkDiskImage(subject, report);
  if (!isVm(subject.runtime)) return;
  checkSize(subject, report);
  checkPorts(subject, report);
  checkVolumes(subject, report);
}

function checkDiskImage({ image, runtime, given }: VmSubject, report: Report): void {
  if (image === null || !isDiskImage(image)) return;
  if (diskImagePath(image) === undefined) {
    report('image', `"${image}" names no disk image`, diskImageForm);
    return;
  }
  if (runtime !== 'unikernel') {
    const right = 'set runtime = "unikernel", or name an OCI image';
    report('image', `a ${runtime} cannot boot the disk image "${image}"`, right);
    return;
  }
  if (given.has('build')) {
    report('build', 'a disk image is not built from a context', 'take out build, or the "file:" image');
  }
  for (const key of bakedKeys) {
    if (!given.has(key)) continue;
    const right = `take ${key} out, or name an OCI image, from which a disk with it is made`;
    report(key, `"${image}" is a ready disk, and ${key} cannot be put into it`, right);
  }
}

function checkSize({ runtime, vcpus, memoryMb }: VmSubject, report: Report): void {
  if (vcpus !== null && Number.isFinite(vcpus) && !Number.isInteger(vcpus)) {
    const whole = Math.max(1, Math.round(vcpus));
    report('vcpus', `a ${runtime} cannot have ${vcpus} cores`, `give it whole cores, for example vcpus = ${whole}`);
  }
  if (memoryMb !== null && memoryMb >= limits.memoryMb.min && memoryMb < leastVmMemoryMb) {
    const enough = runtime === 'microvm' ? 96 : 32;
    const right = `give it at least ${leastVmMemoryMb}; a small image boots with memory_mb = ${enough}`;
    report('memory_mb', `a ${runtime} cannot boot in ${memoryMb} MB`, right);
  }
}

function checkPorts({ runtime, ports }: VmSubject, report: Report): void {
  for (const [index, text] of ports.entries()) {
    const mapping = parsePort(text);
    if (mapping?.hostIp.includes(':') !== true) continue;
    const rest = text.slice(text.indexOf(']:') + 2);
    const local = mapping.hostIp === '::' ? rest : `127.0.0.1:${rest}`;
    const message = `"${text}" is an IPv6 address, and the network of a ${runtime} forwards IPv4 only`;
    report(`ports[${index}]`, message, `use an IPv4 address, for example "${local}"`);
  }
}

function checkVolumes({ runtime, volumes }: VmSubject, report: Report): void {
  const disks = new Map<string, number>();
  for (const [index, text] of volumes.entries()) {
    const mount = parseVolume(text);
    if (mount === undefined) continue;
    const field = `volumes[${index}]`;
    if (mount.kind === 'host') {
      const right = `use a named volume, for example "data:${mount.target}", or runtime = "container"`;
      report(field, `a ${runtime} cannot mount "${mount.source}", a folder of the host`, right);
      continue;
    }
    if (runtime === 'unikernel') {
      const message = `a unikernel cannot mount the volume "${mount.source}": Nanos reads disks of a file system of its own only`;
      report(field, message, unikernelData);
      continue;
    }
    const first = disks.get(mount.source);
    if (first === undefined) disks.set(mount.source, index);
    else {
      const message = `the volume "${mount.source}" is volumes[${first}] already, and a ${runtime} mounts a disk once`;
      report(field, message, 'give this one another name');
    }
  }
}

const unikernelData =
  'use runtime = "microvm" or "container" for a program that keeps data, or put the files into the image and name them in files';

/** True when both runtimes can share a volume: a disk has one machine, a folder as many containers as like. */
export function canShareVolume(a: Runtime, b: Runtime): boolean {
  return !isVm(a) && !isVm(b);
}
