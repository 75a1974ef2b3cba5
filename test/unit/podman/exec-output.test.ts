/** What is kept of a command's output. */
import { describe, expect, it } from 'vitest';
import { ExecOutput, keptExecBytes } from '../../../src/runtimes/podman/exec-output.js';

const frame = (stream: 'stdout' | 'stderr', text: string) => ({ stream, payload: Buffer.from(text) });

describe('the output of a command', () => {
  it('is whole when there is little of it', () => {
    const output = new ExecOutput();
    for (const text of ['a', 'ü', '']) output.add(frame('stdout', text));
    output.add(frame('stderr', 'b'));
    expect(output.result()).toEqual({ stdout: 'aü', stderr: 'b' });
    expect(new ExecOutput().result()).toEqual({ stdout: '', stderr: '' });
  });

  it('is kept to the last byte of the limit, each stream for itself', () => {
    const output = new ExecOutput();
    output.add(frame('stdout', 'x'.repeat(keptExecBytes)));
    expect(output.result().cut).toBeUndefined();
    output.add(frame('stdout', 'y'));
    output.add(frame('stderr', 'z'));
    const { stdout, stderr, cut } = output.result();
    expect([stdout.length, stdout.at(-1), stderr, cut]).toEqual([keptExecBytes, 'x', 'z', { stdout: 1, stderr: 0 }]);
  });

  it('ends with a whole character where it is cut, and counts on', () => {
    const output = new ExecOutput();
    output.add(frame('stderr', `${'x'.repeat(keptExecBytes - 1)}ü`));
    for (let count = 0; count < 1_000; count += 1) output.add(frame('stderr', 'more'));
    const { stderr, cut } = output.result();
    expect([stderr.length, stderr.endsWith('x'), cut]).toEqual([keptExecBytes - 1, true, { stdout: 0, stderr: 4_001 }]);
  });
});
