/**
 * Each scenario with one mishap at each effect of the agent, every one of them: it dies before the effect, it dies
 * after it, the effect happens and its answer is lost, the effect is refused. All must come to the same end; see src/simulation/sweep.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRegistryImage } from '../../src/simulation/registry-image.js';
import type { Scenario } from '../../src/simulation/scenario.js';
import { mishaps, runScenario } from '../../src/simulation/sweep.js';

/** Declares a test for each scenario; says at the end how many mishaps there were, in words that begin with `name`. */
export function sweepAll(name: string, scenarios: readonly Scenario[]): void {
  let image: Uint8Array;
  let covered = 0;
  let effectsInAll = 0;

  beforeAll(async () => {
    image = await makeRegistryImage();
  });

  describe.each(scenarios)('$name', (scenario) => {
    it('ends well in peace and whatever goes wrong at any effect', async () => {
      const { effects } = await runScenario(scenario, { image });
      expect(effects.length).toBeGreaterThan(0);
      effectsInAll += effects.length;
      for (const [index, what] of effects.entries()) {
        for (const mishap of mishaps) {
          const place = `${mishap} at effect ${index + 1} of ${effects.length}, ${what}`;
          await runScenario(scenario, { image, mishap: { effect: index + 1, mishap } }).catch((error: unknown) => {
            throw new Error(place, { cause: error });
          });
          covered += 1;
        }
      }
    });
  });

  afterAll(() => {
    const of = `${effectsInAll} effects of ${scenarios.length} scenarios`;
    process.stdout.write(`crash sweep, ${name}: ${covered} mishaps, ${mishaps.length} at each of ${of}\n`);
  });
}
