/** Networks and volumes of one home on a simulated host, and what volumes hold. */
import { BerthError } from '../../core/errors.js';
import type { HostObject } from '../../core/observation.js';
import type { VolumeContent } from '../../core/ports/driver.js';
import type { CallGate } from './call-gate.js';
import { thingLabels, type Maker } from './container-spec.js';
import type { SimulatedHost } from './host.js';
import { ownerOf } from './labels.js';
import type { Actor } from './model.js';

/** What a part of a driver works with. */
export interface ObjectsContext {
  readonly host: SimulatedHost;
  readonly gate: CallGate;
  readonly maker: Maker;
  readonly actor: Actor;
}

/** Those that bear the home's labels. */
export function listObjects({ host, maker }: ObjectsContext): readonly HostObject[] {
  return host.things().flatMap(({ realm, kind, name, labels }) => {
    const owner = ownerOf(labels);
    if (realm !== maker.realm || owner?.homeId !== maker.homeId) return [];
    return [{ kind, driver: maker.driver, name, service: owner.service, component: null }];
  });
}

/** Makes what is missing. */
export function ensureObject({ host, gate, maker, actor }: ObjectsContext, object: HostObject): void {
  const { kind, name } = object;
  if (kind !== 'network' && kind !== 'volume') return;
  if (host.thing(maker.realm, kind, name)) return;
  gate.mustLive();
  gate.effect(`${kind}-create`, name, () => {
    host.makeThing({ realm: maker.realm, kind, name, labels: thingLabels(object, maker) }, actor);
  });
}

/** E_NOT_SUPPORTED, E_DRIVER_FAILED. */
export function removeObject({ host, gate, maker, actor }: ObjectsContext, { kind, name }: HostObject): void {
  if (kind !== 'network' && kind !== 'volume') throw new BerthError('E_NOT_SUPPORTED', `${kind}: not an object`);
  const thing = host.thing(maker.realm, kind, name);
  if (!thing) return;
  if (ownerOf(thing.labels)?.homeId !== maker.homeId) {
    throw new BerthError('E_DRIVER_FAILED', `${kind} ${name} is not of this home`);
  }
  gate.effect(`${kind}-remove`, name, () => {
    host.removeThing(maker.realm, kind, name, actor);
  });
}

/** E_NOT_FOUND. */
export function contentOf({ host, maker }: ObjectsContext, { name }: HostObject): string {
  const labels = host.thing(maker.realm, 'volume', name)?.labels;
  const content = host.volumes.get(maker.realm, name);
  if (!labels || content === undefined || ownerOf(labels)?.homeId !== maker.homeId) {
    throw new BerthError('E_NOT_FOUND', `there is no volume ${name}`);
  }
  host.volumes.mustRest(name, host.engineOf(maker.realm).all());
  return content;
}

/** In two effects: between them the volume holds a part, as after a crash. */
export async function replaceContent(
  context: ObjectsContext,
  object: HostObject,
  content: VolumeContent,
): Promise<void> {
  const { host, gate, maker } = context;
  ensureObject(context, object);
  host.volumes.mustRest(object.name, host.engineOf(maker.realm).all());
  const chunks: Uint8Array[] = [];
  for await (const chunk of content.tar) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  gate.mustLive();
  gate.effect('volume-write', object.name, () => {
    host.volumes.set(maker.realm, object.name, text.slice(0, Math.ceil(text.length / 2)));
  });
  gate.mustLive();
  gate.effect('volume-written', object.name, () => {
    host.volumes.set(maker.realm, object.name, text);
  });
}
