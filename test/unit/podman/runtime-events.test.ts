import { describe, expect, it } from 'vitest';
import type { RuntimeEvent } from '../../../src/core/observation.js';
import { defaultEventsFile, followEventsFile } from '../../../src/runtimes/podman/events-file.js';
import { linesOf, withoutRepeats } from '../../../src/runtimes/podman/event-stream.js';
import { readEvent, readFileEvent } from '../../../src/runtimes/podman/runtime-events.js';
import { eventually } from '../../support/eventually.js';
import { createFakeHost } from './fake-host.js';

const id = '469e1d2a25caa05f408e129ef300ad6eb1ff7034e5262837c9f7d9a0e2f155fd';
const owner = { 'berth.owner': 'h', 'berth.service': 'shop', 'berth.component': 'web', 'berth.generation': '2' };
const overApi = JSON.stringify({
  status: 'died',
  id,
  from: 'localhost/shop-web:1.4',
  Type: 'container',
  Action: 'died',
  Actor: { ID: id, Attributes: { ...owner, containerExitCode: '137', name: 'shop-web' } },
  time: 1_795_453_768,
  timeNano: 1_795_453_768_122_140_159,
});
const inFile = (time: string, status = 'died'): string =>
  JSON.stringify({
    ID: id,
    Image: 'localhost/shop-web:1.4',
    Name: 'shop-web',
    Status: status,
    Time: time,
    Type: 'container',
    Attributes: owner,
    ContainerExitCode: 137,
  });

describe('an event', () => {
  const wanted = {
    driver: 'podman',
    action: 'died',
    kind: 'workload',
    nativeId: id,
    name: 'shop-web',
    owner: { homeId: 'h', service: 'shop', component: 'web', generation: 2, specHash: null },
    atMs: 1_795_453_768_122,
    claim: { state: 'exited', exitCode: 137 },
  };

  it('over the API and in the file is the same', () => {
    expect(readEvent('podman', overApi)).toMatchObject(wanted);
    expect(readFileEvent('podman', inFile(new Date(wanted.atMs).toISOString()))).toMatchObject(wanted);
    expect(readEvent('podman', overApi)?.attributes).toMatchObject({ containerExitCode: '137' });
  });

  it('of a pause and of a removal says so by itself, the others do not', () => {
    const claimOf = (status: string): unknown => readFileEvent('podman', inFile('2026-01-01T00:00:00Z', status))?.claim;
    expect(claimOf('pause')).toEqual({ state: 'paused', exitCode: null });
    expect(claimOf('remove')).toEqual({ state: 'gone', exitCode: null });
    expect(claimOf('start')).toBeUndefined();
  });

  it('of an image has its name and no owner', () => {
    const tag = { Type: 'image', Action: 'tag', Actor: { ID: 'abc', Attributes: { name: 'localhost/a:1' } }, time: 2 };
    expect(readEvent('podman', JSON.stringify(tag))).toMatchObject({
      kind: 'image',
      action: 'tag',
      name: 'localhost/a:1',
      owner: null,
      atMs: 2_000,
    });
  });

  it('is left out when it says nothing of containers or images', () => {
    for (const line of [
      '',
      'x',
      '{}',
      '[]',
      overApi.replaceAll('"died"', '"exec"'),
      overApi.replace('"container"', '"volume"'),
    ]) {
      expect(readEvent('podman', line)).toBeUndefined();
    }
  });

  it('is left out when its time is none', () => {
    for (const time of ['', 'yesterday', '2026-13-01T00:00:00Z']) {
      expect(readFileEvent('podman', inFile(time)), time).toBeUndefined();
    }
    for (const nanos of ['1e300', '-1e300']) {
      const line = overApi.replace(/"timeNano":\d+/, `"timeNano":${nanos}`);
      expect(readEvent('podman', line), nanos).toBeUndefined();
    }
  });
});

it('lines are cut anywhere, and the last needs no end', async () => {
  const bytes = Buffer.from('{"a":"ü"}\n\n{"b":1}\nlast');
  async function* single(): AsyncGenerator<Buffer> {
    for (const byte of bytes) yield Buffer.from([byte]);
  }
  const lines: string[] = [];
  for await (const line of linesOf(single())) lines.push(line);
  expect(lines).toEqual(['{"a":"ü"}', '{"b":1}', 'last']);
});

describe('the events file', () => {
  const path = defaultEventsFile(0, {});
  const follow = async (text: string) => {
    const host = createFakeHost({ [path]: text });
    const times: number[] = [];
    const emit = (event: RuntimeEvent | undefined): void => {
      if (event) times.push(event.atMs);
    };
    const stop = await followEventsFile({ driver: 'podman', host, path, emit, sinceMs: 500 });
    const write = (more: string): void => {
      host.files.set(path, more);
      host.touch();
    };
    return { host, times, stop, write };
  };
  const at = (ms: number): string => `${inFile(new Date(ms).toISOString())}\n`;

  it('stands where podman keeps it for root and for others', () => {
    expect(path).toBe('/run/libpod/events/events.log');
    expect(defaultEventsFile(1000, { XDG_RUNTIME_DIR: '/run/user/1000' })).toBe(
      '/run/user/1000/libpod/tmp/events/events.log',
    );
  });

  it('tells what is added, whole lines only', async () => {
    const { times, write } = await follow(at(100));
    const added = `${at(100)}${at(1000)}${at(1001)}`;
    write(added.slice(0, -20));
    await eventually(() => expect(times).toEqual([1000]));
    write(added);
    await eventually(() => expect(times).toEqual([1000, 1001]));
  });

  it('does not tell again what is in the file after a rotation', async () => {
    const { host, times, write } = await follow(at(100));
    write(`${at(100)}${at(1000)}`);
    await eventually(() => expect(times).toEqual([1000]));
    host.inode = 2;
    write(`${at(1000)}${at(1002)}`);
    await eventually(() => expect(times).toEqual([1000, 1002]));
  });

  it('is read on after a line that is none, or has no time', async () => {
    const { times, write } = await follow('');
    const damaged = `${inFile('soon')}\n{"ID":\n`;
    write(damaged);
    write(`${damaged}${at(1000)}`);
    await eventually(() => expect(times).toEqual([1000]));
    write(`${damaged}${at(1000)}${damaged}${at(1001)}`);
    await eventually(() => expect(times).toEqual([1000, 1001]));
  });

  it('is read on in parts that end anywhere, also within a character', async () => {
    const { host, times, write } = await follow('');
    host.partBytes = 7;
    const lines = [1000, 1001, 1002].map((ms) => at(ms).replace('shop-web:1.4', 'grüße-übers-größte-öl'));
    write(lines.join(''));
    await eventually(() => expect(times).toEqual([1000, 1001, 1002]));
  });

  it('is not needed', async () => {
    const host = createFakeHost();
    const stop = await followEventsFile({ driver: 'podman', host, path, emit: () => undefined, sinceMs: 0 });
    stop();
  });
});

describe('events that are told twice', () => {
  it('are handed on once, also when thousands came in between', () => {
    const first = readEvent('podman', overApi);
    const told: RuntimeEvent[] = [];
    const emit = withoutRepeats((event) => told.push(event));
    const all = Array.from({ length: 5_000 }, (_, index) => first && { ...first, atMs: first.atMs + index });
    for (const event of [...all, ...all, undefined]) emit(event);
    expect(told).toEqual(all);
  });
});
