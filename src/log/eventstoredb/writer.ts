/**
 * Appends. The server is never asked with `any`: under `any` it knows ids for a while only, so a repeat would be stored twice. Each append goes
 * to the head that this process knows, with ids checked before; whatever stands there instead is read and checked again.
 */
import { ErrorType, NO_STREAM, type RecordedEvent } from "@eventstore/db-client";
import { LRUCache } from "lru-cache";
import { RepriseError } from "../../errors.ts";
import { toIso } from "../../event/clock.ts";
import type { StoredEvent } from "../../event/event.ts";
import { pause } from "../../event/waits.ts";
import { checkRevision, type EncodedAppend, sameContent } from "../append-rules.ts";
import type { AppendedEvent } from "../event-log.ts";
import { makeRecordClock } from "../record-clock.ts";
import { readStreamPage } from "./page.ts";
import { makePatience } from "./patience.ts";
import type { Reader } from "./reader.ts";
import type { RecentIds } from "./recent-ids.ts";
import { ask, refuseWhenClosing, type Server, toldError } from "./server.ts";
import { isServerError, mayPass, NoAnswerError } from "./server-error.ts";
import { repeatDelay } from "./waiting.ts";

export interface Writer {
  /** @throws at once, LOG_UNAVAILABLE, when too many wait. */
  append(append: EncodedAppend): Promise<readonly AppendedEvent[]>;
  /** When the appends that wait now have their answers. */
  drain(): Promise<void>;
  warnings(): readonly string[];
}

/**
 * An append to wherever the stream is looks again as long as an answer may take: beside a writer that is always there first 32 tries were not enough
 * for one append in 60. After so many tries it waits a little between them.
 */
const quickConflicts = 8;
const conflictPauseMs = 5;

