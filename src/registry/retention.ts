/** How long the registry keeps what it no longer needs for running. Days are such in which an agent ran: see `running-time`. */

const dayMs = 24 * 60 * 60 * 1000;

export interface Retention {
  /** Events: at most this old, in milliseconds, and at most this many. */
  readonly eventAgeMs: number;
  readonly eventCount: number;
  /** Status entries of the change log, which a watch resumes from: as events. */
  readonly watchAgeMs: number;
  readonly watchCount: number;
  /** Changes of specs, for each service: as events. What is needed to rebuild what is kept stays. */
  readonly historyAgeMs: number;
  readonly historyCount: number;
}

/** Events 30 days or 100,000; the watch window 7 days or 100,000 entries; history 365 days or 1,000 changes a service. */
export const retention: Retention = Object.freeze({
  eventAgeMs: 30 * dayMs,
  eventCount: 100_000,
  watchAgeMs: 7 * dayMs,
  watchCount: 100_000,
  historyAgeMs: 365 * dayMs,
  historyCount: 1_000,
});
