import { expect, test } from 'vitest';
import { startBench } from './support.js';

test('the doctor asks the runtimes what they can do, unless it is told not to', async () => {
  let asked = 0;
  const capabilities = async () => {
    asked += 1;
    return [{ name: 'podman', ok: true, detail: 'here', remedy: null }];
  };
  const bench = await startBench({ driver: { capabilities } });
  await bench.applyShop();
  const mode = { body: { mode: 'observe', message: 'for a look' } };
  expect((await bench.ask('POST', '/v1/components/shop/web/mode', mode)).status).toBe(200);
  const held = expect.objectContaining({
    area: 'holds',
    name: 'shop/web',
    level: 'warning',
    detail: expect.stringMatching(/^reconcile = "observe" since \S+Z by .+: for a look$/) as string,
  }) as unknown;
  const soon = await bench.ask('GET', '/v1/doctor?drivers=false');
  expect(soon.body.checks).toContainEqual(held);
  expect(soon.body.checks).toContainEqual(expect.objectContaining({ area: 'api', name: 'socket' }));
  expect(soon.body.checks).not.toContainEqual(expect.objectContaining({ area: 'podman' }));
  expect(asked).toBe(0);
  const whole = await bench.ask('GET', '/v1/doctor');
  expect(whole.body.checks).toContainEqual(held);
  expect(whole.body.checks).toContainEqual(expect.objectContaining({ area: 'podman', name: 'podman' }));
  expect(asked).toBe(1);
  // What was just told holds for a moment, unless something has changed.
  await bench.ask('POST', '/v1/components/shop/web/mode', { body: { mode: 'auto' } });
  expect((await bench.ask('GET', '/v1/doctor?drivers=false')).body.checks).not.toContainEqual(held);
  expect((await bench.ask('GET', '/v1/doctor?drivers=maybe')).status).toBe(400);
});
