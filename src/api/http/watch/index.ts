/** Watches: server-sent events over everything that changes, one read of the registry a change for however many readers. */
export { createWatchHub } from './hub.js';
export { createSseParser, type SseMessage, type SseParser } from './parse.js';
export { responseSink, watchHeaders } from './response-sink.js';
export { formatWatchId, parseWatchId, type WatchPosition } from './watch-id.js';
export type {
  Watch,
  WatchEnd,
  WatchHub,
  WatchHubOptions,
  WatchLimits,
  WatchRequest,
  WatchSink,
  WatchStats,
  WatchViews,
} from './types.js';
