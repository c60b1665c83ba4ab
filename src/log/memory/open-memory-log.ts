import { RepriseError } from "../../errors.ts";
import { type Clock, systemClock } from "../../event/clock.ts";
import { newId } from "../../event/ids.ts";
import { checkTruncate, encodeAppend } from "../append-rules.ts";
import type { EventLog } from "../event-log.ts";
import { makeRecordClock } from "../record-clock.ts";
import { appendTo, type Content, makeContent, truncate } from "./content.ts";
import { type ReadNeeds, readAll, readStream, readStreams } from "./reads.ts";
import { Bell, subscribe } from "./subscription.ts";

export interface MemoryLogOptions {
  readonly clock?: Pick<Clock, "now">;
  readonly logId?: string;
  /** Events in one batch of a read or a subscription. */
  readonly batchSize?: number;
}

export interface MemoryLog extends EventLog {
  /** Another handle on the same events, as after a restart. */
  reopen(): MemoryLog;
}

/** As many as `findByIds` of any log takes. */
const mostIds = 1000;

/**
 * An event log in memory, for tests. It keeps the port's promises, durability aside, and passes the contract suite. Stored events are deeply frozen, so that
 * whoever changes one fails.
 */
export function openMemoryLog({ clock = systemClock, logId = newId(), batchSize = 256 }: MemoryLogOptions = {}): MemoryLog {
  return openHandle(makeContent(logId, makeRecordClock(clock)), clock, batchSize);
}

function openHandle(content: Content, clock: Pick<Clock, "now">, batchSize: number): MemoryLog {
  const { slots, streams, ids } = content;
  const recordClock = makeRecordClock(clock);
  const bell = new Bell();
  let closed = false;
  const refuseWhenClosed = () => {
    if (closed) throw new RepriseError("CLOSED", "The log is closed.");
  };
  const reads: ReadNeeds = { content, batchSize, refuseWhenClosed };

  return {
    logId: content.logId,
    async append(stream, events, expected, how) {
      refuseWhenClosed();
      const appended = appendTo(content, encodeAppend(stream, events, expected, how), recordClock);
      bell.ring();
      return appended;
    },
    async findByIds(tenant, wanted) {
      refuseWhenClosed();
      if (wanted.length > mostIds) throw new RepriseError("REQUEST_INVALID", `findByIds takes at most ${mostIds} ids.`);
      return [...new Set(wanted)].flatMap((id) => ids.get(`${tenant}\n${id}`) ?? []);
    },
    findsManyAtOnce: true,
    readStream: (stream, options = {}) => readStream(reads, stream, options),
    async readStreams(wanted, limit) {
      refuseWhenClosed();
      return readStreams(reads, wanted, limit);
    },
    readAll: (options = {}) => readAll(reads, options),
    subscribe: (options) => subscribe({ content, batchSize, bell, isClosed: () => closed }, options),
    async streamRevision(stream) {
      refuseWhenClosed();
      return streams.get(stream)?.revision ?? -1;
    },
    async truncate(stream, before) {
      refuseWhenClosed();
      checkTruncate(stream, before);
      truncate(content, stream, before);
    },
    async truncateStreams(cuts, { rest, signal }) {
      refuseWhenClosed();
      for (const { stream, before } of cuts) checkTruncate(stream, before);
      for (const { stream, before } of cuts) {
        signal?.throwIfAborted();
        const gone = truncate(content, stream, before);
        await rest?.(gone);
      }
    },
    freeRoom: async () => ({ bytes: 0, owed: null }),
    async head() {
      refuseWhenClosed();
      return BigInt(slots.length);
    },
    warnings: () => recordClock.warnings(),
    async close() {
      closed = true;
      bell.ring();
    },
    reopen: () => openHandle(content, clock, batchSize),
  };
}
