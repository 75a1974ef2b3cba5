/** Carries out what a storm brings on the host and to the agent, and knows whom it must have left alone. */
import { isBerthError } from '../core/errors.js';
import type { Container } from '../runtimes/simulated/index.js';
import { demand, demandSame } from './demand.js';
import type { SimulatedHome } from './home.js';
import type { Act, HandAction } from './schedule.js';
import { bring, momentOf } from './sweep.js';
import { StormWishes, stormService as service } from './storm-wishes.js';

const calm = 'calm';
/** Nobody touches these; whatever happens to others, they go on. */
const bystanders = { container: 'calm-still', vm: 'calm-machine' };

export class StormHand {
  readonly #home: SimulatedHome;
  readonly #wishes: StormWishes;
  /** Starts and ids of those that must be left alone. */
  readonly #left = new Map<string, string>();
  #reboots = 0;
  #stranger = '';

  constructor(home: SimulatedHome) {
    this.#home = home;
    this.#wishes = new StormWishes(home);
  }

  /** What there is before the storm. */
  async begin(inCalm: boolean): Promise<void> {
    const home = this.#home;
    const { images } = home.host;
    for (const tag of ['1', '2']) images.add(`localhost/app:${tag}`);
    images.add('localhost/still:1');
    images.add('localhost/bad:1', { program: { exitAfterMs: 20, exitCode: 3 } });
    this.#stranger = home.host.hand.runForeign('stranger');
    await home.put({
      [calm]: [
        { name: 'still', image: 'localhost/still:1', volumes: ['data:/data'] },
        { name: 'machine', image: 'localhost/still:1', runtime: 'microvm' },
      ],
    });
    await home.start();
    await home.converge();
    for (const { name, id } of home.host.containers()) this.#left.set(name, id);
    await this.#wishes.begin();
    if (!inCalm) return;
    await home.converge();
    home.host.hand.write('shop-db', 'kept');
  }

