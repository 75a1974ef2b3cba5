import { expect, it } from 'vitest';
import { EventBus } from '../../../src/runtimes/qemu/bus.js';

it('lets go of whoever stops listening in the moment in which it begins', async () => {
  const life = new AbortController();
  const sink = { onEvent: () => undefined, onConnected: () => life.abort(), onLost: () => undefined };
  await new EventBus('qemu').follow(sink, life.signal);
  const other = new AbortController();
  const following = new EventBus('qemu').follow({ ...sink, onConnected: () => undefined }, other.signal);
  other.abort();
  await following;
  expect(other.signal.aborted).toBe(true);
});
