import { RepriseError } from "../../errors.ts";
import { type Clock, systemClock } from "../../event/clock.ts";
import type { StoredEvent } from "../../event/event.ts";
import { isUuid, type NewId, newId } from "../../event/ids.ts";
import { logStream } from "../../event/names.ts";
import { checkTruncate, encodeAppend, tenantOf } from "../append-rules.ts";
import type { EventLog } from "../event-log.ts";
import { makeBeats } from "./beats.ts";
import { connect } from "./connect.ts";
import { makeConnection } from "./connection.ts";
import { makeEnvelope } from "./envelope.ts";
import { lastRevision } from "./last-revision.ts";
import { defaultLimits, type EventStoreDbLogLimits } from "./limits.ts";
import { checkIds, makeReader, type Reader } from "./reader.ts";
import { type Locate, makeRecentIds, type RecentIds } from "./recent-ids.ts";
import { refuseWhenClosing, type Server } from "./server.ts";
import { fromOpenError } from "./server-error.ts";
import { subscribe } from "./subscription.ts";
import { makeTail } from "./tail.ts";
import { makeTruncations } from "./truncations.ts";
import { makeWriter, type Writer } from "./writer.ts";

export interface EventStoreDbOptions {
  /** For waits, and for `recordedAt`: the server tells its own time with reads only, not in its answer to an append. */
  readonly clock?: Clock;
  readonly newId?: NewId;
  /** Knows ids from long ago. Without it a repeat is noticed among the recent ids and at the stream's end only. */
  readonly locate?: Locate;
  /** Stands before the name of each stream, so that one server holds several logs. Default: nothing. */
  readonly namespace?: string;
  readonly limits?: Partial<EventStoreDbLogLimits>;
  /** False: a server without a log is refused with LOG_MISSING, and left as it is. Default: the log is begun. */
  readonly create?: boolean;
  /** Gives up opening. */
  readonly signal?: AbortSignal;
}

/** Appends in progress get so long when the log closes; a server that hangs is not waited for. */
const drainMs = 1000;
/** What was heard so long ago says nothing about now. */
const quietMs = 1000;

/** A log on EventStoreDB. */
export type EventStoreDbLog = EventLog & Required<Pick<EventLog, "passedOver">>;

/**
 * Opens the log on an EventStoreDB or KurrentDB, and begins it when there is none: `esdb://host:port?tls=false`,
 * `esdb://user:password@a,b,c`, `esdb+discover://user:password@cluster`. The user must be allowed to read `$all`.
 *
 * @throws CONFIG_INVALID for a connection string that cannot be read, or credentials that the server refuses; LOG_UNAVAILABLE when it cannot be
 *   reached, safe to repeat; LOG_MISSING when it has no log and none is to be begun; LOG_FOREIGN when `reprise.log` was begun by something else.
 */
export async function openEventStoreDbLog(connectionString: string, options: EventStoreDbOptions = {}): Promise<EventStoreDbLog> {
  const { clock = systemClock, newId: makeId = newId, locate, namespace = "", create = true } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const closing = new AbortController();
  const connection = makeConnection({ connect: (number) => connect(connectionString, clock, number), clock, closing: closing.signal, limits });
  const server: Server = { connection, envelope: makeEnvelope(namespace), limits, clock, closing: closing.signal };
  const truncations = makeTruncations(server);
  const reader = makeReader(server, truncations);
  const tail = makeTail(server, reader, truncations);
  // Appends that are in progress when the log closes go on reading until they know what became of them.
  const givingUp = new AbortController();
  const writing: Server = { ...server, closing: givingUp.signal };
  const readerOfWriter: Reader = { ...makeReader(writing, truncations), noteHead: reader.noteHead };
  const beats = makeBeats(server, makeId, namespace);
  const ids = makeRecentIds(readerOfWriter, limits.recentIds, locate);
  const writer = makeWriter(writing, readerOfWriter, ids);
  const giveUp = () => {
    closing.abort();
    givingUp.abort();
  };
  let logId: string;
  options.signal?.addEventListener("abort", giveUp);
  if (options.signal?.aborted) giveUp();
  try {
    logId = await findOrCreateLogId(reader, writer, makeId, create);
    await truncations.load();
  } catch (error) {
    giveUp();
    await connection.dispose();
    throw fromOpenError(error, "Opening the log");
  } finally {
    options.signal?.removeEventListener("abort", giveUp);
  }
  const open = () => refuseWhenClosing(server);
  let closed: Promise<void> | null = null;

  return {
    logId,
    get passedOver() {
      return server.envelope.passedOver;
    },
    async append(stream, events, expected, before) {
      open();
      return writer.append(encodeAppend(stream, events, expected, before));
    },
    async findByIds(tenant, wanted, enoughBytes) {
      open();
      checkIds(wanted);
      return findFirst(ids, tenant, [...new Set(wanted)], enoughBytes);
    },
    readStream: (stream, read = {}) => reader.readStream(stream, read),
    readAll: (read = {}) => reader.readAll(read),
    subscribe: (subscription) => subscribe(subscription, { server, reader, tail, truncations }),
    async streamRevision(stream) {
      open();
      tenantOf(stream);
      return lastRevision(server, makeId, stream);
    },
    async truncate(stream, before) {
      open();
      checkTruncate(stream, before);
      const head = await reader.streamRevision(stream);
      if (head >= 0) await truncations.truncate(stream, Math.min(before, head + 1), head);
    },
    trouble: () => connection.trouble("write") ?? tail.trouble ?? connection.trouble("read"),
    async probe() {
      open();
      // What the last append came to holds until the next one; whether the server is there at all is told by a read.
      if (connection.trouble("write") !== null) await beats.beat("probe");
      else if (clock.monotonicMs() - connection.heardMs > quietMs) await reader.serverHead();
    },
    beats,
    warnings: () => writer.warnings(),
    async head() {
      open();
      return reader.head();
    },
    close() {
      closed ??= (async () => {
        closing.abort();
        const timer = clock.after(drainMs, giveUp);
        await writer.drain();
        timer.cancel();
        await connection.dispose();
      })();
      return closed;
    },
  };
}

