/**
 * The contract of src/core/ports/driver.ts as tests. Every driver passes the same cases; what only its own
 * runtime does belongs into its own tests. All of it runs in real time and waits for conditions.
 */
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { Bench } from './bench.js';
import { agentCases } from './cases/agents.js';
import { callCases } from './cases/calls.js';
import { cancelCases } from './cases/cancel.js';
import { configCases } from './cases/config.js';
import { daemonCases } from './cases/daemon.js';
import { eventCases } from './cases/events.js';
import { imageCases } from './cases/images.js';
import { interferenceCases } from './cases/interference.js';
import { lifeCases } from './cases/life.js';
import { limitCases } from './cases/limits.js';
import { logCases } from './cases/logs.js';
import { makingCases } from './cases/making.js';
import { nameCases } from './cases/names.js';
import { objectCases } from './cases/objects.js';
import { outputCases } from './cases/output.js';
import { ownershipCases } from './cases/ownership.js';
import { portCases } from './cases/ports.js';
import { stormCases } from './cases/storm.js';
import { twiceCases } from './cases/twice.js';
import { canAll, type Can, type Fixture } from './fixture.js';

const groups: Readonly<Record<string, (bench: Bench, can: Can) => void>> = {
  life: lifeCases,
  twice: twiceCases,
  images: imageCases,
  making: makingCases,
  names: nameCases,
  ownership: ownershipCases,
  config: configCases,
  limits: limitCases,
  ports: portCases,
  interference: interferenceCases,
  calls: callCases,
  cancel: cancelCases,
  logs: logCases,
  output: outputCases,
  events: eventCases,
  storm: stormCases,
  objects: objectCases,
  agents: agentCases,
  daemon: daemonCases,
};

/** Registers the suite for one driver. `makeFixture` is called once, before the first case. */
export function describeDriverConformance(name: string, makeFixture: () => Promise<Fixture>, can: Can = canAll): void {
  describe(`driver ${name}`, () => {
    const bench = new Bench();
    beforeAll(async () => {
      bench.use(await makeFixture());
    });
    afterEach(() => bench.sweep());
    afterAll(() => bench.finish());
    for (const [group, register] of Object.entries(groups)) {
      describe(group, () => {
        register(bench, can);
      });
    }
  });
}
