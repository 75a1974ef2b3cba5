/** Paths inside an image: absolute, with forward slashes, whatever the host. */
import { posix } from 'node:path';

/** The path made absolute by `folder` and freed of `.`, `..` and doubled slashes. */
export function imagePath(path: string, folder = '/'): string {
  const clean = posix.normalize(posix.resolve('/', folder, path));
  return clean === '' ? '/' : clean;
}

/** The folders of a list with colons; an empty one means `empty`. */
export function splitFolders(list: string): string[] {
  return list.split(':').filter((folder) => folder !== '');
}
