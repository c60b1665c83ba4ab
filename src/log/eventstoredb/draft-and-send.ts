import { RepriseError } from "../../errors.ts";
import { pause } from "../../event/waits.ts";
import { checkRevision, type EncodedAppend } from "../append-rules.ts";
import type { AppendedEvent } from "../event-log.ts";
import { findDuplicates } from "./duplicates.ts";
import type { RecordTimes } from "./next-time.ts";
import { readBack } from "./read-back.ts";
import type { Reader } from "./reader.ts";
import type { RecentIds } from "./recent-ids.ts";
import type { Send } from "./send.ts";
import { refuseWhenClosing, type Server } from "./server.ts";
import type { StreamHeads } from "./stream-heads.ts";

/**
 * An append that expects no revision reads the stream's end again and tries again, for as long as an answer may take. Beside a writer that is always faster,
 * 32 tries were not enough for one append in 60. After so many tries it waits a little between two of them.
 */
const quickConflicts = 8;
const conflictPauseMs = 5;

interface DraftNeeds {
  readonly server: Server;
  readonly reader: Reader;
  readonly ids: RecentIds;
  readonly heads: StreamHeads;
  readonly times: RecordTimes;
  readonly send: Send;
  readonly random: () => number;
}

/** Checks an append against the head of its stream that this process knows, and sends it. Begins again when the stream has moved on. */
export type DraftAndSend = (append: EncodedAppend) => Promise<readonly AppendedEvent[]>;

export function makeDraftAndSend({ server, reader, ids, heads, times, send, random }: DraftNeeds): DraftAndSend {
  const { limits, clock } = server;
  return async (append) => {
    const { stream, tenant, events, expected } = append;
    let fresh = false;
    /** The revision that the server names for the stream, though it shows no event there, because another program deleted or truncated it. */
    let told: number | null = null;
    const lateMs = clock.monotonicMs() + limits.answerMs;
    for (let conflicts = 0; conflicts < quickConflicts || clock.monotonicMs() < lateMs; conflicts++) {
      if (conflicts >= quickConflicts) await pause(random() * conflictPauseMs, clock, server.closing);
      refuseWhenClosing(server);
      let at = fresh ? undefined : heads.get(stream);
      if (at === undefined) {
        at = await heads.refresh(stream);
        fresh = true;
      }
      const head = Math.max(at.revision, told ?? -1);
      // After a conflict the new ids may be there: the events were stored, and the answer got lost.
      const mayBeStored = (!append.idsAreNew || conflicts > 0) && ids.mayKnow(tenant, append.ids);
      const before = mayBeStored ? await findDuplicates(ids, append) : null;
      if (before !== null) return before;
      if (!fresh && expected !== "any" && (expected === "none" ? -1 : expected) !== head) {
        fresh = true; // another process may have moved the stream
        continue;
      }
      checkRevision(stream, expected, head);
      const recordedAt = times.next();
      const sent = await send(append, head, recordedAt);
      if (sent.is === "conflict") {
        fresh = true;
        told = sent.actual;
        continue;
      }
      at.revision = sent.last;
      const first = sent.last - events.length + 1;
      ids.add(append.ids, stream, first);
      const { position } = sent;
      if (position === undefined) return readBack(reader, append, first);
      reader.noteHead(position);
      return append.ids.map((id, i) => ({ id, revision: first + i, position, recordedAt: append.recordedAt?.[i] ?? recordedAt, duplicate: false }));
    }
    throw new RepriseError("LOG_UNAVAILABLE", `Others append to ${stream} all the time.`, { retryAfterMs: 100 });
  };
}
