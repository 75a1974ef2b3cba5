import { describe, expect, it } from 'vitest';
import { readConsole, readConsoleLine, readExitCode } from '../../../../src/runtimes/qemu/unikernel/console.js';

describe('the console of Nanos', () => {
  it('says when the guest has its address, whatever the program wrote before on the line', () => {
    expect(readConsole('[0.511016] en1: assigned 10.0.2.15\r\nhello from program, argc=1\nlistening\n')).toEqual([
      { kind: 'network', address: '10.0.2.15' },
    ]);
    expect(readConsoleLine('no line end[0.511016] en1: assigned 10.0.2.15')).toEqual({
      kind: 'network',
      address: '10.0.2.15',
    });
  });

  it('is not ready by an IPv6 address, which comes by itself', () => {
    expect(readConsoleLine('[2.400770] en1: assigned FE80::5054:FF:FE12:3456')).toBeUndefined();
  });

  it.each([
    [
      'program startup failed on exec: (result:unable to open program file /nothere)',
      'the image has no program /nothere',
    ],
    [
      "program startup failed on exec: (result:couldn't find program interpreter /lib64/ld-linux-x86-64.so.2)",
      'the image has no dynamic loader /lib64/ld-linux-x86-64.so.2',
    ],
    [
      'program startup failed on exec: (down:(result:1) result:failed to read elf file)',
      'the program cannot be read: the disk is damaged or cut short',
    ],
    ['program startup failed before exec: (result:odd)', 'the program could not be started: (result:odd)'],
    ['create_init: out of memory', 'the guest ran out of memory'],
    ['multiple root filesystems found', 'the disk has more than one root file system'],
  ])('says what is wrong: %s', (line, message) => {
    expect(readConsoleLine(line)).toEqual({ kind: 'failed', message });
  });

  it.each(['', 'listening on 8080', 'my server ran out of memory once', 'assigned 10.0.2.15', '[x] en1: assigned 1'])(
    'leaves the program its own words: %s',
    (line) => {
      expect(readConsoleLine(line)).toBeUndefined();
    },
  );
});

describe('the debug port', () => {
  it('holds the exit code of the last run', () => {
    expect(readExitCode(Uint8Array.from([3]))).toBe(3);
    expect(readExitCode(Uint8Array.from([3, 0]))).toBe(0);
    expect(readExitCode(new Uint8Array())).toBeUndefined();
  });
});
