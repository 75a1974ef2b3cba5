/** What the API takes at most. docs/api.md lists it; a test compares. */

export interface ApiLimits {
  readonly bodyBytes: number;
  /** Of a whole folder of definitions, over the socket. */
  readonly definitionsBytes: number;
  readonly urlBytes: number;
  readonly jsonDepth: number;
  /** Streams under way: watches, logs, waits, programs that run. */
  readonly streams: number;
  /** Of them, by one caller over TCP. */
  readonly streamsACaller: number;
  /** Of one caller over TCP: so many at once, and so many a minute. */
  readonly burst: number;
  readonly requestsAMinute: number;
  readonly connections: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveMs: number;
  /** The longest message that is typed into a console. */
  readonly consoleFrameBytes: number;
  /** What waits of a console for its reader, or for the machine. */
  readonly consoleWaitingBytes: number;
  /** Until the machine's end of a console is there. */
  readonly consoleOpenMs: number;
  /** Who takes nothing of what waits for so long is dropped. */
  readonly consoleStalledMs: number;
  /** Who does not answer a ping until the next one is gone. */
  readonly consoleBeatMs: number;
  /** A reader of a stream that takes nothing for so long is dropped. */
  readonly stalledMs: number;
}

export const apiLimits: ApiLimits = Object.freeze({
  bodyBytes: 1_048_576,
  definitionsBytes: 16 * 1_048_576,
  urlBytes: 8_192,
  jsonDepth: 32,
  streams: 256,
  streamsACaller: 20,
  burst: 300,
  requestsAMinute: 600,
  connections: 1_024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveMs: 60_000,
  consoleFrameBytes: 65_536,
  consoleWaitingBytes: 262_144,
  consoleOpenMs: 10_000,
  consoleStalledMs: 10_000,
  consoleBeatMs: 15_000,
  stalledMs: 60_000,
});
