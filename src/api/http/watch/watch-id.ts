/** Ids of what a watch tells: `EPOCH:REVISION`. */

/** A place in one history of the registry. */
export interface WatchPosition {
  /** Of the history: another one after a restore. */
  readonly epoch: string;
  readonly revision: number;
}

export function formatWatchId({ epoch, revision }: WatchPosition): string {
  return `${epoch}:${revision}`;
}

/** Reads an id back; undefined for anything else. */
export function parseWatchId(id: string): WatchPosition | undefined {
  const match = /^([\w-]{1,64}):(0|[1-9]\d{0,14})$/.exec(id);
  const [, epoch, revision] = match ?? [];
  return epoch === undefined || revision === undefined ? undefined : { epoch, revision: Number(revision) };
}
