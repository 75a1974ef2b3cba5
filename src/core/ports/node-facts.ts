/** What a node has of what runs out. Everything here only reads, and answers soon or fails. */

/** Room on the file system that holds a path. */
export interface FileSystemSpace {
  /** The same for all paths of one file system. */
  readonly device: string;
  /** What is used and what is free, without what is kept for nobody's use. */
  readonly totalBytes: number;
  /** What may be written yet. */
  readonly freeBytes: number;
  /** null: the file system does not count them. */
  readonly inodes: { readonly total: number; readonly free: number } | null;
}

export interface NodeMemory {
  readonly totalBytes: number;
  /** What programs may take without anything being pushed out. */
  readonly availableBytes: number;
}

/** The newest copy that `berth db backup` made of a registry. */
export interface RegistryCopy {
  /** Unix milliseconds. */
  readonly atMs: number;
  readonly path: string;
  /** It holds at least what the registry was at this revision. */
  readonly revision: number;
}

export interface NodeFacts {
  /** undefined: there is nothing at this path. Fails when it is not answered in time. */
  space(path: string): Promise<FileSystemSpace | undefined>;
  memory(): NodeMemory;
  /** A plain file as text; undefined: there is none, it is longer than `maxBytes`, or it may not be read. */
  readText(path: string, maxBytes: number): Promise<string | undefined>;
  /** null: there never was one. */
  lastCopy(): Promise<RegistryCopy | null>;
}
