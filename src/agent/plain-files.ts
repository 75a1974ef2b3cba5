/** Plain files, and nothing that stands in the place of one: a pipe, a device, a file without an end. */
import { constants, type Stats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';

/** How much is read at once. */
const chunkBytes = 65_536;

/** What stands at a path, which is a plain file. Fails with the system's error, and in words for anything else. */
export async function statPlain(path: string): Promise<Stats> {
  return checkPlain(await stat(path));
}

/** A plain file as text. Never waits for a writer. Fails as `statPlain` does, and when it is longer than `maxBytes`. */
export async function readPlainText(path: string, maxBytes: number): Promise<string> {
  // To open a device may do something: what is none is told before it is opened.
  await statPlain(path);
  // A pipe that was put in its place meanwhile holds nobody up.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    checkPlain(await file.stat());
    return (await readAtMost(file, maxBytes)).toString('utf8');
  } finally {
    await file.close();
  }
}

function checkPlain(found: Stats): Stats {
  if (!found.isFile()) throw new Error(`it is ${kindOf(found)}, and not a file`);
  return found;
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a pipe';
  return found.isSocket() ? 'a socket' : 'a device';
}

/** What its size says is not relied on: it may grow, and files of the kernel say 0. */
async function readAtMost(file: FileHandle, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let length = 0; ;) {
    const part = Buffer.allocUnsafe(Math.min(chunkBytes, maxBytes + 1 - length));
    const { bytesRead } = await file.read(part, 0, part.length, null);
    if (bytesRead === 0) return Buffer.concat(parts, length);
    parts.push(part.subarray(0, bytesRead));
    length += bytesRead;
    if (length > maxBytes) throw new Error(`it is longer than ${maxBytes} bytes`);
  }
}