/** Ids asked for together while nobody knows how large their events are, and at most. */
const fewIds = 8;
const manyIds = 64;

/** In the order of the ids, in groups that are large only while events are small. */
async function findFirst(recent: RecentIds, tenant: string, ids: readonly string[], enoughBytes?: number): Promise<readonly StoredEvent[]> {
  if (enoughBytes === undefined) return [...(await findPart(recent, tenant, ids, Number.POSITIVE_INFINITY))!.values()];
  const events: StoredEvent[] = [];
  let bytes = 0;
  let size = fewIds;
  for (let from = 0; from < ids.length && bytes < enoughBytes; ) {
    const part = ids.slice(from, from + size);
    const found = await findPart(recent, tenant, part, 8 * enoughBytes);
    if (found === null) {
      size = Math.max(1, Math.floor(part.length / 8));
      continue;
    }
    const before = bytes;
    for (const id of part) {
      const event = found.get(id);
      if (event === undefined || bytes >= enoughBytes) continue;
      events.push(event);
      bytes += JSON.stringify(event.data).length;
    }
    from += size;
    size = bytes - before > enoughBytes / 8 ? fewIds : Math.min(size * 2, manyIds);
  }
  return events;
}

/** Null for several that are larger than that together: what of them comes first is not known before all are there. */
async function findPart(recent: RecentIds, tenant: string, ids: readonly string[], maxBytes: number): Promise<ReadonlyMap<string, StoredEvent> | null> {
  const found = new Map<string, StoredEvent>();
  let bytes = 0;
  for await (const event of recent.find(tenant, ids)) {
    bytes += JSON.stringify(event.data).length;
    if (bytes > maxBytes && ids.length > 1) return null;
    found.set(event.id, event);
  }
  return found;
}

/** Several processes may begin the log at once: the stream must not exist, so one of them wins. */
async function findOrCreateLogId(reader: Reader, writer: Writer, makeId: NewId, create: boolean): Promise<string> {
  for (let attempt = 0; attempt < 2; attempt++) {
    for await (const [first] of reader.readStream(logStream, { limit: 1 })) {
      const logId = (first?.data as { readonly logId?: unknown } | null | undefined)?.logId;
      if (first?.type === "log.created" && typeof logId === "string" && isUuid(logId)) return logId;
      throw new RepriseError("LOG_FOREIGN", `The stream ${logStream} does not begin with log.created: this server holds something else under that name.`);
    }
    if (!create) throw new RepriseError("LOG_MISSING", "There is no log on this server.");
    const logId = makeId();
    const created = {
      id: makeId(),
      type: "log.created",
      schemaVersion: 1,
      source: null,
      occurredAt: null,
      data: { logId },
      metadata: { priority: "normal" },
    } as const;
    try {
      await writer.append(encodeAppend(logStream, [created], "none"));
      return logId;
    } catch (error) {
      if (!(error instanceof RepriseError && error.code === "REVISION_CONFLICT")) throw error;
    }
  }
  throw new RepriseError("LOG_FOREIGN", `The stream ${logStream} holds no event that can be read: this server holds something else under that name.`);
}
