import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it, onTestFinished, vi } from "vitest";
import type { RepriseError } from "../../src/errors.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { anEvent, flat, refuses, stored } from "../contract/log-events.ts";
import { makeFakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

type Done = (error: Error | null) => void;
/** The disk's syncs that are asked for off the thread, as long as one has to wait. */
const disk = vi.hoisted(() => ({ waits: false, fails: false, asked: [] as Done[], folders: 0 }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const failure = () => Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO", syscall: "fdatasync" });
  const fdatasync = (file: number, done: Done) => {
    if (disk.waits) disk.asked.push(done);
    else if (disk.fails) setImmediate(done, failure());
    else fs.fdatasync(file, done);
  };
  const fdatasyncSync = (file: number) => {
    if (disk.fails) throw failure();
    fs.fdatasyncSync(file);
  };
  const fsyncSync = (file: number) => {
    if (fs.fstatSync(file).isDirectory()) disk.folders++;
    fs.fsyncSync(file);
  };
  return { ...fs, fdatasync, fdatasyncSync, fsyncSync };
});

/** Of a disk that is not quick, unless said. */
async function openLog(quickSyncMs = 0) {
  const folder = temporaryFolder();
  const log = await openSqliteLog(folder, { limits: { quickSyncMs } });
  onTestFinished(async () => {
    disk.waits = false;
    for (const done of disk.asked.splice(0)) done(null);
    await log.close();
  });
  await log.append("shop.order-1", [anEvent()], "none");
  return { log, folder };
}

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await nextTurn();
};

it("answers appends of one turn, and shows them, when the disk has them and not before; others wait and then share the next sync", async () => {
  const { log } = await openLog();
  const before = await log.head();
  const controller = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const { events } of log.subscribe({ after: before, signal: controller.signal })) seen.push(...events.map(({ stream }) => stream));
  })();
  disk.waits = true;
  const answers: string[] = [];
  const event = anEvent();
  const append = async (stream: string, events = [anEvent()]) => {
    const [appended] = await log.append(stream, events, "any");
    answers.push(`${stream} ${appended!.revision}`);
  };
  const first = [append("shop.order-1", [event]), append("shop.order-2")];
  await turns(3);
  const second = [append("shop.order-1"), append("shop.order-3"), append("shop.order-2")];
  await turns(5);
  expect(disk.asked).toHaveLength(1);
  expect(answers).toEqual([]);
  expect(seen).toEqual([]);
  expect(await log.head()).toBe(before);
  expect(await log.streamRevision("shop.order-1")).toBe(0);
  expect(await log.streamRevision("shop.order-2")).toBe(-1); // not in memory: asked of the file, which has it already
  expect(await flat(log.readStream("shop.order-2"))).toEqual([]);
  expect(await stored(log)).toHaveLength(1);
  expect(await flat(log.readStream("shop.order-1"))).toHaveLength(1);
  expect(await log.findByIds("shop", [event.id])).toEqual([]);

  disk.asked.shift()!(null);
  await Promise.all(first);
  await turns(5);
  expect(disk.asked).toHaveLength(1);
  expect(answers).toEqual(["shop.order-1 1", "shop.order-2 0"]);
  expect(seen).toEqual(["shop.order-1", "shop.order-2"]);
  expect(await log.findByIds("shop", [event.id])).toHaveLength(1);

  disk.asked.shift()!(null);
  await Promise.all(second);
  await turns(5);
  expect(answers.slice(2)).toEqual(["shop.order-1 2", "shop.order-3 0", "shop.order-2 1"]);
  expect(seen).toEqual(["shop.order-1", "shop.order-2", "shop.order-1", "shop.order-3", "shop.order-2"]);
  controller.abort();
  await following;
});

it("answers what Reprise itself records when the disk has it, and waits for that off the thread", async () => {
  const { log } = await openLog();
  disk.waits = true;
  let answered = false;
  const appending = log.append("reprise.journal-mail-1-0", [anEvent()], "none").then(() => (answered = true));
  await turns(5);
  expect(disk.asked).toHaveLength(1);
  expect(answered).toBe(false);
  disk.asked.shift()!(null);
  await appending;
  await log.append("shop.order-1", [anEvent()], 0); // a single one of others asks for nothing off the thread
  expect(disk.asked).toEqual([]);
});

it("waits for a quick disk on its thread, except with what Reprise itself records", async () => {
  const { log } = await openLog(1000);
  disk.waits = true;
  await Promise.all([log.append("shop.order-1", [anEvent()], "any"), log.append("shop.order-2", [anEvent()], "none")]);
  expect(disk.asked).toEqual([]);
  const recorded = [log.append("reprise.journal-mail-1-0", [anEvent()], "none"), log.append("reprise.journal-bill-1-0", [anEvent()], "none")];
  await turns(5);
  disk.asked.shift()!(null);
  await Promise.all(recorded);
});

