import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { hearUnheard } from '../../../src/agent/unheard.js';

it('a failure that nobody waits for is logged with its place, until it is taken back', () => {
  const [process, lines] = [new EventEmitter(), [] as unknown[]];
  const stop = hearUnheard(process, { error: (...line: unknown[]) => lines.push(line) });
  process.emit('unhandledRejection', new Error('no one was there'));
  process.emit('unhandledRejection', 'not even an error');
  const words = expect.stringContaining('nobody waited') as unknown;
  expect(lines).toEqual([
    [{ err: 'no one was there', stack: expect.stringContaining('unheard.test') as unknown }, words],
    [{ err: 'not even an error', stack: undefined }, words],
  ]);
  stop();
  expect(process.listenerCount('unhandledRejection')).toBe(0);
});
