/** Limits of one embedded log. */
export interface SqliteLogLimits {
  /** Events and bytes that share one commit. A single append may have more bytes, never more events. */
  readonly groupEvents: number;
  readonly groupBytes: number;
  /** The same of events, while several tenants append or ask: a millisecond, and a sync of little. */
  readonly sharedGroupEvents: number;
  /** Appends that wait for a commit, and their bytes; above it LOG_UNAVAILABLE. Tenants share this room (shared-room.ts). */
  readonly queuedAppends: number;
  readonly queuedBytes: number;
  /** While a commit with its sync takes at most so long on average, several appends wait for it on this thread: handing it to another takes 0.1 ms. */
  readonly quickSyncMs: number;
  /** Pages of the write-ahead log from which on they are brought into log.db: 4 MiB, as SQLite itself does. See checkpoints.ts. */
  readonly checkpointPages: number;
  /** Events and (about) bytes of one batch of a read. One event is a batch whatever its size. */
  readonly batchEvents: number;
  readonly batchBytes: number;
  /** Positions that a filtered read looks at in one go, 1 to 2 ms. */
  readonly scanPositions: number;
  /** The part of these three that a small step has: a quarter of a millisecond. */
  readonly smallStep: number;
  /**
   * A subscription with so many quick batches behind it, and two and a half times as many before it, has pages read ahead by another thread: so many. With
   * batches of 512 events, 28,000 events are worth a thread.
   */
  readonly aheadBatches: number;
  readonly aheadPages: number;
  /** Streams whose head and name are kept in memory, about 300 bytes each. */
  readonly cachedStreams: number;
  /** Files up to this size are checked page by page at open. */
  readonly checkBytes: number;
}

export const defaultLimits: SqliteLogLimits = {
  groupEvents: 1024,
  groupBytes: 4 * 1024 * 1024,
  sharedGroupEvents: 64,
  queuedAppends: 10_000,
  queuedBytes: 64 * 1024 * 1024,
  quickSyncMs: 1,
  checkpointPages: 1000,
  batchEvents: 512,
  batchBytes: 1024 * 1024,
  scanPositions: 4096,
  smallStep: 1 / 16,
  aheadBatches: 16,
  aheadPages: 3,
  cachedStreams: 20_000,
  checkBytes: 64 * 1024 * 1024,
};
