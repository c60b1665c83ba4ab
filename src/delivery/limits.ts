/** What bounds the memory, the records and the waits of each handler's delivery. Set in the config's `limits`. */
export interface DeliveryLimits {
  /** Events read beyond the recorded checkpoint. */
  readonly readAheadEvents: number;
  /** Bytes of their data, about. */
  readonly readAheadBytes: number;
  /** Events that queue in memory for one lane; with more it detaches and reads its own stream. */
  readonly laneQueueEvents: number;
  /** Lanes a handler's journal keeps a record of; above it the handler stops reading and says so. */
  readonly recordedLanes: number;
  /** Outcomes that make a flush at once; eight times as many do within 10 ms of the last one. */
  readonly flushOutcomes: number;
  /** The longest an outcome waits for its flush. */
  readonly flushMs: number;
  /** A running delivery that holds the checkpoint longer than this detaches its lane. */
  readonly slowMs: number;
  /** Crashes of a delivery that ran alone before it is a dead letter with cause `crash`. */
  readonly maxCrashes: number;
}

/** What a handler with several partitions has to share among them. What reads less than this reads too often. */
const least = { readAheadEvents: 256, readAheadBytes: 4 * 1024 * 1024 };

/** The limits of one of a handler's partitions. */
export function limitsOfOne(limits: DeliveryLimits, partitions: number): DeliveryLimits {
  if (partitions === 1) return limits;
  const share = (whole: number, atLeast: number) => Math.min(whole, Math.max(atLeast, Math.ceil(whole / partitions)));
  return {
    ...limits,
    readAheadEvents: share(limits.readAheadEvents, least.readAheadEvents),
    readAheadBytes: share(limits.readAheadBytes, least.readAheadBytes),
    recordedLanes: share(limits.recordedLanes, 1),
  };
}

export const defaultDeliveryLimits: DeliveryLimits = {
  readAheadEvents: 4096,
  readAheadBytes: 64 * 1024 * 1024,
  laneQueueEvents: 64,
  recordedLanes: 100_000,
  flushOutcomes: 256,
  flushMs: 20,
  slowMs: 1000,
  maxCrashes: 3,
};
