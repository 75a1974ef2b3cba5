/** Writes to a registry until it is killed, and says of each write when it is done. Run by killed-writer.test.ts. */
import { writeSync } from 'node:fs';
import { openRegistry } from '../../../src/registry/index.js';
import { realChance, realClock } from '../../support/real-clock.js';
import type { Change } from '../../../src/core/ports/registry.js';
import { componentDefaults, type ComponentSpec } from '../../../src/core/spec.js';

const [path = '', from = '0'] = process.argv.slice(2);
const registry = await openRegistry({ path, clock: realClock, chance: realChance, create: true });

/** Waits while whoever reads is slow: what waited in this process would be lost with it. */
const say = (what: string): void => {
  writeSync(1, `${what}\n`);
};

const put = (name: string, memoryMb: number): Change => {
  const spec: ComponentSpec = { ...componentDefaults, name, image: 'localhost/test:1', memoryMb };
  return { kind: 'put-component', service: 'shop', spec, source: null };
};

say('open');
for (let number = Number(from); ; number += 1) {
  const name = `c${number}`;
  const key = { service: 'shop', component: name };
  const context = { actor: 'cli:writer', request: String(number), message: null };
  const generation = await registry.change([put(name, 64), put('web', number + 64)], context);
  say(`change ${number}`);
  const event = { ...key, severity: 'info', reason: 'Started', message: name } as const;
  await registry.updateStatus([{ key, generation, events: [event] }], context);
  say(`event ${number}`);
  await registry.recordIntents([{ driver: 'podman', kind: 'container', name, ...key, generation }]);
  say(`intent ${number}`);
}
