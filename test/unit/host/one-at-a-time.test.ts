import { expect, it } from 'vitest';
import { oneAtATime } from '../../../src/runtimes/host/one-at-a-time.js';

interface Run {
  readonly end: (error?: Error) => void;
}

/** A task whose runs end when they are told to. */
function makeTask() {
  const runs: Run[] = [];
  const state = { running: 0, most: 0 };
  const ask = oneAtATime(async () => {
    state.running += 1;
    state.most = Math.max(state.most, state.running);
    await new Promise<void>((resolve, reject) => {
      const end = (error?: Error): void => (error ? reject(error) : resolve());
      runs.push({ end });
    }).finally(() => {
      state.running -= 1;
    });
  });
  return { ask, runs, state };
}

const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

it('runs at once when nothing runs, and again afterwards for all who asked meanwhile', async () => {
  const { ask, runs, state } = makeTask();
  const first = ask();
  const late = [ask(), ask(), ask()];
  expect(runs).toHaveLength(1);
  runs[0]!.end();
  await first;
  await settle();
  expect(runs).toHaveLength(2);
  const later = ask();
  runs[1]!.end();
  await Promise.all(late);
  await settle();
  expect(runs).toHaveLength(3);
  runs[2]!.end();
  await later;
  expect(state.most).toBe(1);
  const idle = ask();
  runs[3]!.end();
  await idle;
  expect(runs).toHaveLength(4);
});

it('tells a failure to those who asked for that run, and goes on', async () => {
  const { ask, runs } = makeTask();
  const first = ask();
  const second = ask();
  runs[0]!.end(new Error('disk'));
  await expect(first).rejects.toThrow('disk');
  await settle();
  runs[1]!.end();
  await second;
});

it('never runs twice at a time, whoever asks in the moment between two runs', async () => {
  const { ask, runs, state } = makeTask();
  const asked: Promise<void>[] = [];
  for (let count = 0; count < 50; count += 1) {
    asked.push(ask());
    // In each of the turns between the end of a run and the beginning of the next.
    if (count % 3 === 0) runs.at(-1)!.end();
    for (let turn = 0; turn < count % 7; turn += 1) await Promise.resolve();
  }
  while (state.running > 0) {
    runs.at(-1)!.end();
    await settle();
  }
  await Promise.all(asked);
  expect(state.most).toBe(1);
});
