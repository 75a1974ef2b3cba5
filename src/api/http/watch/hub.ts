/** All watches of an agent: what they share begins with the first of them and ends with the last. */
import { BerthError } from '../../../core/errors.js';
import { defaultDriverNames, viewComponent, viewEvent } from '../../status-view.js';
import { Follower } from './follower.js';
import { Past } from './past.js';
import { Reader } from './reader.js';
import { Snapshots } from './snapshot.js';
import type { Watch, WatchEnd, WatchHub, WatchHubOptions, WatchLimits, WatchRequest, WatchStats } from './types.js';
import { parseWatchId } from './watch-id.js';
import { beatText } from './wording.js';

/** How often readers get a sign of life, in milliseconds. */
const beatMs = 5_000;

const defaultLimits: WatchLimits = { page: 500, kept: 2 * 1_048_576 };

/** Everything that begins with the first watch. */
interface Course {
  readonly follower: Follower;
  readonly snapshots: Snapshots;
  readonly past: Past;
  readonly readers: Set<Reader>;
  /** Requests that are being looked at. */
  pending: number;
  readonly started: Promise<void>;
  cancelBeat: (() => void) | undefined;
}

/** A hub over an open registry. It reads nothing while nobody watches. */
export function createWatchHub(options: WatchHubOptions): WatchHub {
  return new Hub(options);
}

class Hub implements WatchHub {
  readonly #options: WatchHubOptions;
  #course: Course | undefined;
  #dropped = 0;
  #closed = false;

  constructor(options: WatchHubOptions) {
    this.#options = options;
  }

  async subscribe({ after, service }: WatchRequest): Promise<Watch> {
    if (this.#closed) throw laterError('the agent ends');
    const course = this.#course ?? this.#begin();
    course.pending += 1;
    try {
      await course.started;
      const revision = after === null ? null : await this.#positionOf(after, course.follower);
      if (this.#course !== course) throw laterError('the watch ended while it began');
      const { follower, snapshots, past } = course;
      const { clock, log } = this.#options;
      const reader: Reader = new Reader({
        ...{ follower, snapshots, past, clock, log, service },
        after: revision,
        onEnd: (reason) => {
          if (reason === 'slow') this.#dropped += 1;
          course.readers.delete(reader);
          this.#endIfIdle(course);
        },
      });
      course.readers.add(reader);
      return reader;
    } finally {
      course.pending -= 1;
      this.#endIfIdle(course);
    }
  }

  stats(): WatchStats {
    return { watchers: this.#course?.readers.size ?? 0, dropped: this.#dropped };
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#course) this.#end(this.#course, 'ended');
  }

  #begin(): Course {
    const { registry, clock, log } = this.#options;
    const limits = this.#options.limits ?? defaultLimits;
    const readers = new Set<Reader>();
    const follower: Follower = new Follower({
      ...{ registry, clock, log },
      views: this.#options.views ?? { component: viewComponent, event: viewEvent },
      driverNames: this.#options.driverNames ?? defaultDriverNames,
      limits,
      onBatch: (batch) => {
        for (const reader of readers) reader.take(batch);
      },
      onDrivers: () => {
        this.#beat(course);
      },
      onEnd: (reason) => {
        this.#end(course, reason);
      },
    });
    const course: Course = {
      follower,
      readers,
      snapshots: new Snapshots(follower, () => clock.monotonic()),
      past: new Past(follower, registry, limits.page),
      pending: 0,
      started: follower.start(),
      cancelBeat: undefined,
    };
    this.#course = course;
    this.#armBeat(course);
    return course;
  }

  #endIfIdle(course: Course): void {
    if (this.#course === course && course.pending === 0 && course.readers.size === 0) this.#end(course, 'ended');
  }

  #end(course: Course, reason: WatchEnd): void {
    if (this.#course === course) this.#course = undefined;
    course.cancelBeat?.();
    course.follower.close();
    for (const reader of [...course.readers]) reader.close(reason);
  }

  #armBeat(course: Course): void {
    course.cancelBeat = this.#options.clock.after(beatMs, () => {
      this.#beat(course);
      this.#armBeat(course);
    });
  }

  /** One text for all who have joined. */
  #beat({ follower, readers }: Course): void {
    const text = beatText(follower.revision, follower.moment());
    for (const reader of readers) reader.beat(text, follower.revision);
  }

  /** The revision to go on from. E_WATCH_GONE when that cannot be without a gap. */
  async #positionOf(id: string, follower: Follower): Promise<number> {
    const position = parseWatchId(id);
    if (position?.epoch !== follower.epoch) throw goneError(`"${id.slice(0, 80)}" is of another history`);
    const { revision } = position;
    if (follower.recent.reaches(revision) && revision <= follower.revision) return revision;
    const page = await this.#options.registry.feed(revision, 1, 'specs');
    if (page.kind === 'gap') {
      const why = revision > page.revision ? 'has not been yet' : `is no longer kept: history begins at ${page.oldest}`;
      throw goneError(`revision ${revision} ${why}`);
    }
    return revision;
  }
}

function goneError(message: string): BerthError {
  return new BerthError('E_WATCH_GONE', message);
}

/** Nothing is wrong with the id: it is as good in a moment. */
function laterError(message: string): BerthError {
  return new BerthError('E_REGISTRY_BUSY', message, { suggestion: 'try again in a moment' });
}