  async perform(act: Act): Promise<void> {
    if (await this.#wishes.perform(act)) return;
    if (await this.#disturbRuntime(act)) return;
    await this.#disturbAgent(act);
  }

  /** Trouble ends, and what was asked for last is asked for again where that may have come to nothing. */
  async endStorm(): Promise<void> {
    const home = this.#home;
    home.host.faults.clear();
    home.host.events.delayMs = 5;
    home.storage.clear();
    home.onEffect = null;
    if (!home.isAlive) await home.start();
    await this.demandSafety();
    await this.#wishes.askAgain();
    // What was put off by a fault of the storm may still be on its way.
    await home.clock.advance(60_000);
  }

  /** Nothing happened that never must, and what was acknowledged is in the registry. */
  async demandSafety(): Promise<void> {
    const [violation] = this.#home.host.violations();
    if (violation) demand(false, `${violation.rule}: ${violation.detail}`);
    await this.#wishes.demandKept();
  }

  /** Whom nobody touched still runs, and was started only when the machine was. */
  demandBystanders(): void {
    const { host } = this.#home;
    for (const name of Object.values(bystanders)) {
      const found = host.containers().find((item) => item.name === name);
      demandSame(found?.id, this.#left.get(name), `the id of ${name}, which nobody touched`);
      demandSame(found?.starts, 1 + this.#reboots, `the starts of ${name}, which nobody touched`);
    }
    const stranger = host.engine.find('stranger');
    demandSame([stranger?.id, stranger?.starts], [this.#stranger, 1], 'a stranger');
  }

  async #disturbRuntime(act: Act): Promise<boolean> {
    const { host, clock } = this.#home;
    switch (act.kind) {
      case 'hand':
        this.#interfere(act.action, act.pick);
        return true;
      case 'retag':
        host.hand.retag(act.image);
        return true;
      case 'squat':
        await this.#squat(act.component, act.lengthMs);
        return true;
      case 'occupy-port':
        await this.#occupy(act.port, act.lengthMs);
        return true;
      case 'outage':
        host.setOutage(act.outage);
        await clock.advance(act.lengthMs);
        host.setOutage(null);
        return true;
      case 'fault':
        host.faults.next('any', act.fault, { times: act.times, delayMs: act.delayMs });
        return true;
      case 'events':
        if (act.mishap === 'cut') host.events.cut();
        else if (act.mishap === 'late') host.events.delayMs = 1_000 * act.times;
        else host.events.plan(act.mishap, () => true, act.times);
        return true;
      default:
        return false;
    }
  }

  async #disturbAgent(act: Act): Promise<void> {
    const home = this.#home;
    switch (act.kind) {
      case 'silence':
        home.silentDrivers.add(act.driver);
        await home.clock.advance(act.lengthMs);
        home.silentDrivers.delete(act.driver);
        return;
      case 'storage':
        home.storage.plan(act.trouble, act.times);
        return;
      case 'clock':
        home.clock.stepWallClock(act.byMs);
        return;
      case 'crash':
        home.crash();
        await home.clock.advance(act.lengthMs);
        await this.#startAgain();
        return;
      case 'mishap':
        await this.#mishap(act);
        return;
      case 'reboot':
        home.crash();
        home.host.reboot();
        this.#reboots += 1;
        await home.clock.advance(act.lengthMs);
        await this.#startAgain();
        return;
      default:
    }
  }

  /** A supervisor starts an agent again that could not start for trouble with its disk. */
  async #startAgain(): Promise<void> {
    for (;;) {
      try {
        await this.#home.start();
        return;
      } catch (error) {
        if (!isBerthError(error, 'E_REGISTRY_IO', 'E_REGISTRY_BUSY', 'E_DISK_FULL')) throw error;
        this.#home.crash();
        await this.#home.clock.advance(1_000);
      }
    }
  }

  async #mishap(act: Extract<Act, { readonly kind: 'mishap' }>): Promise<void> {
    const home = this.#home;
    let left = act.after;
    let happened = false;
    home.onEffect = (effect) => {
      if (happened || effect.moment !== momentOf(act.mishap)) return;
      left -= 1;
      if (left >= 0) return;
      happened = true;
      bring(home, act.mishap, effect);
    };
    await home.clock.advance(act.lengthMs);
    home.onEffect = null;
    if (!home.isAlive) await this.#startAgain();
  }

  #interfere(action: HandAction, pick: number): void {
    const { host } = this.#home;
    const running = host.containers().filter((item) => item.state === 'running' && isOfStorm(item));
    const container = running[pick % Math.max(1, running.length)];
    if (!container) return;
    const { id, name, spec } = container;
    const hand = spec.runtime === 'container' ? host.hand : host.machineHand;
    const actions: Readonly<Record<HandAction, () => void>> = {
      kill: () => hand.kill(id),
      terminate: () => hand.kill(id, 'TERM'),
      pause: () => hand.pause(id),
      remove: () => hand.remove(id),
      rename: () => {
        if (!host.engineOf(spec.runtime === 'container' ? 'container' : 'vm').find(`${name}-moved`)) {
          hand.rename(id, `${name}-moved`);
        }
      },
      limits: () => {
        // Nobody can change the limits of a machine.
        if (spec.runtime === 'container') hand.updateLimits(id, 16, 0.1);
      },
      stop: () => void hand.stop(id, 1_000),
      restart: () => {
        hand.kill(id);
        hand.start(id);
      },
    };
    actions[action]();
  }

  async #squat(component: string, lengthMs: number): Promise<void> {
    const { host, clock } = this.#home;
    const name = `${service}-${component}`;
    const wasFree = host.engine.find(name) === undefined;
    if (!wasFree) return;
    const id = host.hand.runForeign(name);
    await clock.advance(lengthMs);
    demandSame(host.engine.find(id)?.starts, 1, `what somebody else runs as ${name}`);
    host.hand.remove(id);
  }

  async #occupy(port: number, lengthMs: number): Promise<void> {
    const { host, clock } = this.#home;
    const text = `127.0.0.1:${String(port)}:80/tcp`;
    try {
      host.hand.occupyPort(text);
    } catch (error) {
      if (isBerthError(error, 'E_PORT_TAKEN')) return;
      throw error;
    }
    await clock.advance(lengthMs);
    host.hand.freePort(text);
  }
}

function isOfStorm(container: Container): boolean {
  return container.spec.labels['berth.service'] === service;
}
