/** From a request to create a workload to the container that realises it. */
import { BerthError } from '../../core/errors.js';
import { hostName, networkName, volumeName, workloadName } from '../../core/names.js';
import type { HostObject, ObservedMount } from '../../core/observation.js';
import type { CreateRequest } from '../../core/ports/driver.js';
import { canonicalPorts } from '../../core/spec-diff.js';
import { effectiveLimits, parseVolume } from '../../core/spec.js';
import type { SimulatedHost } from './host.js';
import { labelsOf, type Labels } from './labels.js';
import type { ContainerSpec, Realm } from './model.js';

/** Whose driver makes it. */
export interface Maker {
  readonly driver: string;
  readonly realm: Realm;
  readonly homeId: string;
  readonly namePrefix: string;
}

/** The network of the service, which machines do not have, and the named volumes of the component. */
export function objectsOf(request: CreateRequest, { driver, homeId, realm }: Maker): readonly HostObject[] {
  const { service, spec } = request;
  const common = { driver, service, component: null };
  const network: HostObject = { ...common, kind: 'network', name: networkName(homeId, service) };
  const sources = spec.volumes.map(parseVolume).flatMap((mount) => (mount?.kind === 'named' ? [mount.source] : []));
  const volumes = [...new Set(sources)].map((source): HostObject => ({
    ...common,
    kind: 'volume',
    name: volumeName(homeId, service, source),
  }));
  return realm === 'container' ? [network, ...volumes] : volumes;
}

/** A network or volume belongs to a home and a service, not to one component. */
export function thingLabels(object: HostObject, { homeId }: Maker): Labels {
  return labelsOf({ homeId, service: object.service, component: '', generation: null, specHash: null });
}

/** What no runtime looks at an image for. E_VOLUME_SOURCE, E_NOT_SUPPORTED. */
export function mustMount({ service, spec }: CreateRequest, { homeId, realm }: Maker, host: SimulatedHost): void {
  const mounts = spec.volumes.flatMap((text) => mountOf(text, service, homeId));
  const folder = mounts.find(({ kind }) => kind === 'host');
  if (realm === 'vm' && folder) {
    throw new BerthError('E_NOT_SUPPORTED', `a virtual machine cannot mount the host's folder ${folder.source}`);
  }
  if (spec.runtime === 'unikernel' && mounts.length > 0) {
    throw new BerthError('E_NOT_SUPPORTED', 'a unikernel has no volumes here');
  }
  const missing = mounts.find(({ kind, source }) => kind === 'host' && host.missingPaths.has(source));
  if (missing) throw new BerthError('E_VOLUME_SOURCE', `statfs ${missing.source}: no such file or directory`);
}

/** E_IMAGE_MISSING, E_VM_IMAGE. */
export function containerSpecOf(request: CreateRequest, maker: Maker, host: SimulatedHost): ContainerSpec {
  const { service, spec, role, generation, specHash, imageDigest } = request;
  const { homeId, namePrefix, realm } = maker;
  // A machine is made of what was built of an image, which outlives it.
  const isBuilt = realm === 'vm' && host.built.has(imageDigest);
  const image = isBuilt ? host.images.recall(imageDigest) : host.images.get(imageDigest);
  const mounts = spec.volumes.flatMap((text) => mountOf(text, service, homeId));
  if (realm === 'vm' && image.noBoot !== null) throw new BerthError('E_VM_IMAGE', image.noBoot);
  return {
    runtime: spec.runtime,
    name: hostName(namePrefix, workloadName(service, spec.name), role),
    labels: labelsOf({ homeId, service, component: spec.name, generation, specHash }),
    image,
    imageRef: spec.image,
    env: { ...image.env, ...request.env },
    command: spec.command ?? image.command,
    user: spec.user ?? image.user,
    ports: canonicalPorts(spec.ports),
    mounts: mounts.sort((a, b) => (a.target < b.target ? -1 : 1)),
    network: realm === 'container' ? networkName(homeId, service) : null,
    ...effectiveLimits(spec),
  };
}

function mountOf(text: string, service: string, homeId: string): ObservedMount[] {
  const mount = parseVolume(text);
  if (!mount) return [];
  const source = mount.kind === 'named' ? volumeName(homeId, service, mount.source) : mount.source;
  return [{ ...mount, source }];
}
