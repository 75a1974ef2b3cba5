/** Tells that something in a folder may have changed; what it was, a look at the folder tells. */
import { basename } from 'node:path';
import { watch } from 'chokidar';
import { isDefinitionFileName } from './load.js';

export interface HintSink {
  readonly onHint: () => void;
  /** Hints may be missing from now on. */
  readonly onError: (error: unknown) => void;
}

/** Begins to watch a folder that exists; answers what ends it. */
export type WatchHints = (folder: string, sink: HintSink) => () => Promise<void>;

/** Hints from the kernel, by chokidar. Subfolders and files of other names are left out. */
export const chokidarHints: WatchHints = (folder, sink) => {
  const watcher = watch(folder, {
    ignoreInitial: true,
    depth: 0,
    // Settling is our own affair; a pause here would only come on top.
    atomic: false,
    ignored: (path, stats) => stats?.isFile() === true && !isDefinitionFileName(basename(path)),
  });
  watcher.on('all', sink.onHint).on('error', sink.onError);
  return () => watcher.close();
};
