import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { openSqliteLog, openSqliteLogReadOnly, type SqliteLogOptions } from "../../src/log/sqlite/open-sqlite-log.ts";
import { anEvent, flat, refuses, stored } from "../contract/log-events.ts";
import { toFormat1, toFormat2 } from "../support/old-log.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { watchCommits } from "../support/watch-commits.ts";

const childScript = fileURLToPath(new URL("../support/sqlite-log-child.ts", import.meta.url));

describe.each([
  [1, toFormat1],
  [2, toFormat2],
])("a log.db of format %i", (format, toFormat) => {
  async function anOldLog(): Promise<string> {
    const folder = temporaryFolder();
    const log = await openSqliteLog(folder);
    for (let turn = 0; turn < 100; turn++) for (const stream of ["shop.order-1", "shop.order-2"]) await log.append(stream, [anEvent(), anEvent()], "any");
    await log.append("shop.gone-1", [anEvent(), anEvent()], "none");
    await log.truncate("shop.order-1", 70);
    await log.truncate("shop.gone-1", 2);
    await log.close();
    toFormat(join(folder, "log.db"));
    return folder;
  }

  it("is brought to this build's, with all that it holds", async () => {
    const folder = await anOldLog();
    const before = await openSqliteLogReadOnly(folder);
    const events = await flat(before.readAll());
    await before.close();
    expect(pragmaOf(folder, "user_version")).toBe(format);

    const log = await openSqliteLog(folder);
    onTestFinished(() => log.close());
    expect(await stored(log)).toEqual(events.slice(1));
    for (const stream of ["shop.order-1", "shop.order-2"])
      for (const from of [0, 69, 70, 71, 127, 128, 199])
        expect(await flat(log.readStream(stream, { from }))).toEqual(events.filter((event) => event.stream === stream && event.revision >= from));
    expect(await log.streamRevision("shop.gone-1")).toBe(1);
    await refuses(log.append("shop.order-1", [anEvent()], 198), "REVISION_CONFLICT");
    for (const [stream, revision] of [
      ["shop.order-1", 199],
      ["shop.gone-1", 1],
    ] as const) {
      await log.append(stream, [anEvent()], revision);
      expect((await flat(log.readStream(stream, { from: revision }))).at(-1)!.revision).toBe(revision + 1);
    }
    await log.close();
    const again = await openSqliteLog(folder);
    expect(await stored(again)).toHaveLength(events.length + 1);
    await again.close();
  });

  it("stays as it was when that does not succeed", async () => {
    const folder = await anOldLog();
    const path = join(folder, "log.db");
    execute(path, "create table events_old (taken integer)");
    await refuses(openSqliteLog(folder), "LOG_UNAVAILABLE");
    expect(pragmaOf(folder, "user_version")).toBe(format);
    execute(path, "drop table events_old");
    const log = await openSqliteLog(folder);
    expect((await flat(log.readStream("shop.order-2"))).map(({ revision }) => revision)).toEqual(Array.from({ length: 200 }, (_, revision) => revision));
    await log.close();
  });

  function pragmaOf(folder: string, name: string): unknown {
    const db = new DatabaseSync(join(folder, "log.db"), { readOnly: true });
    const value = Object.values(db.prepare(`pragma ${name}`).get()!)[0];
    db.close();
    return value;
  }
});

