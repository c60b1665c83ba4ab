/** Opens, checks and copies the log that a URL names. The only file that sees the adapters. */
import { RepriseError } from "../errors.ts";
import { systemClock } from "../event/clock.ts";
import { type CheckOptions, checkByReading, type LogCheck } from "./check-log.ts";
import type { EventLog, ReadOnlyLog } from "./event-log.ts";
import type { EventStoreDbOptions } from "./eventstoredb/open-eventstoredb-log.ts";
import type { HadUser, HaveUserOptions } from "./eventstoredb/user/have-user.ts";
import { folderOf, isServer, unknownLog } from "./log-url.ts";
import { type Backup, backupSqliteLog } from "./sqlite/backup.ts";
import { checkSqliteLog } from "./sqlite/check.ts";
import type { SqliteLogEvents } from "./sqlite/log-trouble.ts";
import { openSqliteLog, openSqliteLogReadOnly } from "./sqlite/open-sqlite-log.ts";
import { withClient } from "./with-client.ts";

/** Each adapter takes the options that concern it: an embedded log ignores `namespace`, a log on a server ignores `onLost`. */
export type OpenLogOptions = Pick<EventStoreDbOptions, "clock" | "locate" | "namespace" | "create" | "signal"> & SqliteLogEvents;

const serverAdapter = () => withClient(() => import("./eventstoredb/open-eventstoredb-log.ts"));

/**
 * Opens a log. `locate` finds events by id for logs that have no index of ids themselves.
 *
 * @param options.create false: where there is no log, LOG_MISSING in place of a new one.
 * @throws CONFIG_INVALID for another kind of URL; what the adapter throws.
 */
export async function openLog(url: string, options: OpenLogOptions = {}): Promise<EventLog> {
  const folder = folderOf(url);
  const { clock = systemClock, create = true, onTrouble = () => {}, onLost = () => {} } = options;
  if (folder !== undefined) return openSqliteLog(folder, { clock, create, onTrouble, onLost });
  if (isServer(url)) return (await serverAdapter()).openEventStoreDbLog(url, options);
  throw unknownLog(url);
}

/**
 * Opens a log for reading only, also an embedded one while a service owns it. Nothing is created where there is no log.
 *
 * @throws CONFIG_INVALID for another kind of URL, LOG_MISSING where there is no log; what the adapter throws.
 */
export async function openLogReadOnly(url: string): Promise<ReadOnlyLog> {
  const folder = folderOf(url);
  if (folder !== undefined) return openSqliteLogReadOnly(folder);
  if (isServer(url)) return (await serverAdapter()).openEventStoreDbLog(url, { create: false });
  throw unknownLog(url);
}

/**
 * Reads all of a log, and names each damaged place. Nothing is written; the log may be in use.
 *
 * @throws CONFIG_INVALID for another kind of URL, LOG_MISSING where there is no log; what the adapter throws.
 */
export async function checkLog(url: string, options: CheckOptions = {}): Promise<LogCheck> {
  const folder = folderOf(url);
  if (folder !== undefined) return checkSqliteLog(folder, options);
  if (!isServer(url)) throw unknownLog(url);
  const log = await openLogReadOnly(url);
  try {
    return await checkByReading(log, options);
  } finally {
    await log.close();
  }
}

/** Copies an embedded log into a new folder while it may be in use, and reads the copy back. @throws CONFIG_INVALID for another kind of log; what the adapter throws. */
export async function backupLog(url: string, to: string, options: CheckOptions = {}): Promise<Backup> {
  const folder = folderOf(url);
  if (folder === undefined) throw new RepriseError("CONFIG_INVALID", "Only an embedded log (sqlite:<folder>) is backed up so.");
  return backupSqliteLog(folder, to, options);
}

/**
 * Makes a user of the server's own for Reprise, and tries its rights.
 *
 * @param url of an administrator.
 * @throws CONFIG_INVALID for a log without users, or an address that names no administrator; LOG_UNAVAILABLE.
 */
export async function haveLogUser(url: string, options: HaveUserOptions): Promise<HadUser> {
  const { haveUser } = await withClient(() => import("./eventstoredb/user/have-user.ts"));
  return haveUser(url, options);
}