it("closes when what waits for the disk is answered", async () => {
  const { log, folder } = await openLog();
  disk.waits = true;
  const appends = [log.append("shop.order-1", [anEvent()], 0), log.append("shop.order-2", [anEvent()], "none")];
  await turns(3);
  let closed = false;
  const closing = log.close().then(() => (closed = true));
  await turns(5);
  expect(closed).toBe(false);
  disk.waits = false;
  disk.asked.shift()!(null);
  await Promise.all([...appends, closing]);
  const again = await openSqliteLog(folder);
  expect(await stored(again)).toHaveLength(3);
  await again.close();
});

it("opens the log again when the disk cannot sync, answers by what it finds there, and goes on", async () => {
  const { log } = await openLog();
  disk.waits = true;
  const appends = [log.append("shop.order-1", [anEvent()], 0), log.append("shop.order-2", [anEvent()], "none"), log.append("shop.order-2", [anEvent()], 7)];
  const refused = refuses(appends.pop()!, "REVISION_CONFLICT");
  await turns(3);
  disk.waits = false;
  disk.asked.shift()!(Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO", syscall: "fdatasync" }));
  expect((await Promise.all(appends)).map(([appended]) => appended!.revision)).toEqual([1, 0]);
  await refused;
  await Promise.all([log.append("shop.order-1", [anEvent()], 1), log.append("shop.order-2", [anEvent()], 0)]);
  expect(await stored(log)).toHaveLength(5);
});

/** From now on commits are made by `does`. */
function onCommit(does: (db: DatabaseSync, commits: () => ReturnType<StatementSync["get"]>) => ReturnType<StatementSync["get"]>): void {
  const { prepare } = DatabaseSync.prototype;
  const prepares = vi.spyOn(DatabaseSync.prototype, "prepare").mockImplementation(function (this: DatabaseSync, ...about) {
    const statement = prepare.apply(this, about);
    if (about[0] !== "commit") return statement;
    const commits = statement.get.bind(statement);
    statement.get = () => does(this, commits);
    return statement;
  });
  onTestFinished(() => prepares.mockRestore());
}

it("has SQLite itself sync the commit of a single append, also after commits that were synced off the thread", async () => {
  const levels: unknown[] = [];
  onCommit((db, commits) => {
    levels.push(db.prepare("pragma synchronous").get()!.synchronous);
    return commits();
  });
  const { log } = await openLog();
  levels.length = 0;
  const [full, normal] = [2, 1];
  await log.append("shop.order-1", [anEvent()], 0);
  expect(levels.splice(0)).toEqual([full]);
  await Promise.all([log.append("shop.order-1", [anEvent()], 1), log.append("shop.order-2", [anEvent()], "none")]);
  expect(levels.splice(0)).toEqual([normal]);
  await log.append("shop.order-1", [anEvent()], 2);
  await log.append("shop.order-1", [anEvent()], 3); // in the same turn: see lone-writer.ts
  expect(levels).toEqual([full, full]);
});

it.each([
  ["refuses what is not there", "rollback", "LOG_UNAVAILABLE"],
  ["answers with what is there", "commit", null],
] as const)("looks into the log after a commit that came to an unclear end, and %s", async (_what, came, code) => {
  let fails = false;
  onCommit((db, commits) => {
    if (!fails) return commits();
    fails = false;
    db.exec(came);
    throw Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode: 266 });
  });
  const { log } = await openLog(1000);
  fails = true;
  const append = log.append("shop.order-1", [anEvent()], 0);
  if (code === null) expect((await append).map(({ revision }) => revision)).toEqual([1]);
  else await refuses(append, code);
  expect(fails).toBe(false);
  const next = code === null ? 1 : 0;
  expect((await log.append("shop.order-1", [anEvent()], next)).map(({ revision }) => revision)).toEqual([next + 1]);
  expect(await stored(log)).toHaveLength(next + 2);
});

it("syncs the folder when it opens: the write-ahead log may be new there, and SQLite does not say when its name could not be synced", async () => {
  const before = disk.folders;
  const { log, folder } = await openLog();
  expect(disk.folders).toBeGreaterThan(before);
  await log.close();
  const closed = disk.folders;
  const again = await openSqliteLog(folder, { limits: { quickSyncMs: 0 } });
  expect(disk.folders).toBe(closed + 1);
  for (let turn = 0; turn < 2; turn++) await Promise.all([again.append("shop.order-1", [anEvent()], "any"), again.append("shop.order-2", [anEvent()], "any")]);
  expect(disk.folders).toBe(closed + 1);
  await again.close();
});