describe("a log.db that is not as it should be", () => {
  const cases: readonly [string, "LOG_DAMAGED" | "LOG_FOREIGN" | "LOG_NEWER", (path: string) => void][] = [
    ["cut in half", "LOG_DAMAGED", (path) => truncateSync(path, statSync(path).size / 2)],
    ["a byte short", "LOG_DAMAGED", (path) => truncateSync(path, statSync(path).size - 1)],
    ["cut inside its header", "LOG_DAMAGED", (path) => truncateSync(path, 50)],
    ["empty", "LOG_DAMAGED", (path) => truncateSync(path, 0)],
    ["overwritten at its beginning", "LOG_DAMAGED", (path) => overwrite(path, 0, 100)],
    ["overwritten in its first page, behind the header", "LOG_DAMAGED", (path) => overwrite(path, 100, 2000)],
    ["overwritten in the middle", "LOG_DAMAGED", (path) => overwrite(path, 4096 * 9, 4096 * 2)],
    ["text", "LOG_DAMAGED", (path) => writeFileSync(path, "Dear diary, ".repeat(50))],
    ["of another program", "LOG_FOREIGN", (path) => makeForeign(path, "delete")],
    ["of another program, in WAL mode", "LOG_FOREIGN", (path) => makeForeign(path, "wal")],
    ["of a newer build", "LOG_NEWER", (path) => execute(path, "pragma user_version=9")],
    ["without a format number", "LOG_DAMAGED", (path) => execute(path, "pragma user_version=0")],
    ["without the event it begins with", "LOG_DAMAGED", (path) => execute(path, "delete from events where position = 1")],
  ];
  it.each(cases)("%s is refused with %s and left untouched", async (_, code, spoil) => {
    const folder = await aLog();
    const path = join(folder, "log.db");
    const good = readFileSync(path);
    spoil(path);
    const spoilt = readFileSync(path);
    const files = readdirSync(folder);
    for (let i = 0; i < 2; i++) await refuses(openSqliteLog(folder), code);
    expect(readFileSync(path).equals(spoilt)).toBe(true);
    expect(readdirSync(folder)).toEqual(files);
    writeFileSync(path, good);
    await expectEvents(folder, 300);
  });

  it("leaves no file of ours in another program's folder", async () => {
    const folder = temporaryFolder();
    makeForeign(join(folder, "log.db"), "delete");
    await refuses(openSqliteLog(folder), "LOG_FOREIGN");
    expect(readdirSync(folder)).toEqual(["log.db"]);
  });

  it("is not made anew where only its write-ahead log is left", async () => {
    const folder = await aCrashedLog();
    rmSync(join(folder, "log.db"));
    await refuses(openSqliteLog(folder), "LOG_DAMAGED");
    expect(readdirSync(folder)).toEqual(["log.db-wal"]);
  });

  it.each([
    ["cut in half", (path: string) => truncateSync(path, 4096 * Math.floor(statSync(path).size / 8192))],
    ["overwritten in the middle", (path: string) => overwrite(path, 4096 * 9, 4096 * 2)],
  ])("%s after a crash is refused with its write-ahead log untouched, and goes on when it is whole again", async (_, spoil) => {
    const folder = await aCrashedLog();
    const files = ["log.db", "log.db-wal"].map((name) => join(folder, name));
    const good = readFileSync(files[0]!);
    spoil(files[0]!);
    const spoilt = files.map((path) => readFileSync(path));
    await refuses(openSqliteLog(folder), "LOG_DAMAGED");
    expect(files.map((path, i) => readFileSync(path).equals(spoilt[i]!))).toEqual([true, true]);
    expect(readdirSync(folder).toSorted((a, b) => a.localeCompare(b))).toEqual(["lock.db", "log.db", "log.db-wal"]);
    writeFileSync(files[0]!, good);
    await expectEvents(folder, 310);
  });

  it("opens after a crash that tore the end of its write-ahead log, without what was not acknowledged", async () => {
    const folder = await aCrashedLog();
    const wal = join(folder, "log.db-wal");
    truncateSync(wal, statSync(wal).size - 100);
    await expectEvents(folder, 309);
  });

  it("too large to check at once shows its damage at the read that meets it, and is not changed by it", async () => {
    const folder = await aLog();
    const path = join(folder, "log.db");
    overwrite(path, 4096 * 20, 4096 * 20);
    const spoilt = readFileSync(path);
    const log = await openSqliteLog(folder, { limits: { checkBytes: 4096 } });
    expect((await flat(log.readAll())).some(({ damage }) => damage !== undefined)).toBe(true);
    await log.close();
    expect(readFileSync(path).equals(spoilt)).toBe(true);
  });

  it("half made by a process that was killed is made anew", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "log.db.new"), "half a log");
    mkdirSync(join(folder, "check.tmp"));
    const log = await openSqliteLog(folder);
    await log.append("shop.order-1", [anEvent()], "none");
    await log.close();
    expect(readdirSync(folder)).not.toContain("log.db.new");
    await expectEvents(folder, 1);
  });
});

describe("one owner", () => {
  it("is refused with LOG_IN_USE in the same process", async () => {
    const folder = temporaryFolder();
    const log = await openSqliteLog(folder);
    await refuses(openSqliteLog(folder), "LOG_IN_USE");
    await log.append("shop.order-1", [anEvent()], "none");
    await log.close();
    await expectEvents(folder, 1);
  });

  it("is refused with LOG_IN_USE while another process has the log, and let in when that one was killed", { timeout: 30_000 }, async () => {
    const folder = temporaryFolder();
    const owner = startChild(process.execPath, [childScript, "hold", folder]);
    await owner.line();
    await refuses(openSqliteLog(folder), "LOG_IN_USE");
    await owner.kill();
    await expectEvents(folder, 0);
  });

  it("finds every acknowledged append after its process was killed, at 6 moments", { timeout: 60_000 }, async () => {
    const folder = temporaryFolder();
    const acknowledged: string[] = [];
    for (let round = 0; round < 6; round++) {
      const writer = startChild(process.execPath, [childScript, "append", folder]);
      const enough = acknowledged.length + 100 + 137 * round;
      while (acknowledged.length < enough) acknowledged.push(await writer.line());
      acknowledged.push(...(await writer.kill()));
      const log = await openSqliteLog(folder);
      const events = await stored(log);
      await log.close();
      const found = new Set(events.map(({ id, stream, revision }) => `${id} ${stream} ${revision}`));
      expect(acknowledged.filter((line) => !found.has(line))).toEqual([]);
      const heads = new Map<string, number>();
      for (const { stream, revision } of events) {
        expect(revision).toBe((heads.get(stream) ?? -1) + 1);
        heads.set(stream, revision);
      }
    }
  });
});

