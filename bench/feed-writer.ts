/** Another process with the same registry: edits when told to, and says when, by the clock that all processes share. */
import { openRegistry } from '../src/registry/index.js';
import { realChance, realClock } from '../test/support/real-clock.js';
import { sharedNowMs } from './cpu.js';
import { benchContext, idle } from './real-core.js';

const [path = ''] = process.argv.slice(2);
const registry = await openRegistry({ path, clock: realClock, chance: realChance });

process.on('message', (memoryMb: number) => {
  void (async () => {
    const issuedMs = sharedNowMs();
    const spec = idle('c', memoryMb);
    await registry.change([{ kind: 'put-component', service: 's', spec, source: null }], benchContext);
    process.send?.({ issuedMs, acknowledgedMs: sharedNowMs() });
  })();
});
process.on('disconnect', () => {
  void registry.close();
});
process.send?.('ready');
