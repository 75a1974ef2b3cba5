/** Commands inside a simulated workload: a few that every image is taken to have. */
import { BerthError } from '../../core/errors.js';
import type { ExecResult } from '../../core/ports/driver.js';
import type { Container } from './model.js';

/**
 * What the program's own behaviour answers, else `echo`, `true`, `false` and `sh -c 'exit N'`, with or without a
 * leading `/bin/busybox`. E_DRIVER_FAILED when it does not run.
 */
export function runInside(container: Container, argv: readonly string[]): ExecResult {
  if (container.state !== 'running' || !container.run) {
    throw new BerthError('E_DRIVER_FAILED', `container ${container.name} is not running: container state improper`);
  }
  const { exec } = container.run.behaviour;
  if (exec) return exec(argv);
  const [word = '', ...rest] = argv[0] === '/bin/busybox' ? argv.slice(1) : argv;
  const exit = /^exit (\d+)$/.exec(rest.at(-1) ?? '')?.[1];
  if (word === 'echo') return { exitCode: 0, stdout: `${rest.join(' ')}\n`, stderr: '' };
  if (word === 'true') return { exitCode: 0, stdout: '', stderr: '' };
  if (word === 'false') return { exitCode: 1, stdout: '', stderr: '' };
  if (word === 'sh' && exit !== undefined) return { exitCode: Number(exit), stdout: '', stderr: '' };
  return { exitCode: 127, stdout: '', stderr: `${word}: not found\n` };
}
