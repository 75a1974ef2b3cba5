/** One watch: first it joins, at the pace of its connection, then it gets each batch as it comes. */
import { messageOf } from '../../../core/errors.js';
import type { Clock } from '../../../core/ports/clock.js';
import type { Log } from '../../../core/ports/log.js';
import type { Batch } from './batch.js';
import { openingText } from './encode.js';
import type { Follower } from './follower.js';
import type { Past } from './past.js';
import { piecesOf, type Snapshots } from './snapshot.js';
import type { Watch, WatchEnd, WatchSink } from './types.js';
import { beatText, syncedText } from './wording.js';

/** A connection that takes nothing for so long while it joins is too slow, in milliseconds. */
const stalledMs = 10_000;

export interface ReaderOptions {
  readonly follower: Follower;
  readonly snapshots: Snapshots;
  readonly past: Past;
  readonly clock: Clock;
  readonly log: Log;
  /** The revision up to which it knows everything; null: it knows nothing. */
  readonly after: number | null;
  readonly service: string | null;
  /** Called once, when it ends for whatever reason. */
  readonly onEnd: (reason: WatchEnd | 'left') => void;
}

export class Reader implements Watch {
  readonly #options: ReaderOptions;
  #sink: WatchSink | undefined;
  /** It has everything up to this revision. */
  #position: number;
  #isLive = false;
  #hasEnded = false;
  #cancelStall: (() => void) | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#position = options.after ?? 0;
  }

  start(sink: WatchSink): void {
    if (this.#sink || this.#hasEnded) return;
    this.#sink = sink;
    this.#join().catch((error: unknown) => {
      this.#options.log.warn({ err: messageOf(error) }, 'a watch ends');
      this.close('registry');
    });
  }

  end(): void {
    this.#finish('left');
  }

  close(reason: WatchEnd): void {
    if (this.#hasEnded) return;
    this.#finish(reason);
    this.#sink?.close(reason);
  }

  /** What is new, once it has joined; before that it finds it where the last batches are kept. */
  take(batch: Batch): void {
    if (!this.#isLive) return;
    const text = batch.textFor(this.#options.service, this.#position);
    this.#position = Math.max(this.#position, batch.to);
    if (text !== '') this.#send(text);
  }

  /** A sign of life, as of a revision. */
  beat(text: string, revision: number): void {
    if (this.#isLive && revision >= this.#position) this.#send(text);
  }

  #finish(reason: WatchEnd | 'left'): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#isLive = false;
    this.#cancelStall?.();
    this.#options.onEnd(reason);
  }

  #send(text: string): boolean {
    if (this.#hasEnded || !this.#sink) return false;
    if (this.#sink.send(text)) return true;
    this.close('slow');
    return false;
  }

  /** Sends and waits until the connection takes more. False: the watch has ended. */
  async #offer(text: string): Promise<boolean> {
    const sink = this.#sink;
    if (!sink || !this.#send(text)) return false;
    this.#cancelStall = this.#options.clock.after(stalledMs, () => {
      this.close('slow');
    });
    await sink.drained();
    this.#cancelStall();
    return !this.#hasEnded;
  }

  async #offerAll(pieces: readonly string[]): Promise<boolean> {
    for (const piece of pieces) if (!(await this.#offer(piece))) return false;
    return true;
  }

  async #join(): Promise<void> {
    if (!(await this.#offer(openingText))) return;
    const told = this.#options.after === null ? await this.#tellAll() : await this.#tellMissed(this.#options.after);
    if (!told) return;
    for (;;) {
      const batch = this.#options.follower.recent.reaches(this.#position) ? this.#nextRecent() : await this.#nextPage();
      if (batch === undefined) return;
      const text = batch.textFor(this.#options.service, this.#position);
      this.#position = batch.to;
      if (text !== '' && !(await this.#offer(text))) return;
    }
  }

  async #tellAll(): Promise<boolean> {
    const { snapshots, service, follower } = this.#options;
    const { revision, pieces } = snapshots.present(service);
    if (!(await this.#offerAll(pieces))) return false;
    this.#position = revision;
    return this.#offer(syncedText(revision, follower.moment()));
  }

  /**
   * Components of which the feed does not tell that they changed: what another's definition says made them invalid, or
   * valid again. What was so told is known since the follower began; of what was before, only that it may be.
   */
  async #tellMissed(after: number): Promise<boolean> {
    const { follower, past, snapshots, service } = this.#options;
    if (follower.recent.reaches(after)) return true;
    if (await past.specsChangedSince(after)) return this.#offerAll(snapshots.since(after, service));
    const missed = follower.present.list(service).filter(({ toldAt }) => toldAt > after);
    return this.#offerAll(piecesOf(follower, missed, after));
  }

  /** The next batch that is kept; with undefined it has all, and is live, of which it gets a sign at once. */
  #nextRecent(): Batch | undefined {
    const { follower } = this.#options;
    const batch = follower.recent.after(this.#position);
    if (batch !== undefined || this.#hasEnded) return batch;
    this.#isLive = true;
    this.beat(beatText(follower.revision, follower.moment()), follower.revision);
    return undefined;
  }

  /** The next stretch of the feed; with undefined the watch has ended. */
  async #nextPage(): Promise<Batch | undefined> {
    const page = await this.#options.past.page(this.#position);
    if (this.#hasEnded) return undefined;
    if (page !== 'gap') return page;
    this.close('gap');
    return undefined;
  }
}
