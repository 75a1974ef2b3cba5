/** Components with a past, made by the product's own planner; no status is made up. */
import { ToyComponent } from '../support/toy-component.js';

/** A component with a past. What it remembers (failures, heals, a given-up generation) outlives what comes after. */
export interface History {
  readonly name: string;
  readonly make: () => ToyComponent;
}

function young(): ToyComponent {
  const toy = new ToyComponent({ restart: 'on-failure', memoryMb: 64 });
  toy.tags = { 'localhost/web:1': 'sha256:one', 'localhost/web:2': 'sha256:bad' };
  toy.programs = { 'sha256:bad': { exitsWith: 1 } };
  return toy;
}

/** It ran long enough to be good. */
export function proven(): ToyComponent {
  const toy = young();
  toy.pass(2_000);
  return toy;
}

function crashedOnce(): ToyComponent {
  return crashed(proven());
}

/** Paused by somebody and resumed, `times` times. */
export function fought(toy: ToyComponent, times: number): ToyComponent {
  for (let count = 0; count < times; count += 1) {
    if (toy.main) toy.main.state = 'paused';
    toy.settle();
  }
  return toy;
}

/** Its latest generation was given up, and the one before runs. */
function held(): ToyComponent {
  const toy = proven();
  toy.edit({ image: 'localhost/web:2' });
  toy.pass(120_000);
  return toy;
}

/** Its user stopped it. */
export function stopped(toy: ToyComponent): ToyComponent {
  toy.edit(undefined, { desired: 'stopped' });
  toy.settle();
  return toy;
}

/** Stopped by its user, and started by somebody else again and again. */
function startedByHand(times: number): ToyComponent {
  const toy = stopped(proven());
  for (let count = 0; count < times; count += 1) {
    toy.nowMs += 100;
    revive(toy);
    toy.settle();
  }
  return toy;
}

/** Its program has done its work. */
export function completed(toy: ToyComponent): ToyComponent {
  endMain(toy, 0);
  toy.settle();
  return toy;
}

/** The latest generation fails when its workload is made: the one before never stops. */
function refused(): ToyComponent {
  const toy = proven();
  toy.edit({ env: { A: '1' } });
  toy.createFailsWith = 'E_DRIVER_FAILED';
  for (let count = 0; count < 60 && toy.status.reason !== 'PuttingBack'; count += 1) {
    toy.turn();
    toy.nowMs = Math.max(toy.nowMs, toy.status.nextTryAtMs ?? 0);
  }
  toy.createFailsWith = null;
  return toy;
}

/** A machine whose program was never reported started. */
function neverBegan(): ToyComponent {
  const toy = young();
  toy.edit({ runtime: 'microvm', readyTimeoutS: 30 });
  toy.settle();
  toy.nowMs += 30_000;
  return toy;
}

/** A call at its start failed: nothing runs, and the next try is set. */
function failedAtFirst(): ToyComponent {
  const toy = young();
  toy.turn();
  toy.createFailsWith = 'E_DRIVER_FAILED';
  toy.turn();
  toy.createFailsWith = null;
  return toy;
}

export const histories: readonly History[] = [
  { name: 'proven', make: proven },
  { name: 'young', make: young },
  { name: 'crashed once', make: crashedOnce },
  { name: 'put back', make: held },
  { name: 'fought over', make: () => fought(crashedOnce(), 5) },
  { name: 'nearly fought over', make: () => fought(crashedOnce(), 4) },
  { name: 'refused', make: refused },
  { name: 'put back and fought over', make: () => fought(held(), 5) },
  { name: 'started by hand again and again', make: () => startedByHand(5) },
  { name: 'put back, then stopped', make: () => stopped(held()) },
  { name: 'put back, then completed', make: () => completed(held()) },
  { name: 'fought over, then completed', make: () => completed(fought(crashedOnce(), 5)) },
  { name: 'refused, and put back', make: () => settled(refused()) },
  { name: 'put back, then crashed once', make: () => crashed(held()) },
  { name: 'never began', make: neverBegan },
  { name: 'failed at first', make: failedAtFirst },
];

function settled(toy: ToyComponent): ToyComponent {
  toy.settle();
  return toy;
}

/** Its program ended with a failure and was started again at once. */
function crashed(toy: ToyComponent): ToyComponent {
  endMain(toy, 1);
  toy.pass(2_000);
  return toy;
}

/** Its program ends. */
export function endMain(toy: ToyComponent, exitCode: number): void {
  if (toy.main) toy.end(toy.main, exitCode);
}

/** Somebody starts the main workload; a new run has a start of its own. */
export function revive(toy: ToyComponent): void {
  const { main } = toy;
  if (!main) return;
  const startedAtMs = main.state === 'running' ? main.startedAtMs : toy.nowMs;
  Object.assign(main, { state: 'running', startedAtMs, finishedAtMs: null, exitCode: null });
}