describe("a full disk", () => {
  interface Report {
    readonly whileFull: readonly string[];
    readonly foundWhileFull: readonly string[];
    readonly acknowledgedWhileFull: number;
    readonly withRoom: readonly string[];
    readonly foundWithRoom: readonly string[];
    readonly foundAfterReopen: readonly string[];
    readonly acknowledged: readonly string[];
    readonly refused: readonly string[];
  }
  const check = (report: Report) => {
    expect(new Set(report.whileFull)).toEqual(new Set(["LOG_FULL"]));
    expect(report.acknowledgedWhileFull).toBeGreaterThan(10);
    expect(report.foundWhileFull).toEqual(report.acknowledged.slice(0, report.acknowledgedWhileFull));
    expect(report.withRoom).toEqual(["", "", ""]);
    expect(report.foundWithRoom).toEqual(report.acknowledged);
    expect(report.foundAfterReopen).toEqual(report.acknowledged);
    expect(report.refused.length).toBeGreaterThan(3);
  };
  /** A small disk that only this process and its children see, and that goes with them. */
  const onSmallDisk = ["-c", `exec unshare -rm sh -c 'mount -t tmpfs -o size=4m none "$1" && shift && exec "$@"' sh "$@"`, "sh"];
  const mayMount = spawnSync("sh", [...onSmallDisk, "/tmp", "true"]).status === 0;
  const mayLimit = spawnSync("sh", ["-c", "prlimit --version"]).status === 0;

  it.skipIf(!mayMount)(
    "refuses appends with LOG_FULL, keeps what was acknowledged readable, and goes on when there is room (tmpfs)",
    { timeout: 30_000 },
    async () => {
      const folder = temporaryFolder();
      const child = startChild("sh", [...onSmallDisk, folder, process.execPath, childScript, "fill", folder, "ballast"]);
      check(JSON.parse(await child.line()) as Report);
    },
  );

  it.skipIf(!mayLimit)("does so at a file-size limit, too, where SQLite only says that a write failed", { timeout: 30_000 }, async () => {
    const folder = temporaryFolder();
    const limited = ["-c", 'ulimit -S -f 4000 && exec "$@"', "sh", process.execPath, childScript, "fill", folder, "limit"];
    check(JSON.parse(await startChild("sh", limited).line()) as Report);
  });
});

