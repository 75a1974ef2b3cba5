/** What came of a step until it is written: with the next decision, or alone, and never over a newer spec. */
import { describe, expect, it } from 'vitest';
import { Unwritten } from '../../../src/controller/unwritten.js';
import type { ComponentRecord, Registry, StatusUpdate } from '../../../src/core/ports/registry.js';
import { initialStatus } from '../../../src/core/status.js';

const context = { actor: 'agent', request: null, message: null };
const key = { service: 'shop', component: 'web' };
const event = { ...key, severity: 'info', reason: 'Started', message: 'its workload is started' } as const;
const outcome = { key, generation: 4, status: { ...initialStatus, restarts: 1 }, events: [event] };
const record = { key, generation: 4, status: initialStatus } as unknown as ComponentRecord;

function make() {
  const written: StatusUpdate[] = [];
  const registry: Pick<Registry, 'updateStatus'> = {
    updateStatus: (updates) => {
      written.push(...updates);
      return Promise.resolve(5);
    },
  };
  return { unwritten: new Unwritten(registry as Registry, context), written };
}

describe('what came of a step', () => {
  it('counts for the next decision, which writes it', async () => {
    const { unwritten, written } = make();
    expect(await unwritten.over(record)).toBe(record);
    unwritten.keep(outcome);
    expect(await unwritten.over(record)).toEqual({ ...record, status: outcome.status });
    expect(unwritten.take()).toEqual([event]);
    expect(unwritten.take()).toBeUndefined();
    await unwritten.write();
    expect(written).toEqual([]);
  });

  it('is written alone, once, when no decision comes', async () => {
    const { unwritten, written } = make();
    unwritten.keep(outcome);
    await unwritten.write();
    await unwritten.write();
    expect(written).toEqual([outcome]);
    expect(await unwritten.over(record)).toBe(record);
  });

  it('is no part of a decision on a newer spec, and left to the registry to refuse', async () => {
    const { unwritten, written } = make();
    unwritten.keep(outcome);
    const edited = { ...record, generation: 6 };
    expect(await unwritten.over(edited)).toBe(edited);
    expect(written).toEqual([outcome]);
    expect(unwritten.take()).toBeUndefined();
  });
});
