/** Commands that read or write a stream: what went wrong is told by whoever knows it. */
import { expect, it } from 'vitest';
import { createPipes, type DrainEnd } from '../../../src/runtimes/host/pipes.js';

const pipes = createPipes();
const options = { timeoutMs: 10_000, signal: new AbortController().signal };

async function* zeros(count: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let done = 0; done < count; done += 1) yield Buffer.alloc(65_536);
}

async function drained(argv: readonly string[], signal = options.signal): Promise<{ bytes: number; end: DrainEnd }> {
  const output = pipes.drain(argv, { ...options, signal });
  let bytes = 0;
  for (let item = await output.next(); ; item = await output.next()) {
    if (item.done) return { bytes, end: item.value };
    bytes += item.value.byteLength;
  }
}

it('feeds a command with more than a pipe holds', async () => {
  const result = await pipes.feed(['/usr/bin/wc', '-c'], zeros(100), options);
  expect(result).toMatchObject({ exitCode: 0, output: String(100 * 65_536) });
});

it('tells the words of a command that ends before it has read all', async () => {
  const result = await pipes.feed(['/bin/sh', '-c', 'echo too large >&2; exit 3'], zeros(1_000), options);
  expect(result).toMatchObject({ exitCode: 3, output: 'too large' });
});

it('throws what the input throws, and ends the command', async () => {
  async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* zeros(3);
    throw new Error('the source broke');
  }
  await expect(pipes.feed(['/usr/bin/wc', '-c'], broken(), options)).rejects.toThrow('the source broke');
});

it('a command that is not there, hangs or is cancelled ends with a word about it', async () => {
  expect(await pipes.feed(['/nowhere/at-all'], zeros(1), options)).toMatchObject({ exitCode: null });
  expect((await drained(['/nowhere/at-all'])).end).toMatchObject({ exitCode: null });
  const hangs = await pipes.feed(['/bin/sleep', '60'], zeros(1), { ...options, timeoutMs: 50 });
  expect(hangs).toMatchObject({ exitCode: null, timedOut: true });
  expect((await drained(['/bin/sleep', '60'], AbortSignal.timeout(50))).end).toMatchObject({ cancelled: true });
});

it('drains what a command writes, with its end and its words', async () => {
  const script = 'head -c 3000000 /dev/zero; echo partly >&2; exit 2';
  expect(await drained(['/bin/sh', '-c', script])).toMatchObject({
    bytes: 3_000_000,
    end: { exitCode: 2, output: 'partly', timedOut: false },
  });
});

it('a reader that leaves ends the command', async () => {
  for await (const chunk of pipes.drain(['/bin/cat', '/dev/zero'], options)) {
    expect(chunk.byteLength).toBeGreaterThan(0);
    break;
  }
  expect((await drained(['/bin/true'])).end.exitCode).toBe(0);
});
