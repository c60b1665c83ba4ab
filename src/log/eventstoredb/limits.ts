/** Limits of one log on EventStoreDB. Times in milliseconds. */
export interface EventStoreDbLogLimits {
  /** Events that a read asks for at once, and hands on as one batch. With half as many, the throughput is a tenth lower. */
  readonly pageEvents: number;
  /** Events of one batch of a subscription. */
  readonly batchEvents: number;
  /** About the bytes of one batch of a read or subscription. One event is a batch whatever its size. */
  readonly batchBytes: number;
  /** The newest events, kept for the subscriptions that are at the end of the log. */
  readonly tailEvents: number;
  readonly tailBytes: number;
  /** Appends that wait for an answer, and their bytes; above it LOG_UNAVAILABLE. */
  readonly queuedAppends: number;
  readonly queuedBytes: number;
  /** Streams whose head is kept in memory, about 200 bytes each. */
  readonly cachedStreams: number;
  /** Ids whose place is kept in memory, about 300 bytes each. */
  readonly recentIds: number;
  /** Events at a stream's end that are looked through for ids when its head is not known. */
  readonly lookBackEvents: number;
  /** How long the server may take for an append, and for the next event of a read. */
  readonly answerMs: number;
  /** When the log closes, it waits so long for appends in progress. It does not wait for a server that hangs. */
  readonly drainMs: number;
  /** Nothing at all has arrived for so long, though somebody waits: other connections are tried. */
  readonly stallMs: number;
  /** The time in which a connection under trial has to find its node and to read an event. */
  readonly trialMs: number;
  /** The longest wait between two trials. */
  readonly maxTrialDelayMs: number;
  /** Repeats of an append whose answer is unclear, and of a read that broke. */
  readonly repeats: number;
  /** The first wait before a repeat; each next one is twice as long, up to `maxRepeatDelayMs`. */
  readonly repeatDelayMs: number;
  readonly maxRepeatDelayMs: number;
  /** When a filtered catch-up has heard nothing for so long, it goes on without the server's filter. */
  readonly idleMs: number;
  /** Names in the list of truncated streams that it may have beyond twice as many as there are such streams: with more it is written anew. */
  readonly spareTruncations: number;
  /** How long a new position waits when it comes without events, because the subscription does not want them. */
  readonly positionMs: number;
}

export const defaultLimits: EventStoreDbLogLimits = {
  pageEvents: 1024,
  batchEvents: 512,
  batchBytes: 4 * 1024 * 1024,
  tailEvents: 4096,
  tailBytes: 16 * 1024 * 1024,
  queuedAppends: 10_000,
  queuedBytes: 64 * 1024 * 1024,
  cachedStreams: 20_000,
  recentIds: 50_000,
  lookBackEvents: 128,
  answerMs: 10_000,
  drainMs: 1000,
  stallMs: 3_000,
  trialMs: 5_000,
  maxTrialDelayMs: 1_000,
  repeats: 4,
  repeatDelayMs: 50,
  maxRepeatDelayMs: 2_000,
  idleMs: 500,
  spareTruncations: 10_000,
  positionMs: 20,
};
