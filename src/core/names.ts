/**
 * Every name that Berth gives to a thing, in one file: whoever lists, whoever creates and whoever
 * compares calls these functions and nothing else.
 */

/** Lower-case letters, digits and single dashes; starts with a letter, ends with a letter or digit. */
export const namePattern = /^[a-z](?:-?[a-z0-9])*$/;

/** Longest service or component name, in characters. Two of them and a dash still fit a DNS label. */
export const maxNameLength = 31;

/** True when `name` may name a service, a component or a volume. */
export function isValidName(name: string): boolean {
  return name.length <= maxNameLength && namePattern.test(name);
}

/** Identifies a component within a home. */
export interface ComponentKey {
  readonly service: string;
  readonly component: string;
}

/**
 * The name of the workload that realises a component: the service's name alone when both are the
 * same, else `service-component`. The registry's generated column `workload` is tested equal to it.
 */
export function workloadName(service: string, component: string): string {
  return service === component ? service : `${service}-${component}`;
}

/** `service/component`: how people name a component, and the key of queues and logs. */
export function formatKey(key: ComponentKey): string {
  return `${key.service}/${key.component}`;
}

/** Reads `service/component` back. Answers undefined for anything else. */
export function parseKey(text: string): ComponentKey | undefined {
  const [service, component, ...rest] = text.split('/');
  if (!service || !component || rest.length > 0) return undefined;
  return { service, component };
}

/** The part that a workload plays during a replacement; it shows in the workload's host name. */
export type WorkloadRole = 'main' | 'next' | 'previous';

const roleSuffix: Readonly<Record<WorkloadRole, string>> = { main: '', next: '.next', previous: '.previous' };

/**
 * The name on the host. The suffixes hold a dot, which no service or component name can, so a
 * temporary name never collides with a component's.
 */
export function hostName(prefix: string, workload: string, role: WorkloadRole): string {
  return `${prefix}${workload}${roleSuffix[role]}`;
}

/** Which role a host name stands for, given the workload's main host name; undefined for another's. */
export function roleOfHostName(mainHostName: string, name: string): WorkloadRole | undefined {
  if (name === mainHostName) return 'main';
  if (name === `${mainHostName}${roleSuffix.next}`) return 'next';
  if (name === `${mainHostName}${roleSuffix.previous}`) return 'previous';
  return undefined;
}

/** First eight characters of the home's id: enough to keep the homes of one machine apart. */
export function shortHomeId(homeId: string): string {
  return homeId.replaceAll('-', '').slice(0, 8);
}

/** The network that the components of one service share. */
export function networkName(homeId: string, service: string): string {
  return `berth-${shortHomeId(homeId)}.${service}`;
}

/** The host's name of a service's named volume. */
export function volumeName(homeId: string, service: string, volume: string): string {
  return `berth-${shortHomeId(homeId)}.${service}.${volume}`;
}
