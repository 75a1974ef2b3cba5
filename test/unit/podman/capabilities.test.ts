import { describe, expect, it } from 'vitest';
import { capabilitiesOf, isSupportedVersion, type CapabilityFacts } from '../../../src/runtimes/podman/capabilities.js';
import { infoSchema } from '../../../src/runtimes/podman/wire.js';
import { fixture } from './fixtures.js';

const facts: CapabilityFacts = {
  info: infoSchema.parse(fixture('info.json')),
  socket: '/var/lib/berth/podman/podman.sock',
  service: 'own',
  layout: 'hybrid',
  defaults: { ociRuntime: 'runc', ulimits: [{ type: 'NOFILE', soft: 1024, hard: 20_000 }] },
  hasDns: true,
};
const find = (changed: Partial<CapabilityFacts>, name: string) =>
  capabilitiesOf({ ...facts, ...changed }).find((capability) => capability.name === name);

describe('capabilities', () => {
  it('of a host that works are all there, and say how', () => {
    const all = capabilitiesOf(facts);
    expect(all.every(({ ok, remedy }) => ok && remedy === null)).toBe(true);
    expect(find({}, 'podman')?.detail).toContain('4.3.1');
    expect(find({}, 'oci-runtime')?.detail).toContain('runc');
    expect(find({}, 'ulimits')?.detail).toContain('nofile=1024:20000');
  });

  it('name the remedy for what is missing', () => {
    const { host } = facts.info;
    const withHost = (changed: Partial<typeof host>) => ({ info: { ...facts.info, host: { ...host, ...changed } } });
    const crun = { ...withHost({ ociRuntime: { name: 'crun' } }), defaults: { ociRuntime: null, ulimits: [] } };
    const rootless = withHost({ security: { rootless: true }, cgroupControllers: ['pids'] });
    expect(find({ hasDns: false }, 'network')?.remedy).toContain('aardvark-dns');
    expect(find(crun, 'oci-runtime')?.remedy).toContain('runc');
    expect(find({ ...rootless, layout: 'v2' }, 'limits.memory')?.remedy).toContain('Delegate');
  });

  it.each([
    ['4.3.1', true],
    ['5.0.0', true],
    ['4.2.9', false],
    ['3.4.4', false],
    ['unknown', false],
  ])('podman %s: %s', (version, wanted) => {
    expect(isSupportedVersion(version)).toBe(wanted);
  });
});
