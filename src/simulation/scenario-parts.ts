/** What several scenarios begin with, wait for and ask about. */
import type { JournalEntry } from '../runtimes/simulated/index.js';
import type { Change, ChangeContext } from '../core/ports/registry.js';
import { componentDefaults, type ComponentSpec } from '../core/spec.js';
import { LastChange } from '../core/last-change.js';
import { demand } from './demand.js';
import type { Services, SimulatedHome } from './home.js';

export const web = { service: 'shop', component: 'web' };
/** Who edits. */
export const user: ChangeContext = { actor: 'cli:user', request: null, message: null };
export const everything = ['shop-db', 'shop-web', 'shop-worker'];

/** A shop of three, of which `parts` differ from the usual. */
export function shop(parts: Readonly<Record<string, Partial<ComponentSpec>>> = {}): Services {
  const usual = [{ name: 'db' }, { name: 'web', dependsOn: ['db'] }, { name: 'worker' }];
  return { shop: usual.map((component) => ({ ...component, ...parts[component.name] })) };
}

/** A change that puts a component of the shop as it says, and else as usual. */
export function put(name: string, patch: Partial<ComponentSpec>): Change {
  const spec = { ...componentDefaults, name, image: 'localhost/app:1', ...patch };
  return { kind: 'put-component', service: 'shop', spec, source: null };
}

/** That shop runs. Its images are there, and some that misbehave. */
export async function open(home: SimulatedHome, parts: Parameters<typeof shop>[0] = {}): Promise<void> {
  const { images } = home.host;
  for (const tag of ['1', '2', '3']) images.add(`localhost/app:${tag}`);
  images.add('localhost/bad:1', { program: { exitAfterMs: 10, exitCode: 1 } });
  images.add('localhost/keeps:1', { program: { writes: '+' } });
  await home.put(shop(parts));
  await home.start();
  await home.converge();
}

/** The user takes back the last change of the shop's definition. */
export async function takeBack(home: SimulatedHome): Promise<void> {
  const last = new LastChange();
  last.take(await home.registry.history({ service: 'shop' }));
  const earlier = await home.registry.serviceAt('shop', last.before ?? 0);
  demand(earlier !== undefined, 'what the shop was before its last change is not known');
  await home.change(earlier.components.map((spec) => put(spec.name, spec)));
}

/** Waits for the host; an agent that has died meanwhile is started again. At most 60 virtual seconds. */
export async function until(home: SimulatedHome, condition: () => boolean): Promise<void> {
  for (let count = 0; count < 6_000 && !condition(); count += 1) {
    await home.clock.advance(10);
    if (!home.isAlive) await home.start();
  }
}

/** What an edit asks for begins within five virtual seconds, by itself: long before anything else makes the agent look. */
export async function promptly(home: SimulatedHome, condition: () => boolean): Promise<void> {
  const beganMs = home.clock.monotonic();
  await until(home, condition);
  const tookMs = home.clock.monotonic() - beganMs;
  demand(tookMs < 5_000, `it took ${String(tookMs)} ms until an edit was carried out`);
}

/** Goes on for a while, with an agent. */
export async function pass(home: SimulatedHome, ms: number): Promise<void> {
  await home.clock.advance(ms);
  if (!home.isAlive) await home.start();
}

/** What the home itself did to workloads of a component, whatever their names were. */
export function done(home: SimulatedHome, action: string, workload: string): readonly JournalEntry[] {
  return home.host.journal.filter(
    (entry) => entry.action === action && entry.by.startsWith('home:') && isOf(entry.name, workload),
  );
}

/** True for the names that a workload has in turn. */
function isOf(name: string, workload: string): boolean {
  return name === workload || name.startsWith(`${workload}.next`) || name.startsWith(`${workload}.previous`);
}

/** The reference of the image that the workload of a name was made of. */
export function imageOfWorkload(home: SimulatedHome, name: string): string | undefined {
  return home.host.containers().find((item) => item.name === name)?.spec.imageRef;
}

/** The messages of all events of the service. */
export async function told(home: SimulatedHome): Promise<readonly string[]> {
  const events = await home.registry.events({});
  return events.map(({ reason, message }) => `${reason}: ${message}`);
}
