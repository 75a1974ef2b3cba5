import { expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';

it('answers what the check answers once it passes', async () => {
  let tries = 0;
  const answer = await eventually(() => ((tries += 1) < 3 ? null : tries), { everyMs: 1 });
  expect(answer).toBe(3);
});

it('takes a check that answers nothing and does not throw', async () => {
  let tries = 0;
  await eventually(
    () => {
      tries += 1;
      expect(tries).toBeGreaterThan(2);
    },
    { everyMs: 1 },
  );
  expect(tries).toBe(3);
});

it('names what it waited for and the last failure', async () => {
  const failing = eventually(() => Promise.reject(new Error('still raining')), {
    timeoutMs: 5,
    everyMs: 1,
    describe: 'sunshine',
  });
  await expect(failing).rejects.toThrow(/^sunshine: not within 5 ms .*last: still raining$/);
  await expect(eventually(() => false, { timeoutMs: 1, everyMs: 1 })).rejects.toThrow('the check answered false');
});
