/** Collects what the probes judge. */
import { cgroupLayoutOf, cgroupMountsOf, type CgroupLayout } from './cgroups.js';
import type { CreateDefaults } from './create-body.js';
import type { Host } from '../host/host.js';
import { ociRuntimeFor, ulimitsFor } from './probe.js';

/** What the probes found; asked once. */
export interface HostFacts extends CreateDefaults {
  readonly layout: CgroupLayout;
}

/** Reads `/proc` and looks for OCI runtimes. */
export async function probeHost(host: Host): Promise<HostFacts> {
  const [mountinfo, status, limits, crun, runc] = await Promise.all([
    host.readText('/proc/self/mountinfo'),
    host.readText('/proc/self/status'),
    host.readText('/proc/self/limits'),
    host.findProgram('crun'),
    host.findProgram('runc'),
  ]);
  const layout = cgroupLayoutOf(cgroupMountsOf(mountinfo ?? ''));
  const programs = { hasCrun: crun !== undefined, hasRunc: runc !== undefined };
  return {
    layout,
    ociRuntime: ociRuntimeFor({ layout, ...programs }),
    ulimits: ulimitsFor(status ?? '', limits ?? ''),
  };
}

const dnsProgramFolders = [
  '/usr/lib/podman',
  '/usr/libexec/podman',
  '/usr/local/libexec/podman',
  '/usr/local/lib/podman',
];

/** True when aardvark-dns is here, by which components find each other by name. */
export async function hasDnsProgram(host: Host): Promise<boolean> {
  for (const folder of dnsProgramFolders) if (await host.exists(`${folder}/aardvark-dns`)) return true;
  return false;
}