export function makeWriter(server: Server, reader: Reader, ids: RecentIds, random: () => number = Math.random): Writer {
  const { envelope, limits, clock } = server;
  /** Changed in place: taking one out and in again for each append costs as much as all the rest of the check. */
  const heads = new LRUCache<string, { revision: number }>({ max: limits.cachedStreams });
  const lines = new Map<string, Line>();
  const patience = makePatience(limits.answerMs, clock, server.closing);
  let waiting = 0;
  let waitingBytes = 0;
  let recorded = { ms: 0, iso: toIso(0) };

  const recordClock = makeRecordClock(clock);
  /** Making its text takes a microsecond, so it is made once for a millisecond. */
  const nextTime = (): string => {
    const ms = recordClock.next(recorded.ms);
    if (ms !== recorded.ms) recorded = { ms, iso: toIso(ms) };
    return recorded.iso;
  };

  /** Learns the head, and the ids of what was not known to be there; a batch's bytes at a time. */
  const refresh = async (stream: string): Promise<{ revision: number }> => {
    const head = heads.get(stream)?.revision;
    const forward = head !== undefined;
    let reached = head ?? -1;
    let left = forward ? Number.MAX_SAFE_INTEGER : limits.lookBackEvents;
    for (let from = forward ? head + 1 : null; ; ) {
      let last: number | null = null;
      let bytes = 0;
      const learn = (recorded: RecordedEvent): boolean => {
        const revision = Number(recorded.revision);
        if (last !== null && (forward ? revision <= last : revision >= last)) return false; // the page was begun again
        last = revision;
        left--;
        reached = Math.max(reached, revision);
        const decoded = envelope.decode(recorded);
        if (decoded === null) return false;
        ids.add([recorded.id], stream, revision);
        reader.noteHead(decoded.event.position);
        bytes += decoded.bytes;
        return bytes >= limits.batchBytes;
      };
      const { cut } = await readStreamPage(server, stream, forward ? "forward" : "backward", from, Math.min(left, limits.pageEvents), learn);
      if (!cut || last === null || left <= 0 || (!forward && last === 0)) break;
      from = last + (forward ? 1 : -1);
    }
    const found = { revision: reached };
    heads.set(stream, found);
    return found;
  };

  /** Null when none of the ids is known. What they name is compared as it comes: a thousand ids may name a gigabyte. */
  const duplicates = async ({ stream, tenant, events, ids: wanted }: EncodedAppend): Promise<readonly AppendedEvent[] | null> => {
    const known = new Map<string, AppendedEvent>();
    const byId = new Map(events.map((event) => [event.event.id, event]));
    let same = true;
    for await (const before of ids.find(tenant, wanted)) {
      same &&= before.stream === stream && sameContent({ ...before, data: JSON.stringify(before.data) }, byId.get(before.id)!);
      known.set(before.id, appended(before, true));
    }
    if (known.size === 0) return null;
    if (same && known.size === byId.size) return events.map(({ event }) => known.get(event.id)!);
    throw new RepriseError(
      "EVENT_ID_REUSED",
      `${known.size} of ${events.length} event ids for ${stream} are stored already, and this append is no exact repeat.`,
      {
        fields: { eventIds: [...known.keys()] },
      },
    );
  };

  type Sent = { readonly is: "stored"; readonly last: number; readonly position: bigint | undefined } | { readonly is: "conflict"; readonly actual: number };

  /** Sends the same events to the same place until it is clear what became of them, or too late. */
  const send = async ({ stream, events, recordedAt: before }: EncodedAppend, head: number, recordedAt: string): Promise<Sent> => {
    const proposed = events.map((event, i) => envelope.encode(event, before?.[i] ?? recordedAt));
    const options = { expectedRevision: head === -1 ? NO_STREAM : BigInt(head), requiresLeader: true } as const;
    for (let n = 0; ; n++) {
      try {
        const name = envelope.nativeName(stream);
        const result = await ask(server, "write", (client) => patience.wait(client.appendToStream(name, proposed, options)));
        if (!result.success) return { is: "conflict", actual: -1 }; // throwOnAppendFailure=false: what it says beside is not right
        return { is: "stored", last: Number(result.nextExpectedRevision), position: n === 0 ? result.position?.commit : undefined };
      } catch (error) {
        if (isServerError(error, ErrorType.WRONG_EXPECTED_VERSION)) {
          const actual = (error as { readonly actualVersion?: bigint | string }).actualVersion;
          return { is: "conflict", actual: typeof actual === "bigint" ? Number(actual) : -1 };
        }
        // Time-outs are long: one repeat. The others fail at once.
        if (!mayPass(error) || server.closing.aborted || n >= (error instanceof NoAnswerError ? 1 : limits.repeats)) {
          heads.delete(stream);
          throw toldError(server, "write", error, `Appending to ${stream}`);
        }
      }
      await pause(repeatDelay(n, limits), clock);
    }
  };

  /** Places and times of what was stored by an attempt whose answer does not have them, or not these. */
  const readBack = async ({ stream, events }: EncodedAppend, first: number): Promise<readonly AppendedEvent[]> => {
    const byId = new Map<string, StoredEvent>(); // no larger than the append, but for what others stored there
    const revisions = events.map((_, i) => first + i);
    for await (const event of reader.readPlaces(stream, revisions)) byId.set(event.id, event);
    return events.map((event) => {
      const found = byId.get(event.event.id);
      // It may have met what somebody else stored under these ids: the server compares no content.
      if (found === undefined || !sameContent({ ...found, data: JSON.stringify(found.data) }, event))
        throw new RepriseError("LOG_UNAVAILABLE", `It is not clear where the append to ${stream} was stored.`, { retryAfterMs: 1000 });
      return appended(found, false);
    });
  };

  const draftAndSend = async (append: EncodedAppend): Promise<readonly AppendedEvent[]> => {
    const { stream, tenant, events, expected } = append;
    let fresh = false;
    /** Where the server says that the stream is, though it shows no event there: one that was deleted or truncated by another program. */
    let told: number | null = null;
    const lateMs = clock.monotonicMs() + limits.answerMs;
    for (let conflicts = 0; conflicts < quickConflicts || clock.monotonicMs() < lateMs; conflicts++) {
      if (conflicts >= quickConflicts) await pause(random() * conflictPauseMs, clock, server.closing);
      refuseWhenClosing(server);
      let at = fresh ? undefined : heads.get(stream);
      if (at === undefined) {
        at = await refresh(stream);
        fresh = true;
      }
      const head = Math.max(at.revision, told ?? -1);
      const before = ids.mayKnow(tenant, append.ids) ? await duplicates(append) : null;
      if (before !== null) return before;
      if (!fresh && expected !== "any" && (expected === "none" ? -1 : expected) !== head) {
        fresh = true; // another process may have moved the stream
        continue;
      }
      checkRevision(stream, expected, head);
      const recordedAt = nextTime();
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
      if (position === undefined) return readBack(append, first);
      reader.noteHead(position);
      return append.ids.map((id, i) => ({ id, revision: first + i, position, recordedAt: append.recordedAt?.[i] ?? recordedAt, duplicate: false }));
    }
    throw new RepriseError("LOG_UNAVAILABLE", `Others append to ${stream} all the time.`, { retryAfterMs: 100 });
  };

  /** Appends to one stream, and appends with the same id, go one after another. */
  const inTurn = async (append: EncodedAppend, line: Line): Promise<readonly AppendedEvent[]> => {
    if (line.last !== null) await line.last.catch(() => {});
    for (let other = ids.reserve(append.ids); other !== null; other = ids.reserve(append.ids)) await other;
    try {
      return await draftAndSend(append);
    } finally {
      ids.release(append.ids);
      waiting--;
      waitingBytes -= append.bytes;
      if (--line.appends === 0) lines.delete(append.stream);
    }
  };

  return {
    warnings: () => recordClock.warnings(),
    append(append) {
      const { stream, bytes } = append;
      if (waiting >= limits.queuedAppends || waitingBytes + bytes > limits.queuedBytes)
        throw new RepriseError("LOG_UNAVAILABLE", `${waiting} appends (${waitingBytes} bytes) are waiting for the server.`, { retryAfterMs: 100 });
      waiting++;
      waitingBytes += bytes;
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

function appended({ id, revision, position, recordedAt }: StoredEvent, duplicate: boolean): AppendedEvent {
  return { id, revision, position, recordedAt, duplicate };
}
