/** A VM's record for tests, with what a test says of it. */
import type { VmRecord } from '../../../src/runtimes/qemu/record.js';

export function vmRecord(words: Partial<VmRecord> = {}): VmRecord {
  return {
    ...{ name: 'shop-web', homeId: 'home', service: 'shop', component: 'web', generation: 3, specHash: 'abc' },
    ...{ version: 1, id: '0123456789ab', runtime: 'microvm', imageDigest: 'sha256:1', imageRef: 'localhost/web:1' },
    createdAtMs: 1_000,
    config: {
      ...{ env: {}, command: [], user: '', ports: [], mounts: [], runtimeEnv: [] },
      image: { env: {}, command: [], user: '' },
    },
    ...{ memoryMb: 96, vcpus: 1, logLimitMb: 50, uid: null, boot: { kind: 'bios' }, disks: [], volumes: [] },
    ...{ mac: '52:54:00:00:00:01', forwards: [] },
    ...words,
  };
}
