/** Reads an embedded log in a second thread of the process that owns it. Beside open-log.ts, the only file that sees an adapter. */
import type { MessagePort } from "node:worker_threads";
import type { Position } from "../event/event.ts";
import type { SubscribeOptions, SubscriptionBatch } from "./event-log.ts";
import { answerCheckpoints } from "./sqlite/checkpoint-answers.ts";
import { type LogDatabase, openDatabase } from "./sqlite/database.ts";
import { defaultLimits } from "./sqlite/limits.ts";
import { makeReader } from "./sqlite/reader.ts";

export interface ReadApart {
  /**
   * The events after `after`, a batch of them, up to `end`. Null when they cannot be read, or one of them is damaged: whoever owns the log reads them then,
   * because it knows the disk's errors, finds what is lost, and tells of it.
   */
  read(after: Position, end: Position, dataOf: SubscribeOptions["dataOf"]): Promise<Omit<SubscriptionBatch, "live"> | null>;
  close(): void;
}

/** SQLite drops the pages that it read as soon as the owner has committed, so a megabyte of them, those of one read, is worth as much as the owner's eight. */
function open(place: string): LogDatabase {
  const database = openDatabase(place, defaultLimits.cachedStreams, "read");
  database.prepare("pragma cache_size = -1024").get();
  return database;
}

/**
 * @param place of a `ReadableApart` that is open in this process for as long as this is.
 * @param work lent by it; null: this thread only reads.
 */
export function openReadApart(place: string, work: MessagePort | null): ReadApart {
  const checkpoints = work === null ? null : answerCheckpoints(work);
  let database: LogDatabase | null = null;
  const use = () => (database ??= open(place));
  const { scan } = makeReader({ use, close() {} }, defaultLimits);
  return {
    async read(after, end, dataOf) {
      try {
        use().end.lastPosition = Number(end);
        const { events, bytes, reached } = await scan(undefined, "forward", Number(after), defaultLimits.batchEvents, dataOf);
        return events.some(({ damage }) => damage !== undefined) ? null : { events, bytes, position: BigInt(reached) };
      } catch {
        return null;
      }
    },
    close() {
      checkpoints?.close();
      database?.close();
    },
  };
}