const eio = () => Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO", syscall: "fdatasync" });

it("tells that the process has to end when the file no longer shows what was written, and keeps that out of log.db", async () => {
  const folder = temporaryFolder();
  const lost: RepriseError[] = [];
  const log = await openSqliteLog(folder, { limits: { quickSyncMs: 0 }, onLost: (error) => lost.push(error) });
  const first = anEvent();
  await log.append("shop.order-1", [first], "none");
  disk.waits = true;
  const appends = [log.append("shop.order-1", [anEvent()], 0), log.append("shop.order-2", [anEvent()], "none")].map((append) =>
    refuses(append, "LOG_SYNC_FAILED"),
  );
  await turns(3);
  // Some file systems show the old pages again after a sync that failed.
  const wal = join(folder, "log.db-wal");
  const bytes = readFileSync(wal);
  writeFileSync(wal, bytes.fill(0, bytes.length - 4096), { flag: "r+" });
  disk.waits = false;
  disk.asked.shift()!(eio());
  await Promise.all(appends);
  expect(lost.map(({ code }) => code)).toEqual(["LOG_SYNC_FAILED"]);
  await refuses(log.append("shop.order-1", [anEvent()], 0), "LOG_SYNC_FAILED");
  expect((await stored(log)).map(({ id }) => id)).toEqual([first.id]);
  await log.close();

  const next = temporaryFolder(); // what the next process finds: this one still has the file open
  for (const name of ["log.db", "log.db-wal"]) copyFileSync(join(folder, name), join(next, name));
  const again = await openSqliteLog(next);
  onTestFinished(() => again.close());
  expect((await stored(again)).map(({ id }) => id)).toEqual([first.id]);
  await again.append("shop.order-1", [anEvent()], 0);
});

it("keeps a commit out of log.db that the disk did not sync, also when it is closed before the disk is well", async () => {
  let fails = false;
  onCommit((_db, commits) => {
    if (!fails) return commits();
    commits(); // it stands in the file, as the system shows it
    throw Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode: 10 | (4 << 8) });
  });
  const folder = temporaryFolder();
  const log = await openSqliteLog(folder);
  const first = anEvent();
  await log.append("shop.order-1", [first], "none");
  disk.fails = fails = true;
  onTestFinished(() => void (disk.fails = false));
  await refuses(log.append("shop.order-1", [anEvent()], 0), "LOG_SYNC_FAILED");
  await log.close();
  disk.fails = fails = false;
  const alone = temporaryFolder(); // log.db, should the write-ahead log be lost with the power
  copyFileSync(join(folder, "log.db"), join(alone, "log.db"));
  const db = new DatabaseSync(join(alone, "log.db"), { readOnly: true });
  onTestFinished(() => db.close());
  expect(db.prepare("select count(*) as events from events where revision = 1").get()).toEqual({ events: 0 });
  expect(existsSync(join(folder, "log.db-wal"))).toBe(true);
});

it("acknowledges nothing while the disk does not sync, is in trouble meanwhile, and gets well by itself within a second of the disk", async () => {
  const clock = makeFakeClock();
  const troubles: (string | null)[] = [];
  const log = await openSqliteLog(temporaryFolder(), { clock, limits: { quickSyncMs: 0 }, onTrouble: (trouble) => troubles.push(trouble?.code ?? null) });
  onTestFinished(() => log.close());
  await log.append("shop.order-1", [anEvent()], "none");
  const head = await log.head();
  disk.fails = true;
  const event = anEvent();
  await refuses(Promise.all([log.append("shop.order-1", [event], 0), log.append("shop.order-2", [anEvent()], "none")]), "LOG_SYNC_FAILED");
  expect(troubles).toEqual(["LOG_SYNC_FAILED"]);
  expect(log.trouble!()).toContain("EIO");
  expect(await log.head()).toBe(head);
  expect(await log.streamRevision("shop.order-1")).toBe(0);
  await clock.advance(5000);
  await refuses(log.append("shop.order-1", [event], 0), "LOG_SYNC_FAILED");
  await refuses(log.truncate("shop.order-1", 1), "LOG_SYNC_FAILED");
  disk.fails = false;
  await clock.advance(1000);
  await expect.poll(() => log.trouble!()).toBeNull();
  expect(troubles).toEqual(["LOG_SYNC_FAILED", null]);
  expect(await log.append("shop.order-1", [event], 0)).toMatchObject([{ revision: 1, duplicate: true }]); // it was written again
});
