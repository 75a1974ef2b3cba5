import { describe, expect, it } from 'vitest';
import { componentDefaults } from '../../../src/core/spec.js';
import type { CreateRequest } from '../../../src/core/ports/driver.js';
import { createBody, objectsOfRequest, updateBody } from '../../../src/runtimes/podman/create-body.js';

const homeId = '11111111-1111-4111-8111-111111111111';
const request: CreateRequest = {
  service: 'shop',
  spec: {
    ...componentDefaults,
    name: 'web',
    image: 'localhost/shop-web:1.4',
    memoryMb: 64,
    vcpus: 0.5,
    ports: ['8080:80', '127.0.0.1:5353:53/udp'],
    volumes: ['data:/data', 'data:/again:ro', '/srv/files:/files:ro'],
  },
  role: 'next',
  generation: 7,
  specHash: 'abc',
  imageDigest: `sha256:${'0'.repeat(64)}`,
  env: { A: '1' },
};
const plain = { ociRuntime: null, ulimits: [] };

describe('the body of a create', () => {
  it('pins the image by id and keeps the reference in a label', () => {
    expect(createBody(homeId, 'p-', request, plain)).toMatchObject({
      name: 'p-shop-web.next',
      image: '0'.repeat(64),
      hostname: 'web',
      restart_policy: 'no',
      stop_timeout: 10,
      env: { A: '1' },
      netns: { nsmode: 'bridge' },
      networks: { 'berth-11111111.shop': { aliases: ['web'] } },
      log_configuration: { driver: 'k8s-file', size: 50 * 1024 * 1024 },
      labels: {
        'berth.owner': homeId,
        'berth.service': 'shop',
        'berth.component': 'web',
        'berth.generation': '7',
        'berth.spec-hash': 'abc',
        'berth.image': 'localhost/shop-web:1.4',
      },
    });
  });

  it('carries limits, ports and volumes', () => {
    expect(createBody(homeId, '', request, plain)).toMatchObject({
      resource_limits: { memory: { limit: 67_108_864 }, cpu: { quota: 50_000, period: 100_000 } },
      portmappings: [
        { host_ip: '0.0.0.0', host_port: 8080, container_port: 80, protocol: 'tcp' },
        { host_ip: '127.0.0.1', host_port: 5353, container_port: 53, protocol: 'udp' },
      ],
      volumes: [
        { Name: 'berth-11111111.shop.data', Dest: '/data', Options: ['rw'] },
        { Name: 'berth-11111111.shop.data', Dest: '/again', Options: ['ro'] },
      ],
      mounts: [{ type: 'bind', source: '/srv/files', destination: '/files', options: ['ro', 'rbind'] }],
    });
  });

  it('says nothing of what the definition leaves to the image or to podman', () => {
    const spec = { ...componentDefaults, name: 'web', image: 'localhost/shop-web:1.4' };
    const body = createBody(homeId, '', { ...request, spec }, plain);
    for (const key of ['command', 'user', 'r_limits', 'oci_runtime']) expect(body).not.toHaveProperty(key);
    expect(body['resource_limits']).toEqual({});
  });

  it('passes what the host needs', () => {
    const ulimits = [{ type: 'NOFILE', soft: 1024, hard: 20_000 }];
    expect(createBody(homeId, '', request, { ociRuntime: 'runc', ulimits })).toMatchObject({
      oci_runtime: 'runc',
      r_limits: ulimits,
    });
  });
});

it('a request needs its network and each named volume once', () => {
  expect(objectsOfRequest('podman', homeId, request).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'network berth-11111111.shop',
    'volume berth-11111111.shop.data',
  ]);
});

it('an update sets memory and swap together, and lifts with -1', () => {
  expect(updateBody({ memoryMb: 64, vcpus: 1.5 })).toEqual({
    memory: { limit: 67_108_864, swap: 134_217_728 },
    cpu: { quota: 150_000, period: 100_000 },
  });
  expect(updateBody({ memoryMb: null, vcpus: null })).toEqual({
    memory: { limit: -1, swap: -1 },
    cpu: { quota: -1, period: 100_000 },
  });
});
