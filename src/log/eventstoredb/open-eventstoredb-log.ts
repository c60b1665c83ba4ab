import { type Clock, systemClock } from "../../event/clock.ts";
import { type NewId, newId } from "../../event/ids.ts";
import { logStream, truncatedStream } from "../../event/names.ts";
import { checkTruncate, encodeAppend, tenantOf } from "../append-rules.ts";
import type { EventLog } from "../event-log.ts";
import { makeBeats } from "./beats.ts";
import { connect } from "./connect.ts";
import { makeConnection } from "./connection.ts";
import { makeCut } from "./cut.ts";
import { makeEnvelope } from "./envelope.ts";
import { findFirst } from "./find-first.ts";
import { lastRevision } from "./last-revision.ts";
import { defaultLimits, type EventStoreDbLogLimits } from "./limits.ts";
import { findOrCreateLogId } from "./log-id.ts";
import { checkIds, makeReader, type Reader } from "./reader.ts";
import { type Locate, makeRecentIds } from "./recent-ids.ts";
import { refuseWhenClosing, type Server } from "./server.ts";
import { fromOpenError } from "./server-error.ts";
import { subscribe } from "./subscription.ts";
import { makeTail } from "./tail.ts";
import { makeTruncations } from "./truncations.ts";
import { makeWriter } from "./writer.ts";

export interface EventStoreDbOptions {
  /** For waits, and for `recordedAt`: the server tells its own time with reads only, not in its answer to an append. */
  readonly clock?: Clock;
  readonly newId?: NewId;
  /** Finds events with ids from long ago. Without it, a repeat is noticed only among the recent ids and at the stream's end. */
  readonly locate?: Locate;
  /** Stands before the name of each stream, so that one server holds several logs. Default: nothing. */
  readonly namespace?: string;
  readonly limits?: Partial<EventStoreDbLogLimits>;
  /** False: a server without a log is refused with LOG_MISSING, and left as it is. Default: the log is begun. */
  readonly create?: boolean;
  /** Gives up opening. */
  readonly signal?: AbortSignal;
}

/** An answer that is older than this says nothing about now. */
const quietMs = 1000;

const scavengeText =
  "the server keeps archived events in its files until it is scavenged: start a scavenge on each node (POST /admin/scavenge, or the page Admin of its console).";

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
  const { newId: makeId = newId } = options;
  const parts = assemble(connectionString, options);
  const { server, truncations, reader, tail, beats, ids, writer, closing, giveUp } = parts;
  const { connection, clock, limits } = server;
  const logId = await findLogId(parts, options);
  const close = async () => {
    closing.abort();
    const timer = clock.after(limits.drainMs, giveUp);
    await writer.drain();
    timer.cancel();
    await connection.dispose();
  };
  const open = () => refuseWhenClosing(server);
  const cut = makeCut({ truncations, reader, append: (event, expected) => writer.append(encodeAppend(truncatedStream, [event], expected)) });
  let closed: Promise<void> | null = null;

  return {
    logId,
    get passedOver() {
      return server.envelope.passedOver;
    },
    async append(stream, events, expected, how) {
      open();
      return writer.append(encodeAppend(stream, events, expected, how));
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
    async truncate(stream, before, still) {
      open();
      checkTruncate(stream, before);
      await cut([{ stream, before }], { isListed: still === undefined });
    },
    async truncateStreams(cuts, { rest, signal }) {
      open();
      for (const { stream, before } of cuts) checkTruncate(stream, before);
      await cut(cuts, { isListed: true, ...(rest && { rest }), ...(signal && { signal }) });
    },
    freeRoom: async () => ({ bytes: 0, owed: scavengeText }),
    trouble: () => connection.trouble("write") ?? tail.trouble ?? connection.trouble("read"),
    async probe() {
      open();
      // The result of the last append counts until the next one. A read tells whether the server is there at all.
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
      closed ??= close();
      return closed;
    },
  };
}

/** Finds the log's id, and loads the list of truncated streams. Nothing stays open when that fails. */
async function findLogId(
  { server, truncations, reader, writer, giveUp }: ReturnType<typeof assemble>,
  { newId: makeId = newId, create = true, signal }: EventStoreDbOptions,
): Promise<string> {
  signal?.addEventListener("abort", giveUp);
  if (signal?.aborted) giveUp();
  try {
    const { logId, at } = await findOrCreateLogId(reader, writer, makeId, create);
    await reader.start.learn(at);
    for (const stream of [logStream, truncatedStream]) await truncations.load(reader.readStream(stream, {}));
    return logId;
  } catch (error) {
    giveUp();
    await server.connection.dispose();
    throw fromOpenError(error, "Opening the log");
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}

/** The parts of an open log. */
function assemble(connectionString: string, options: EventStoreDbOptions) {
  const { clock = systemClock, newId: makeId = newId, locate, namespace = "" } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const closing = new AbortController();
  const connection = makeConnection({ connect: (number) => connect(connectionString, clock, number), clock, closing: closing.signal, limits });
  const server: Server = { connection, envelope: makeEnvelope(namespace), limits, clock, closing: closing.signal };
  const truncations = makeTruncations(server, makeId);
  const reader = makeReader(server, truncations);
  const tail = makeTail(server, reader, truncations);
  // Appends that are in progress when the log closes go on reading until they know their result.
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
  return { server, truncations, reader, tail, beats, ids, writer, closing, giveUp };
}
