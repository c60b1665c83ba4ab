/**
 * Appends events. The server is never asked with `any`, because under `any` it knows ids only for a while, and would store a later repeat twice. Each
 * append names the head that this process knows, and its ids are checked before. When the stream has moved on, the events there are read and checked again.
 */
import { SharedRoom } from "../../event/shared-room.ts";
import type { EncodedAppend } from "../append-rules.ts";
import type { AppendedEvent } from "../event-log.ts";
import { tooManyWait } from "../too-many-wait.ts";
import { makeDraftAndSend } from "./draft-and-send.ts";
import { makeRecordTimes } from "./next-time.ts";
import { makePatience } from "./patience.ts";
import type { Reader } from "./reader.ts";
import type { RecentIds } from "./recent-ids.ts";
import { makeSend } from "./send.ts";
import type { Server } from "./server.ts";
import { makeStreamHeads } from "./stream-heads.ts";

export interface Writer {
  /** @throws at once, LOG_UNAVAILABLE, when too many wait. */
  append(append: EncodedAppend): Promise<readonly AppendedEvent[]>;
  /** Resolves when the appends that wait now have their answers. */
  drain(): Promise<void>;
  warnings(): readonly string[];
}

export function makeWriter(server: Server, reader: Reader, ids: RecentIds, random: () => number = Math.random): Writer {
  const { limits, clock } = server;
  const lines = new Map<string, Line>();
  const patience = makePatience(limits.answerMs, clock, server.closing);
  const heads = makeStreamHeads(server, reader, ids);
  const times = makeRecordTimes(clock);
  const send = makeSend(server, patience, heads.forget);
  const draftAndSend = makeDraftAndSend({ server, reader, ids, heads, times, send, random });
  const waiting = new SharedRoom({ count: limits.queuedAppends, bytes: limits.queuedBytes });

  /** Appends to one stream, and appends with the same id, go one after another. */
  const inTurn = async (append: EncodedAppend, line: Line): Promise<readonly AppendedEvent[]> => {
    if (line.last !== null) await line.last.catch(() => {});
    for (let other = ids.reserve(append.ids); other !== null; other = ids.reserve(append.ids)) await other;
    try {
      return await draftAndSend(append);
    } finally {
      ids.release(append.ids);
      waiting.give(append.tenant, append.bytes);
      if (--line.appends === 0) lines.delete(append.stream);
    }
  };

  return {
    warnings: () => times.warnings(),
    append(append) {
      const { stream, tenant, bytes } = append;
      const full = waiting.take(tenant, bytes);
      if (full !== null) throw tooManyWait(full);
      let line = lines.get(stream);
      if (line === undefined) lines.set(stream, (line = { last: null, appends: 0 }));
      line.appends++;
      line.last = inTurn(append, line);
      return line.last;
    },
    async drain() {
      await Promise.allSettled(Array.from(lines.values(), ({ last }) => last));
      patience.end();
    },
  };
}

/** The appends to one stream that are under way. */
interface Line {
  /** The next one waits for it. */
  last: Promise<readonly AppendedEvent[]> | null;
  appends: number;
}
