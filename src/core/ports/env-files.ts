/** The env and secret files that Berth may read. */
export interface EnvFileAccess {
  /** Something that changes when the content does (mtime, size, inode). Fails when there is no such file. */
  stamp(path: string): Promise<string>;
  read(path: string): Promise<string>;
}
