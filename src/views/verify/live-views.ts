/** The views' file, looked at and copied beside the service that writes it. No connection stays open: a rebuild may put another file in its place. */
import { existsSync, statSync } from "node:fs";
import { backup, DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import type { Position } from "../../event/event.ts";
import { makePrivateFile } from "../../log/private-files.ts";
import { isDamage } from "../damage.ts";
import { missedEntries } from "../projections/shortened.ts";
import { rebuildFile } from "../rebuild.ts";
import { applicationId, formatVersion } from "../store-file.ts";
import { definitionsOf, ourDefinitions } from "../store-tables.ts";

/** Views that cannot be judged now. */
export class ViewsNotJudged extends Error {
  readonly remedy: string;
  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

/** Views whose file is damaged: what they say is not what the log says. */
export class ViewsDamaged extends Error {}

export interface SeenViews {
  readonly logId: string;
  /** Up to here the log is in them. */
  readonly position: Position;
}

/** One step copies everything, because SQLite begins again whenever another process writes between two steps. Readers stop no writer. */
const allPages = 2 ** 31 - 1;
const lockPatienceMs = 5000;
const startsAgain = "The next start of the service computes the views anew. Try again when it has.";

/** @throws ViewsNotJudged, ViewsDamaged */
export async function lookAtViews(file: string): Promise<SeenViews> {
  if (!existsSync(file))
    throw new ViewsNotJudged(`There are no views yet: ${file} is missing.`, "Start the service, or name the folder of the views with --data.");
  if (existsSync(rebuildFile(file))) throw new ViewsNotJudged("The views are being rebuilt.", "Try again when the rebuild has ended.");
  return reading(file, (db) => see(db, file));
}

/** Copies the views as they are at one moment. @returns what the copy is. @throws as above */
export async function copyViews(file: string, to: string): Promise<SeenViews> {
  makePrivateFile(to);
  await reading(file, (db) => backup(db, to, { rate: allPages }));
  await lookAtViews(file); // a rebuild may have begun meanwhile, and the copy be of neither
  return reading(to, (db) => see(db, file));
}

/** Without a write-ahead log there is only the file, and SQLite would make two more beside it and leave them. If the service starts meanwhile, it is done again. */
async function reading<T>(file: string, work: (db: DatabaseSync) => T | Promise<T>): Promise<T> {
  for (;;) {
    const frozenAs = (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0 ? null : stateOf(file);
    const url = pathToFileURL(file);
    url.searchParams.set("mode", "ro");
    if (frozenAs !== null) url.searchParams.set("immutable", "1");
    let db: DatabaseSync | null = null;
    let done: { readonly value: T } | { readonly error: unknown };
    try {
      db = new DatabaseSync(url, { readOnly: true, timeout: lockPatienceMs });
      done = { value: await work(db) };
    } catch (error) {
      done = { error };
    } finally {
      db?.close();
    }
    if (frozenAs !== null && frozenAs !== stateOf(file)) continue;
    if ("value" in done) return done.value;
    throw asDamaged(file, done.error);
  }
}

/** What reading the views has met: their damage as ViewsDamaged, anything else as it is. @param file the views, of which a copy may have been read. */
export function asDamaged(file: string, error: unknown): unknown {
  return isDamage(error) || isUnspeakable(error) ? new ViewsDamaged(`${file}: ${(error as Error).message}`) : error;
}

/** A key that only a damaged row has: bytes where a name belongs. */
function isUnspeakable(error: unknown): boolean {
  return (error as Error).message === "JSON cannot hold BLOB values";
}

/** Another text when the file was written to or replaced. */
function stateOf(file: string): string {
  const { ino, size, mtimeNs } = statSync(file, { bigint: true });
  return `${ino} ${size} ${mtimeNs}`;
}

function see(db: DatabaseSync, file: string): SeenViews {
  const one = (sql: string) => db.prepare(sql).get() as Record<string, unknown> | undefined;
  const number = (pragma: string) => Object.values(one(`pragma ${pragma}`)!)[0];
  if (number("application_id") !== applicationId) throw new ViewsNotJudged(`${file} is none of Reprise's views.`, "Name the folder of the views with --data.");
  if (number("user_version") !== formatVersion) throw new ViewsNotJudged("The views have the format of another release.", startsAgain);
  const reads = { get: <Row>(sql: string) => one(sql) as Row | undefined, all: <Row>(sql: string) => db.prepare(sql).all() as Row[] };
  if (definitionsOf(reads) !== ourDefinitions()) throw new ViewsDamaged(`${file}: its tables are not those that were made`);
  if (missedEntries(reads)) throw new ViewsNotJudged("The views are about to be computed anew.", "Try again when they are.");
  const meta = one("select log_id, position, again from meta") as { log_id: string; position: number; again: number } | undefined;
  if (meta === undefined || meta.position !== meta.again) throw new ViewsDamaged(`${file}: its position is not what was written`);
  return { logId: meta.log_id, position: BigInt(meta.position) };
}
