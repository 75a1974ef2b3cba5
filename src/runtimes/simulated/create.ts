/** Makes a workload, in the order of the runtimes: a machine has its image before its volumes, a container after. */
import type { CreateRequest } from '../../core/ports/driver.js';
import { containerSpecOf, mustMount, objectsOf } from './container-spec.js';
import type { Engine } from './engine.js';
import { ensureObject, type ObjectsContext } from './objects.js';

/** Answers the native id. E_NAME_TAKEN, E_IMAGE_MISSING, E_VM_IMAGE, E_VOLUME_SOURCE, E_NOT_SUPPORTED. */
export function createWorkload(context: ObjectsContext, engine: Engine, request: CreateRequest): string {
  const { host, gate, maker, actor } = context;
  const isVm = maker.realm === 'vm';
  if (isVm && host.machinesUnavailable) throw host.machinesUnavailable;
  mustMount(request, maker, host);
  const machine = isVm ? containerSpecOf(request, maker, host) : null;
  for (const object of objectsOf(request, maker)) ensureObject(context, object);
  gate.mustLive();
  const spec = machine ?? containerSpecOf(request, maker, host);
  if (isVm) host.built.set(spec.image.digest, host.clock.now());
  return gate.effect('create', spec.name, () => engine.create(spec, actor).id);
}
