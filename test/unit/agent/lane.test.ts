import { expect, test } from 'vitest';
import { Lane, NoAnswer } from '../../../src/agent/lane.js';
import { createVirtualClock } from '../../../src/simulation/virtual-clock.js';

const deadlineMs = 1_000;

/** A lane, and looks at paths that answer when they are told to. */
function makeBench(width?: number) {
  const clock = createVirtualClock();
  const lane = new Lane({ clock, deadlineMs, ...(width === undefined ? {} : { width }) });
  const begun: string[] = [];
  const answers = new Map<string, (value: string) => void>();
  const look = (path: string): Promise<string> => {
    const answer = lane.look(path, () => {
      begun.push(path);
      return new Promise<string>((resolve) => answers.set(path, resolve));
    });
    // Whoever looks at it awaits it later.
    answer.catch(() => undefined);
    return answer;
  };
  const answer = async (path: string): Promise<void> => {
    answers.get(path)?.(`of ${path}`);
    await clock.flush();
  };
  return { clock, begun, look, answer };
}

test('while one look has no answer nothing else is begun, until it has', async () => {
  const { clock, begun, look, answer } = makeBench();
  const hanging = look('/far/a');
  await clock.advance(deadlineMs);
  await expect(hanging).rejects.toThrow('/far/a did not answer within 1 s');
  await expect(look('/near/b')).rejects.toThrow('not looked at: /far/a does not answer');
  await expect(look('/near/b')).rejects.toBeInstanceOf(NoAnswer);
  expect(begun).toEqual(['/far/a']);
  await answer('/far/a');
  const next = look('/near/b');
  await answer('/near/b');
  expect(await next).toBe('of /near/b');
  expect(clock.pendingTimers()).toBe(0);
});

test('waiting for a turn does not count: many looks that each answer in time all answer', async () => {
  const { clock, look, answer } = makeBench();
  const paths = ['/a/1', '/a/2', '/b/3', '/b/4', '/c/5'];
  const looks = paths.map(look);
  for (const path of paths) {
    await clock.advance(deadlineMs - 100);
    await answer(path);
  }
  expect(await Promise.all(looks)).toEqual(paths.map((path) => `of ${path}`));
});

test('whoever waits behind one that does not answer is told at once which one', async () => {
  const { clock, begun, look } = makeBench();
  const [first, ...behind] = ['/far/a', '/near/b', '/near/c'].map(look);
  await clock.advance(deadlineMs);
  await expect(first).rejects.toThrow('/far/a did not answer');
  for (const one of behind) await expect(one).rejects.toThrow('not looked at: /far/a does not answer');
  expect(begun).toEqual(['/far/a']);
});

test('a wider one goes on beside a folder that hangs, and asks it no more; not beside as many as it is wide', async () => {
  const { clock, begun, look, answer } = makeBench(2);
  const hanging = [look('/far/a'), look('/far/b')];
  await clock.advance(deadlineMs);
  for (const one of [...hanging, look('/far/c')]) await expect(one).rejects.toThrow('/far/a d');
  const near = look('/near/d');
  await answer('/near/d');
  expect(await near).toBe('of /near/d');
  const second = look('/off/e');
  const waiting = look('/near/f');
  await clock.advance(deadlineMs);
  await expect(second).rejects.toThrow('/off/e did not answer');
  await expect(waiting).rejects.toThrow('not looked at: /far/a does not answer');
  expect(begun).toEqual(['/far/a', '/near/d', '/off/e']);
  await answer('/off/e');
  const again = look('/near/f');
  await answer('/near/f');
  expect(await again).toBe('of /near/f');
});
