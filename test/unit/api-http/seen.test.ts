/** A plan that was looked at is carried out as it was shown, or not at all. */
import { describe, expect, it } from 'vitest';
import { shopText, startBench, up, type Answer, type Bench } from './support.js';

const withMemory = (memoryMb: number): string => shopText.replace('memory_mb = 128', `memory_mb = ${memoryMb}`);

async function shop(): Promise<Bench> {
  const bench = await startBench();
  await bench.applyShop();
  return bench;
}

const put = (bench: Bench, text: string): Promise<Answer> => bench.ask('PUT', '/v1/services/shop', { body: { text } });
const rollBack = (bench: Bench, body: object): Promise<Answer> =>
  bench.ask('POST', '/v1/services/shop/rollback', { body });
const accept = (bench: Bench, body: object): Promise<Answer> =>
  bench.ask('POST', '/v1/components/shop/web/accept', { body });

/** What a plan says to send along. */
async function planned(answer: Promise<Answer>) {
  return (await answer).body as unknown as { to: number; base: object; observed: Readonly<Record<string, string>> };
}

async function memoryOf(bench: Bench): Promise<number | null | undefined> {
  return (await bench.registry.component({ service: 'shop', component: 'web' }))?.spec.memoryMb;
}

function drift(field: string, desired: string, observed: string) {
  return { field, desired, observed, sinceMs: 1_000, evidence: 'seen', action: 'is put back' };
}

function expectRefused({ status, body }: Answer): void {
  expect({ status, code: body.code }).toEqual({ status: 412, code: 'E_CONFLICT' });
  expect(body.suggestion).not.toBe('');
}

describe('a rollback', () => {
  it('is carried out when the service is as its plan was made from', async () => {
    const bench = await shop();
    await put(bench, withMemory(256));
    const { to, base } = await planned(rollBack(bench, { dryRun: true }));
    expect((await rollBack(bench, { to, base })).body).toMatchObject({ changed: true, to });
    expect(await memoryOf(bench)).toBe(128);
  });

  it('undoes no change that its plan did not show', async () => {
    const bench = await shop();
    await put(bench, withMemory(256));
    const { to, base } = await planned(rollBack(bench, { dryRun: true }));
    await put(bench, withMemory(512));
    expectRefused(await rollBack(bench, { to, base }));
    expect(await memoryOf(bench)).toBe(512);
    expect((await rollBack(bench, { to })).body).toMatchObject({ changed: true });
    expect(await memoryOf(bench)).toBe(128);
  });

  it('undoes no component that was added, and none that was removed', async () => {
    const bench = await shop();
    await put(bench, withMemory(256));
    const { to, base } = await planned(rollBack(bench, { dryRun: true }));
    await put(bench, `${withMemory(256)}\n[[components]]\nname = "mail"\nimage = "localhost/mail:1"\n`);
    expectRefused(await rollBack(bench, { to, base }));
    const more = await planned(rollBack(bench, { to, dryRun: true }));
    await put(bench, withMemory(256));
    expectRefused(await rollBack(bench, { to, base: more.base }));
    expect(await memoryOf(bench)).toBe(256);
  });
});

describe('a service that is being deleted', () => {
  it('is made anew by whoever asks that there be none', async () => {
    const bench = await shop();
    await bench.ask('DELETE', '/v1/services/shop');
    const headers = { 'if-none-match': '*' };
    const answer = await bench.ask('PUT', '/v1/services/shop', { body: { text: shopText }, headers });
    expect(answer).toMatchObject({ body: { changed: true } });
    expect(answer.status).toBeLessThan(300);
  });
});

describe('drift', () => {
  const fields = ['memory_mb'];

  it('is accepted when it is as its plan was made from', async () => {
    const bench = await shop();
    await bench.observe('shop/web', { ...up, drift: [drift('memory_mb', '128 MiB', '16 MiB')] });
    const { base, observed } = await planned(accept(bench, { fields, dryRun: true }));
    expect(observed).toEqual({ memory_mb: '16 MiB' });
    expect((await accept(bench, { fields, base, observed })).body).toMatchObject({ changed: true });
    expect(await memoryOf(bench)).toBe(16);
  });

  it('is not accepted when something else is observed by now', async () => {
    const bench = await shop();
    await bench.observe('shop/web', { ...up, drift: [drift('memory_mb', '128 MiB', '16 MiB')] });
    const { base, observed } = await planned(accept(bench, { fields, dryRun: true }));
    await bench.observe('shop/web', { ...up, drift: [drift('memory_mb', '128 MiB', '8 MiB')] });
    expectRefused(await accept(bench, { fields, base, observed }));
    expectRefused(await accept(bench, { fields, observed }));
    expect(await memoryOf(bench)).toBe(128);
    expect((await accept(bench, { fields })).body).toMatchObject({ changed: true });
    expect(await memoryOf(bench)).toBe(8);
  });

  it('is not accepted when the service was changed since', async () => {
    const bench = await shop();
    await bench.observe('shop/web', { ...up, drift: [drift('memory_mb', '128 MiB', '16 MiB')] });
    const { base, observed } = await planned(accept(bench, { fields, dryRun: true }));
    await put(bench, withMemory(256));
    await bench.observe('shop/web', { ...up, drift: [drift('memory_mb', '256 MiB', '16 MiB')] });
    expectRefused(await accept(bench, { fields, base, observed }));
    expect(await memoryOf(bench)).toBe(256);
  });

  it('is not accepted before anybody looked at the last edit', async () => {
    const bench = await shop();
    await bench.observe('shop/web', { ...up, drift: [drift('memory_mb', '128 MiB', '16 MiB')] });
    await put(bench, withMemory(256));
    // Nothing was sent along that it could differ from.
    expect(await accept(bench, { fields })).toMatchObject({ status: 409, body: { code: 'E_CONFLICT' } });
    expect(await memoryOf(bench)).toBe(256);
  });

  it('tells no secret of what is observed', async () => {
    const bench = await shop();
    await bench.observe('shop/web', { ...up, drift: [drift('env.API_TOKEN', '"hush-hush"', '"hush-hush2"')] });
    const plan = await planned(accept(bench, { fields: ['env.API_TOKEN'], dryRun: true }));
    expect(Object.keys(plan.observed)).toEqual(['env.API_TOKEN']);
    expect(JSON.stringify(plan)).not.toContain('hush-hush');
  });
});
