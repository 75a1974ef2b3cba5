/** The checked document as the spec that the rest of Berth knows. */
import { resolve } from 'node:path';
import { workloadName } from '../core/names.js';
import {
  componentDefaults,
  serviceDefaults,
  type BuildSpec,
  type ComponentSpec,
  type ServiceSpec,
} from '../core/spec.js';
import type { ComponentDocument, DefinitionDocument } from './schema.js';

/** The image name that a build gets when the definition names none. */
export function builtImageName(service: string, component: string): string {
  return `localhost/${workloadName(service, component)}:berth`;
}

type Variables = NonNullable<ComponentDocument['env']>;

function toTexts(variables: Variables): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(variables).map(([key, value]) => [key, String(value)]));
}

function toBuild(build: NonNullable<ComponentDocument['build']>, folder: string): BuildSpec {
  return {
    context: resolve(folder, build.context),
    ...(build.file === undefined ? {} : { file: build.file }),
    ...(build.args === undefined ? {} : { args: toTexts(build.args) }),
  };
}

/** Without the members that are undefined, so that a spread of it keeps what it does not name. */
function named<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept: { [K in keyof T]?: T[K] } = {};
  for (const name of Object.keys(members) as (keyof T)[]) {
    if (members[name] !== undefined) kept[name] = members[name];
  }
  return kept as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function toComponent(service: string, component: ComponentDocument, folder: string): ComponentSpec {
  const absolute = (paths: readonly string[] | undefined): readonly string[] | undefined =>
    paths?.map((path) => resolve(folder, path));
  // The order is that of ComponentSpec.
  const given = named({
    runtime: component.runtime,
    image: component.image,
    build: component.build && toBuild(component.build, folder),
    pull: component.pull,
    update: component.update,
    memoryMb: component.memory_mb,
    vcpus: component.vcpus,
    command: component.command,
    env: component.env && toTexts(component.env),
    envFile: absolute(component.env_file),
    secretFile: absolute(component.secret_file),
    ports: component.ports,
    volumes: component.volumes,
    files: component.files,
    user: component.user,
    restart: component.restart,
    readyTimeoutS: component.ready_timeout_s,
    logLimitMb: component.log_limit_mb,
    // Zero may be written as -0.
    stopTimeoutS: component.stop_timeout_s === 0 ? 0 : component.stop_timeout_s,
    reconcile: component.reconcile,
    dependsOn: component.depends_on,
    health: component.health && named(component.health),
  });
  return { name: component.name, image: builtImageName(service, component.name), ...componentDefaults, ...given };
}

/** Fills defaults; relative paths are resolved against `folder`. */
export function toServiceSpec(document: DefinitionDocument, folder: string): ServiceSpec {
  return {
    name: document.name,
    node: document.node ?? serviceDefaults.node,
    active: document.active ?? serviceDefaults.active,
    components: document.components.map((component) => toComponent(document.name, component, folder)),
  };
}
