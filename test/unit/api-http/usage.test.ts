/** What a component uses, over HTTP. */
import { describe, expect, it } from 'vitest';
import { readUsage } from '../../../src/api/usage.js';
import type { LocalClientPorts } from '../../../src/api/ports.js';
import type { UsageView } from '../../../src/core/ports/usage.js';
import { vmDefaults } from '../../../src/core/spec.js';
import { usageStepMs, usageStepOf, type UsageBucket } from '../../../src/core/usage.js';
import { cli, put, spec } from '../registry/support.js';
import { startBench } from './support.js';

const web = { service: 'shop', component: 'web' };
const mebibyte = 1_048_576;
const bucket = (atMs: number, more: Partial<UsageBucket> = {}): UsageBucket => ({
  atMs,
  memoryBytes: 64 * mebibyte,
  memoryPeakBytes: 80 * mebibyte,
  cpuPercent: 7,
  samples: 10,
  ...more,
});

describe('usage', () => {
  it('is answered with the limit, the newest look, and a point for each step that is known', async () => {
    const bench = await startBench();
    await bench.applyShop();
    const step = usageStepOf(Date.now());
    const steps = [bucket(step - 3 * usageStepMs), bucket(step - usageStepMs, { cpuPercent: null })];
    await bench.registry.addUsage(steps.map((one) => ({ ...one, key: web })));
    const { status, body } = await bench.ask('GET', '/v1/components/shop/web/usage', {
      token: await bench.token('default'),
    });
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        ...web,
        stepS: 300,
        memoryLimitMb: 128,
        now: { at: '2026-01-31T12:02:00.000Z', memoryMb: 96, cpuPercent: 12.34 },
        points: [
          { at: new Date(step - 3 * usageStepMs).toISOString(), memoryMb: 64, memoryPeakMb: 80, cpuPercent: 7 },
          { at: new Date(step - usageStepMs).toISOString(), memoryMb: 64, memoryPeakMb: 80, cpuPercent: null },
        ],
      },
    });
  });

  it('of a component without limit and figures is empty; of none is refused', async () => {
    const bench = await startBench();
    await bench.applyShop();
    const { body } = await bench.ask('GET', '/v1/components/shop/db/usage');
    expect(body).toMatchObject({ memoryLimitMb: null, now: null, points: [] });
    expect((await bench.ask('GET', '/v1/components/shop/wbe/usage')).status).toBe(404);
  });

  it('has the limit in force, also where the definition names none', async () => {
    const bench = await startBench();
    await bench.applyShop();
    await bench.registry.change([put('shop', spec('vm', { runtime: 'microvm' }))], cli);
    const { body } = await bench.ask('GET', '/v1/components/shop/vm/usage');
    expect(body).toMatchObject({ memoryLimitMb: vmDefaults.memoryMb });
  });

  it('puts what is seen of a step with what was written of it', async () => {
    const bench = await startBench();
    await bench.applyShop();
    const step = usageStepOf(Date.now());
    await bench.registry.addUsage([{ ...bucket(step, { cpuPercent: 10 }), key: web }]);
    const usage: UsageView = {
      now: () => undefined,
      unwritten: () => [bucket(step, { memoryBytes: 128 * mebibyte, cpuPercent: 50, samples: 30 })],
      all: () => [],
    };
    const ports = { registry: bench.registry, usage } as Partial<LocalClientPorts> as LocalClientPorts;
    expect((await readUsage(ports, web)).points).toMatchObject([{ memoryMb: 112, memoryPeakMb: 80, cpuPercent: 40 }]);
  });

  it('is among the metrics while a component runs', async () => {
    const page = (await (await startBench()).ask('GET', '/metrics')).text;
    expect(page).toContain(`berth_component_memory_bytes{service="shop",component="web"} ${96 * mebibyte}`);
    expect(page).toContain('berth_component_cpu_seconds{service="shop",component="web"} 61.5');
  });
});
