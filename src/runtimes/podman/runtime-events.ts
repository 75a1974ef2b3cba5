/** Podman's events in the core's words. Pure. */
import { claimOf, type RuntimeEvent } from '../../core/observation.js';
import { ownershipOf } from './labels.js';
import { eventSchema, fileEventSchema, type WireEvent } from './wire.js';

const kinds: Readonly<Record<string, RuntimeEvent['kind']>> = { container: 'workload', image: 'image' };

/** The types of events that are asked for. */
export const eventTypes: readonly string[] = Object.keys(kinds);

/** Events that change nothing one could observe, and come with each probe. */
const noise = new Set(['exec', 'exec_died', 'attach', 'health_status']);

interface RawEvent {
  readonly type: string;
  readonly action: string;
  readonly id: string;
  readonly atMs: number;
  readonly attributes: Readonly<Record<string, string>>;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Whether it can be put into a date at all: lines that were damaged may hold any number. */
const isTime = (atMs: number): boolean => !Number.isNaN(new Date(atMs).getTime());

function toEvent(driver: string, raw: RawEvent): RuntimeEvent | undefined {
  const { action, attributes, atMs } = raw;
  const kind = kinds[raw.type];
  if (kind === undefined || action === '' || noise.has(action) || !isTime(atMs)) return undefined;
  const isWorkload = kind === 'workload';
  const claim = isWorkload ? claimOf(action, attributes) : undefined;
  return {
    driver,
    action,
    kind,
    nativeId: raw.id,
    name: attributes['name'] ?? '',
    owner: isWorkload ? ownershipOf(attributes) : null,
    atMs,
    attributes,
    ...(claim ? { claim } : {}),
  };
}

function atMsOf(event: WireEvent): number {
  if (event.timeNano) return Math.floor(event.timeNano / 1e6);
  return (event.time ?? 0) * 1000;
}

/** One line of the API's stream as an event; undefined when it is noise or cannot be read. */
export function readEvent(driver: string, line: string): RuntimeEvent | undefined {
  const event = eventSchema.safeParse(parse(line)).data;
  if (!event) return undefined;
  const attributes = event.Actor?.Attributes ?? {};
  const action = event.Action ?? event.status ?? '';
  const id = event.Actor?.ID ?? event.id ?? '';
  return toEvent(driver, { type: event.Type ?? '', action, id, atMs: atMsOf(event), attributes });
}

/** One line of the events file as an event; undefined when it is noise or cannot be read. */
export function readFileEvent(driver: string, line: string): RuntimeEvent | undefined {
  const event = fileEventSchema.safeParse(parse(line)).data;
  if (!event) return undefined;
  const attributes: Record<string, string> = {
    ...event.Attributes,
    name: event.Name ?? '',
    image: event.Image ?? '',
    containerExitCode: String(event.ContainerExitCode ?? 0),
  };
  const atMs = Date.parse(event.Time);
  return toEvent(driver, { type: event.Type, action: event.Status, id: event.ID ?? '', atMs, attributes });
}
