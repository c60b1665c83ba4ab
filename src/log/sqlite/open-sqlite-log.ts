import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { isRepriseError, RepriseError } from "../../errors.ts";
import { type Clock, systemClock } from "../../event/clock.ts";
import type { Position } from "../../event/event.ts";
import { type NewId, newId } from "../../event/ids.ts";
import { checkTruncate, encodeAppend, tenantOf } from "../append-rules.ts";
import type { EventLog, ReadOnlyLog } from "../event-log.ts";
import { makePrivateFolder, tightenDatabase } from "../private-files.ts";
import { PagesAhead } from "./ahead/pages-ahead.ts";
import { checkLogFile } from "./check-file.ts";
import { type OwnedConnection, openConnection, openReadOnlyConnection } from "./connection.ts";
import { createLogFile } from "./create-file.ts";
import { cutStreams, freeRoom, truncateStream } from "./cut-streams.ts";
import { inspectLogFile } from "./file-header.ts";
import { healIndexes } from "./heal-indexes.ts";
import { defaultLimits, type SqliteLogLimits } from "./limits.ts";
import { isOwnedHere, lockFolder } from "./lock.ts";
import { makeLogTrouble, type SqliteLogEvents } from "./log-trouble.ts";
import { around } from "./page-lost.ts";
import { makeReader } from "./reader.ts";
import { fromSqliteError, isUnusable } from "./sqlite-error.ts";
import { makeBell, subscribe } from "./subscription.ts";
import { upgradeLogFile } from "./upgrade.ts";
import { makeWriter, type Writer } from "./writer.ts";

export interface SqliteLogOptions extends SqliteLogEvents {
  readonly clock?: Clock;
  readonly newId?: NewId;
  readonly limits?: Partial<SqliteLogLimits>;
  /** False: a folder without a log is refused with LOG_MISSING, and left as it is. Default: the log is made. */
  readonly create?: boolean;
}

/**
 * Opens the embedded log in `folder`, and makes it when there is none: `log.db` (SQLite, write-ahead log, an fsync before each answer) and
 * `lock.db`, by which one process owns it.
 *
 * @throws LOG_IN_USE; LOG_MISSING; LOG_DAMAGED, LOG_FOREIGN, LOG_NEWER, each with log.db left as it was; LOG_FULL; CONFIG_INVALID when the folder cannot be used.
 */
export async function openSqliteLog(folder: string, options: SqliteLogOptions = {}): Promise<EventLog> {
  try {
    return openOwned(folder, options);
  } catch (error) {
    const known = fromSqliteError(error, `Opening the log in ${folder}`);
    if (!isUnusable(error) && !isRepriseError(known, "CONFIG_INVALID")) throw known;
    throw new RepriseError(
      "CONFIG_INVALID",
      `The log's folder ${folder} cannot be used: ${(error as Error).message}. Let this user write there, or name another folder.`,
      { cause: error },
    );
  }
}

/**
 * Opens the log in `folder` for reading, without the lock: a service may own it, and go on. Nothing is written, and reads end where the log ends now.
 *
 * @throws LOG_MISSING; LOG_DAMAGED, LOG_FOREIGN, LOG_NEWER, LOG_UNAVAILABLE.
 */
export async function openSqliteLogReadOnly(folder: string, { limits: given }: Pick<SqliteLogOptions, "limits"> = {}): Promise<ReadOnlyLog> {
  const limits = { ...defaultLimits, ...given };
  const path = join(folder, "log.db");
  try {
    if (!isOwnedHere(folder) && !inspectLogFile(path)) throw new RepriseError("LOG_MISSING", `There is no log in ${folder}.`);
    const connection = openReadOnlyConnection(path, limits.cachedStreams);
    const {
      logId,
      end: { lastPosition },
    } = connection.use();
    const reader = makeReader(connection, limits);
    return {
      logId,
      readAll: (options = {}) => reader.readAll(options),
      readStream: (stream, options = {}) => reader.readStream(stream, options),
      head: async () => BigInt(lastPosition),
      close: async () => connection.close(),
    };
  } catch (error) {
    throw fromSqliteError(error, `Opening the log in ${folder}`);
  }
}

