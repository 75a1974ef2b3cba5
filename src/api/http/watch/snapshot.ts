/** All components as text in pieces, for readers who join; those who join together share it. */
import type { Follower } from './follower.js';
import type { Entry } from './present.js';
import { componentText } from './wording.js';

/** Characters of a piece, about: a reader is asked after each whether it takes more. */
const pieceLength = 65_536;
/** A shared snapshot is not older than this: the ages in it are of when it was made. */
const longestMs = 2_000;

export interface Snapshot {
  readonly revision: number;
  readonly pieces: readonly string[];
}

/** The components as of `revision`, in order. */
export function piecesOf(follower: Follower, entries: readonly Entry[], revision: number): readonly string[] {
  const moment = follower.moment();
  const pieces: string[] = [];
  let texts: string[] = [];
  let length = 0;
  for (const entry of entries) {
    const text = componentText(entry, revision, moment);
    texts.push(text);
    length += text.length;
    if (length < pieceLength) continue;
    pieces.push(texts.join(''));
    texts = [];
    length = 0;
  }
  if (texts.length > 0) pieces.push(texts.join(''));
  return pieces;
}

/** Snapshots of everything, each made once for however many who join, also of those who come back to one revision. */
export class Snapshots {
  readonly #follower: Follower;
  readonly #nowMs: () => number;
  #last: (Snapshot & { readonly madeAtMs: number; readonly madeAt: number }) | undefined;

  /** `nowMs`: monotonic milliseconds. */
  constructor(follower: Follower, nowMs: () => number) {
    this.#follower = follower;
    this.#nowMs = nowMs;
  }

  /** All that is, to be followed by everything after its revision. */
  present(service: string | null): Snapshot {
    const follower = this.#follower;
    if (service !== null) {
      const { revision } = follower;
      return { revision, pieces: piecesOf(follower, follower.present.list(service), revision) };
    }
    const last = this.#last;
    // Whoever gets an older one gets what came since right after it.
    const fits = last !== undefined && last.madeAt === last.revision && follower.recent.reaches(last.revision);
    return fits && this.#isFresh(last.madeAtMs) ? last : this.#make(follower.revision);
  }

  /** All that is, for those who know everything up to `revision` but the state of components. */
  since(revision: number, service: string | null): readonly string[] {
    const follower = this.#follower;
    if (service !== null) return piecesOf(follower, follower.present.list(service), revision);
    const last = this.#last;
    const fits = last?.revision === revision && last.madeAt === follower.revision;
    return fits && this.#isFresh(last.madeAtMs) ? last.pieces : this.#make(revision).pieces;
  }

  #isFresh(madeAtMs: number): boolean {
    return this.#nowMs() - madeAtMs < longestMs;
  }

  #make(revision: number): Snapshot {
    const follower = this.#follower;
    const pieces = piecesOf(follower, follower.present.list(null), revision);
    const made = { revision, pieces, madeAtMs: this.#nowMs(), madeAt: follower.revision };
    this.#last = made;
    return made;
  }
}
