/** A wall clock that a test moves under the programs that have it, and under no other on this machine. */
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

export interface MovedClock {
  /** Environment of whoever is to live by this clock. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on it is so many seconds ahead; below zero: behind. */
  move(seconds: number): Promise<void>;
}

/** Compiles what is preloaded into `folder`. */
export async function makeMovedClock(folder: string): Promise<MovedClock> {
  const [library, path] = [join(folder, 'moved-clock.so'), join(folder, 'moved-by')];
  const source = join(import.meta.dirname, 'moved-clock.c');
  await execa('gcc', ['-shared', '-fPIC', '-O1', '-o', library, source], { timeout: 60_000 });
  await writeFile(path, Buffer.alloc(8));
  return {
    env: { LD_PRELOAD: library, MOVED_CLOCK_FILE: path },
    move: async (seconds) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(seconds));
      const file = await open(path, 'r+');
      await file.write(bytes, 0, 8, 0);
      await file.close();
    },
  };
}
