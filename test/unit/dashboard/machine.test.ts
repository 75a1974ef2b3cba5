import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import { componentMachine } from '../../../reconcilers/component/machine.js';
import { machineModule } from '../../../scripts/lib/machine-diagram.mjs';
import { phases as corePhases, type Phase } from '../../../src/core/status.js';
import { anytimePhases, phases, ways } from '../../../src/dashboard/model/machine.js';
import { box, curve, drawing, middleOf, nextOf, pathOf } from '../../../src/dashboard/model/machine-drawing.js';
import { root } from '../../support/test-home.js';
import { eventOf } from './views.js';

describe('the drawn machine', () => {
  it('is the machine as it is (if not: npm run diagram)', async () => {
    const path = join(root, 'src/dashboard/model/machine.ts');
    const made = await format(machineModule(componentMachine.states), {
      ...(await resolveConfig(path)),
      parser: 'typescript',
    });
    expect(readFileSync(path, 'utf8')).toBe(made);
  });

  it('has every phase, each in a place of its own inside of the drawing', () => {
    expect(phases).toEqual(corePhases);
    for (const a of phases) {
      const { x, y } = middleOf(a);
      expect(x - box.width / 2).toBeGreaterThanOrEqual(0);
      expect(x + box.width / 2).toBeLessThanOrEqual(drawing.width);
      expect(y - box.height / 2).toBeGreaterThanOrEqual(0);
      expect(y + box.height / 2).toBeLessThanOrEqual(drawing.height);
      for (const b of phases.filter((other) => other !== a)) {
        const other = middleOf(b);
        const apart = Math.abs(other.x - x) >= box.width || Math.abs(other.y - y) >= box.height;
        expect(apart, `${a} and ${b}`).toBe(true);
      }
    }
  });

  it('has a line for each way, there another than back', () => {
    for (const { from, to } of ways) {
      expect(curve(from, to)).toMatch(/^M[\d.,-]+Q[\d.,-]+ [\d.,-]+$/);
      expect(curve(from, to)).not.toBe(curve(to, from));
    }
  });

  it('knows what may come next', () => {
    expect(nextOf('stopped').map(({ to }) => to)).toContain('starting');
    expect(anytimePhases).toContain('unknown');
  });
});

describe('the path of a component', () => {
  it('is told by events before the page watched, and seen from then on', () => {
    const events = [
      eventOf(1, { reason: 'Created' }),
      eventOf(2, { reason: 'Started' }),
      eventOf(3, { reason: 'DriftDetected' }),
      eventOf(9, { reason: 'BackOff' }),
    ];
    const trail: readonly { phase: Phase; atMs: number }[] = [
      { phase: 'running', atMs: 1_005_000 },
      { phase: 'backoff', atMs: 1_009_000 },
    ];
    expect(pathOf(events, trail, 'backoff').map(({ phase }) => phase)).toEqual([
      'creating',
      'starting',
      'running',
      'backoff',
    ]);
  });

  it('ends where the component is, and does not grow without end', () => {
    const events = Array.from({ length: 50 }, (_, index) =>
      eventOf(index, { reason: index % 2 === 0 ? 'Restarted' : 'BackOff' }),
    );
    const path = pathOf(events, [], 'running');
    expect(path.at(-1)?.phase).toBe('running');
    expect(path.length).toBeLessThan(10);
    expect(pathOf([], [], 'pending').map(({ phase }) => phase)).toEqual(['pending']);
  });
});