describe("a commit that fails", () => {
  let commits: ReturnType<typeof watchCommits>;
  beforeEach(() => {
    commits = watchCommits();
  });
  afterEach(() => vi.restoreAllMocks());

  /** The next commit does `instead`, then says what SQLite says after a failed fsync. */
  const failNextCommit = (instead: "commit" | "rollback", errcode = 1034) => {
    commits.instead = (commit, database) => {
      commits.instead = null;
      if (instead === "commit") commit();
      else database.exec(instead);
      throw Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode });
    };
  };
  const open = async (options?: SqliteLogOptions) => {
    const log = await openSqliteLog(temporaryFolder(), options);
    onTestFinished(() => log.close());
    await log.append("shop.order-1", [anEvent()], "none");
    return log;
  };

  it("is answered as stored when it reached the disk all the same", async () => {
    const log = await open();
    const event = anEvent();
    failNextCommit("commit");
    const answers = await Promise.allSettled([
      log.append("shop.order-1", [event], 0),
      log.append("shop.order-1", [anEvent()], 0),
      log.append("shop.order-2", [anEvent()], "any"),
    ]);
    expect(answers).toMatchObject([
      { status: "fulfilled", value: [{ revision: 1, duplicate: false }] },
      { status: "rejected", reason: { code: "REVISION_CONFLICT", fields: { actual: 1 } } },
      { status: "fulfilled", value: [{ revision: 0 }] },
    ]);
    expect(await log.append("shop.order-1", [event], 0)).toMatchObject([{ revision: 1, duplicate: true }]);
    expect((await log.append("shop.order-1", [anEvent()], 1))[0]?.revision).toBe(2);
    expect(await stored(log)).toHaveLength(4);
  });

  it("is answered as failed when it did not reach the disk: nothing of it is stored, and the log goes on", async () => {
    const log = await open();
    const event = anEvent();
    failNextCommit("rollback");
    const answers = await Promise.allSettled([log.append("shop.order-1", [event], 0), log.append("shop.order-1", [anEvent()], 0)]);
    expect(answers).toMatchObject([
      { status: "rejected", reason: { code: "LOG_SYNC_FAILED", retryAfterMs: 1000 } },
      { status: "rejected", reason: { code: "LOG_SYNC_FAILED" } },
    ]);
    expect(await log.append("shop.order-1", [event], 0)).toMatchObject([{ revision: 1, duplicate: false }]);
    expect(await stored(log)).toHaveLength(2);
  });

  it("is handed to subscriptions when it is on the disk all the same", async () => {
    const log = await open();
    const iterator = log.subscribe({ after: await log.head(), signal: new AbortController().signal })[Symbol.asyncIterator]();
    await iterator.next();
    const next = iterator.next();
    failNextCommit("commit");
    await log.append("shop.order-1", [anEvent()], 0);
    expect((await next).value).toMatchObject({ events: [{ revision: 1 }], live: true });
  });

  it("says LOG_UNAVAILABLE when the log cannot be opened again, and opens it at the next use", async () => {
    const log = await open();
    failNextCommit("commit");
    const prepare = vi.spyOn(DatabaseSync.prototype, "prepare").mockImplementation(() => {
      throw Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode: 266 });
    });
    const event = anEvent();
    await expect(log.append("shop.order-1", [event], 0)).rejects.toMatchObject({ code: "LOG_UNAVAILABLE" });
    await expect(log.head()).rejects.toMatchObject({ code: "LOG_UNAVAILABLE" });
    prepare.mockRestore();
    expect(await log.append("shop.order-1", [event], 0)).toMatchObject([{ revision: 1, duplicate: true }]);
  });

  it("for want of a lock that another program holds is refused, and repeated with success", async () => {
    const folder = temporaryFolder();
    const log = await openSqliteLog(folder);
    onTestFinished(() => log.close());
    const other = new DatabaseSync(join(folder, "log.db"));
    other.exec("begin immediate");
    await expect(log.append("shop.order-1", [anEvent()], "none")).rejects.toMatchObject({ code: "LOG_UNAVAILABLE", retryAfterMs: 100 });
    other.exec("rollback");
    other.close();
    await log.append("shop.order-1", [anEvent()], "none");
  });
});

/** A folder with a closed log of 300 events. */
async function aLog(): Promise<string> {
  const folder = temporaryFolder();
  const log = await openSqliteLog(folder);
  for (let i = 0; i < 3; i++)
    await log.append(
      "shop.order-1",
      Array.from({ length: 100 }, () => anEvent("x".repeat(500))),
      "any",
    );
  await log.close();
  return folder;
}

/** What a killed process leaves: 300 events in log.db, 10 more in its write-ahead log. */
async function aCrashedLog(): Promise<string> {
  const folder = await aLog();
  const log = await openSqliteLog(folder);
  for (let i = 0; i < 10; i++) await log.append("shop.order-1", [anEvent()], "any");
  const crashed = temporaryFolder();
  for (const name of ["log.db", "log.db-wal"]) copyFileSync(join(folder, name), join(crashed, name));
  await log.close();
  return crashed;
}

async function expectEvents(folder: string, count: number): Promise<void> {
  const log = await openSqliteLog(folder);
  expect(await stored(log)).toHaveLength(count);
  await log.append("shop.after-1", [anEvent()], "any");
  await log.close();
}

function overwrite(path: string, from: number, bytes: number): void {
  const content = readFileSync(path);
  writeFileSync(path, content.fill(0xa5, from, from + bytes));
}

function execute(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

function makeForeign(path: string, journal: "wal" | "delete"): void {
  rmSync(path, { force: true });
  execute(path, `pragma journal_mode=${journal}; create table birds (name text); insert into birds values ('wren')`);
}

/** A process whose lines are read one by one. */
function startChild(command: string, args: readonly string[]): { line(): Promise<string>; kill(): Promise<readonly string[]> } {
  const child: ChildProcess = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    async line() {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`${args.join(" ")} ended before its line`);
      return value;
    },
    /** SIGKILL; answers with the lines that were left. */
    async kill() {
      child.kill("SIGKILL");
      const left: string[] = [];
      for (let next = await lines.next(); next.done !== true; next = await lines.next()) left.push(next.value);
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      return left;
    },
  };
}
