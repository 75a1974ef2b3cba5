/** What podman can do on this node, each with its remedy. */
import type { Capability } from '../../core/ports/driver.js';
import type { CgroupLayout } from './cgroups.js';
import type { CreateDefaults } from './create-body.js';
import type { ServiceKind } from './service.js';
import type { PodmanInfo } from './wire.js';

export interface CapabilityFacts {
  readonly info: PodmanInfo;
  readonly socket: string;
  readonly service: ServiceKind;
  readonly layout: CgroupLayout;
  readonly defaults: CreateDefaults;
  /** aardvark-dns, by which components find each other by name. */
  readonly hasDns: boolean;
}

const serviceWords: Readonly<Record<ServiceKind, string>> = {
  given: 'named in the settings',
  system: "the system's",
  own: 'started by this home',
};

const capability = (name: string, ok: boolean, detail: string, remedy: string): Capability => ({
  name,
  ok,
  detail,
  remedy: ok ? null : remedy,
});

/** True for 4.3 and newer: the first that changes limits in place over its API. */
export function isSupportedVersion(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 4 || (major === 4 && minor >= 3);
}

function runtimeCapability(facts: CapabilityFacts): Capability {
  const used = facts.defaults.ociRuntime ?? facts.info.host.ociRuntime?.name ?? 'unknown';
  const ok = used !== 'crun' || facts.layout !== 'hybrid';
  const why = facts.defaults.ociRuntime ? ' (chosen by Berth: the default would not work here)' : '';
  return capability('oci-runtime', ok, `${used}${why}`, 'install runc: apt-get install runc');
}

function ulimitCapability(facts: CapabilityFacts): Capability {
  const texts = facts.defaults.ulimits.map((limit) => `${limit.type.toLowerCase()}=${limit.soft}:${limit.hard}`);
  const detail = texts.length === 0 ? "podman's defaults" : `no CAP_SYS_RESOURCE, so Berth passes ${texts.join(', ')}`;
  return capability('ulimits', true, detail, '');
}

function limitCapability(facts: CapabilityFacts, name: string, controller: string): Capability {
  const rootless = facts.info.host.security?.rootless ?? false;
  const controllers = facts.info.host.cgroupControllers ?? [];
  const ok = controllers.includes(controller) && (!rootless || facts.layout === 'v2');
  const remedy = rootless
    ? 'use control groups v2 and delegate the controllers to the user (systemd: Delegate=yes)'
    : `enable the ${controller} controller of the kernel`;
  return capability(name, ok, ok ? `set and changed in place (${controller})` : `no ${controller} controller`, remedy);
}

function networkCapability(facts: CapabilityFacts): Capability {
  const backend = facts.info.host.networkBackend ?? 'cni';
  const ok = backend !== 'netavark' || facts.hasDns;
  const names = facts.hasDns ? 'names by aardvark-dns' : 'no aardvark-dns';
  return capability('network', ok, `${backend}, ${names}`, 'install it: apt-get install netavark aardvark-dns');
}

/** The list that `berth doctor` shows. Pure. */
export function capabilitiesOf(facts: CapabilityFacts): readonly Capability[] {
  const version = facts.info.version?.Version ?? 'unknown';
  const rootless = facts.info.host.security?.rootless ?? false;
  return [
    capability(
      'podman',
      isSupportedVersion(version),
      `podman ${version}, ${rootless ? 'rootless' : 'as root'}`,
      'install podman 4.3 or newer',
    ),
    capability('podman-service', true, `${facts.socket} (${serviceWords[facts.service]})`, ''),
    runtimeCapability(facts),
    capability(
      'cgroups',
      facts.layout !== 'none',
      `${facts.layout}, by ${facts.info.host.cgroupManager ?? 'unknown'}`,
      'mount the control groups',
    ),
    ulimitCapability(facts),
    limitCapability(facts, 'limits.memory', 'memory'),
    limitCapability(facts, 'limits.cpu', 'cpu'),
    networkCapability(facts),
  ];
}