function openOwned(folder: string, options: SqliteLogOptions): EventLog {
  const limits = { ...defaultLimits, ...options.limits };
  const { clock = systemClock, newId: makeId = newId, create = true } = options;
  const path = join(folder, "log.db");
  if (isOwnedHere(folder)) throw new RepriseError("LOG_IN_USE", `This process owns the log in ${folder} already.`);
  if (!create && !inspectLogFile(path)) throw new RepriseError("LOG_MISSING", `There is no log in ${folder}.`);
  if (inspectLogFile(path)) accessSync(path, constants.R_OK | constants.W_OK); // before the lock: a folder that is not ours stays as it was
  makePrivateFolder(folder);
  const lock = lockFolder(folder);
  const warnings: string[] = [];
  try {
    tightenDatabase(path);
    if (inspectLogFile(path)) {
      const { indexesLie } = checkLogFile(path, limits.checkBytes);
      upgradeLogFile(path);
      if (indexesLie)
        for (const index of healIndexes(path)) warnings.push(`The index ${index} of ${path} did not say what its table says; it was made anew at the start.`);
    } else createLogFile(path, { eventId: makeId(), logId: makeId(), recordedAtMs: clock.now() });
    return makeLog(path, clock, limits, options, { warnings, release: () => lock.release() });
  } catch (error) {
    lock.release();
    throw error;
  }
}

function makeLog(
  path: string,
  clock: Clock,
  limits: SqliteLogLimits,
  told: SqliteLogEvents,
  { warnings, release }: { readonly warnings: readonly string[]; readonly release: () => void },
): EventLog {
  const connection = openConnection(path, limits);
  const bell = makeBell();
  const reader = makeReader(connection, limits);
  const ahead = new PagesAhead({ path, connection, clock, limits });
  const trouble = makeLogTrouble({ connection, clock, told, onChange: () => bell.ring() });
  const writer = makeWriter(connection, clock, limits, { stored: () => bell.ring(), ...trouble.ofWriter });
  let closing: Promise<void> | null = null;
  const open = () => {
    if (closing !== null) throw new RepriseError("CLOSED", "The log is closed.");
    return connection.use();
  };

  return {
    logId: connection.use().logId,

    // It is not async, because that would put a second promise around the writer's, at 1 µs.
    append(stream, events, expected, how) {
      try {
        open();
        return writer.append(encodeAppend(stream, events, expected, how));
      } catch (error) {
        return Promise.reject(error);
      }
    },
    async findByIds(tenant, ids, enoughBytes) {
      open();
      return reader.findByIds(tenant, ids, enoughBytes);
    },
    readStream: (stream, options = {}) => reader.readStream(stream, options),
    readStreams: reader.readStreams,
    readAll: (options = {}) => reader.readAll(options),
    subscribe: (options) => subscribe(options, { connection, reader, ahead, bell, limits, isClosing: () => closing !== null }),
    async streamRevision(stream) {
      tenantOf(stream);
      return around(() => open().streamHead(stream).head);
    },
    async truncate(stream, before) {
      checkTruncate(stream, before);
      await truncateStream({ connection, open }, stream, before).finally(() => ahead.removed());
    },
    truncateStreams: (cuts, options) => cutStreams({ connection, open }, cuts, options).finally(() => ahead.removed()),
    freeRoom: async (options) => freeRoom({ connection, open }, options),
    async head() {
      return BigInt(open().end.lastPosition);
    },
    findsManyAtOnce: true,
    apart: { place: path, end: makeEnd(connection), onEnd: (listener) => bell.listen(listener), lend: connection.lend },
    trouble: trouble.message,
    warnings: () => [...warnings, ...lostPages(connection), ...writer.warnings(), ...trouble.warnings()],
    async probe() {
      if (closing === null) await trouble.probe();
    },
    close() {
      trouble.close();
      closing ??= end(writer, ahead, connection).finally(() => {
        release();
        bell.ring();
      });
      bell.ring();
      return closing;
    },
  };
}

/** Resolves when all appends are answered, and the files are closed. */
async function end(writer: Writer, ahead: PagesAhead, connection: OwnedConnection): Promise<void> {
  await ahead.close();
  await writer.drain();
  await connection.close();
}

/** Where the log ends, as far as is known: who asks is told of a change in the midst of a commit or of a close, and must not disturb either. */
function makeEnd(connection: OwnedConnection): () => Position {
  let known = BigInt(connection.use().end.lastPosition);
  return () => {
    try {
      known = BigInt(connection.use().end.lastPosition);
    } catch {
      // closed, or it cannot be opened again just now: nothing new may be read
    }
    return known;
  };
}

function lostPages(connection: OwnedConnection): readonly string[] {
  try {
    return connection.use().lost.warnings();
  } catch {
    return []; // closed, or it cannot be opened again just now: who uses it is told
  }
}
