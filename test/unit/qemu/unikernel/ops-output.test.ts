import { describe, expect, it } from 'vitest';
import { readOpsOutput, readOpsVersion } from '../../../../src/runtimes/qemu/unikernel/ops-output.js';

const offline = '\u001b[1;33mversion lookup failed, using local.\n\u001b[0m';

describe('what ops prints', () => {
  it('names the disk; being offline is no error', () => {
    expect(readOpsOutput(`${offline}Bootable image file:/h/.ops/images/berth-1\n`)).toEqual({
      image: '/h/.ops/images/berth-1',
      errors: [],
      lastWords: '',
    });
  });

  it('tells its errors by their colour, and its last words without it', () => {
    const output = `${offline}\u001b[31mfailed creating image file: no kernel\u001b[0m\n`;
    expect(readOpsOutput(output)).toEqual({
      image: null,
      errors: ['failed creating image file: no kernel'],
      lastWords: 'failed creating image file: no kernel',
    });
    expect(readOpsOutput('\u001b[1;31mNo local build found.\u001b[0m\n').errors).toEqual(['No local build found.']);
  });

  it('does not take its advice to update for an error', () => {
    const advice = '\u001b[31m You are running an older version of Ops. \u001b[0m\n';
    expect(readOpsOutput(`${advice}Bootable image file:/x\n`).errors).toEqual([]);
  });

  it('keeps the end of a long story', () => {
    const story = Array.from({ length: 500 }, (_, line) => `line ${line}`).join('\n');
    const { lastWords } = readOpsOutput(story);
    expect(lastWords).toContain('line 499');
    expect(lastWords.length).toBeLessThanOrEqual(800);
  });

  it('tells the versions', () => {
    expect(readOpsVersion(`${offline}Ops version: 0.1.44\nNanos version: 0.1.55\n`)).toEqual({
      ops: '0.1.44',
      nanos: '0.1.55',
    });
    expect(readOpsVersion('nonsense')).toEqual({ ops: '', nanos: '' });
  });
});
