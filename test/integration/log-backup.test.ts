import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it, onTestFinished } from "vitest";
import { backupSqliteLog } from "../../src/log/sqlite/backup.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { anEvent, flat } from "../contract/log-events.ts";
import { reprise } from "../support/cli.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const env = (folder: string) => ({ REPRISE_LOG: `sqlite:${folder}` });

it("a backup under constant appends ends, holds one moment of the log, and a log starts from it", { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const target = join(temporaryFolder(), "deep", "backup");
  const log = await openSqliteLog(folder);
  onTestFinished(() => log.close());
  let going = true;
  let appended = 0;
  const load = Promise.all(
    Array.from({ length: 4 }, async (_, worker) => {
      while (going) {
        await log.append(`default.order-${worker}`, [anEvent(), anEvent()], "any");
        appended += 2;
      }
    }),
  );
  while (appended < 1000) await new Promise((resolve) => setImmediate(resolve));
  const before = appended;
  const run = await reprise(["backup", "--to", target, "-o", "json"], { env: env(folder) });
  const after = appended;
  going = false;
  await load;
  expect(run.stderr).toBe("");
  expect(run.code).toBe(0);
  const report = JSON.parse(run.stdout) as { events: number; log_id: string; damaged_places: number };
  expect(report).toMatchObject({ log_id: log.logId, damaged_places: 0 });
  expect(report.events).toBeGreaterThan(before);
  expect(report.events).toBeLessThanOrEqual(after + 1);
  expect(after).toBeGreaterThan(before); // appends went on meanwhile
  expect(readdirSync(target)).toEqual(["log.db"]);
  expect([target, join(target, "log.db")].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o600]);
  expect(readdirSync(join(target, ".."))).toEqual(["backup"]);

  const restored = await openSqliteLog(target);
  const events = await flat(restored.readAll());
  expect(events).toHaveLength(report.events);
  expect(events).toEqual((await flat(log.readAll())).slice(0, events.length));
  await restored.append("default.order-0", [anEvent()], "any");
  await restored.close();
});

it("a backup leaves a stopped log as it was; a backup into a folder in use, or of a log on a server, is refused", async () => {
  const folder = temporaryFolder();
  const log = await openSqliteLog(folder);
  await log.append("default.order-1", [anEvent()], "none");
  await log.close();
  const files = readdirSync(folder);
  const target = temporaryFolder(); // there, and empty
  expect((await reprise(["backup", "--to", target], { env: env(folder) })).code).toBe(0);
  expect(readdirSync(folder)).toEqual(files);
  const again = await reprise(["backup", "--to", target], { env: env(folder) });
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining("something is there already") });
  expect(await reprise(["backup", "--to", join(target, "x"), "--log", "esdb://127.0.0.1:1"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("copy"),
  });
  expect(await reprise(["backup", "--to", join(target, "x")], { env: env(join(folder, "none")) })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("LOG_MISSING"),
  });
  expect(readdirSync(target)).toEqual(["log.db"]);
});

it("a target folder that exists is used as it is and made private; one that holds half a backup is refused, and named", async () => {
  const folder = temporaryFolder();
  const log = await openSqliteLog(folder);
  await log.append("default.order-1", [anEvent()], "none");
  await log.close();
  const target = temporaryFolder();
  mkdirSync(join(target, "lost+found"));
  chmodSync(target, 0o755);
  const { ino } = statSync(target);
  expect(await reprise(["backup", "--to", target, "-q"], { env: env(folder) })).toMatchObject({ code: 0, stderr: "" });
  expect(readdirSync(target).sort()).toEqual(["log.db", "lost+found"]);
  expect(statSync(target)).toMatchObject({ ino, mode: 0o040700 });
  expect(statSync(join(target, "log.db")).mode & 0o777).toBe(0o600);

  const cutOff = temporaryFolder();
  mkdirSync(join(cutOff, "partial-x"));
  expect(await reprise(["backup", "--to", cutOff], { env: env(folder) })).toMatchObject({ code: 2, stderr: expect.stringContaining("partial-x") });
});

it("a backup that is stopped leaves nothing, and one that was killed is named by the next", async () => {
  const folder = temporaryFolder();
  const log = await openSqliteLog(folder);
  await log.append("default.order-1", [anEvent()], "none");
  await log.close();
  const backups = temporaryFolder();
  const stopped = new AbortController();
  await expect(backupSqliteLog(folder, join(backups, "monday"), { onProgress: () => stopped.abort(), signal: stopped.signal })).rejects.toMatchObject({
    name: "AbortError",
  });
  expect(readdirSync(backups)).toEqual([]);

  const killed = join(backups, "tuesday.partial-Ab_9xZ");
  mkdirSync(killed);
  const run = await reprise(["backup", "--to", join(backups, "wednesday"), "-o", "json"], { env: env(folder) });
  expect(run).toMatchObject({ code: 0, stderr: expect.stringContaining(killed) });
  expect(JSON.parse(run.stdout)).toMatchObject({ damaged_places: 0, unfinished: [killed] });
  expect(await reprise(["backup", "--to", join(backups, "wednesday")], { env: env(folder) })).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^The backup could not be made/),
  });
});

it("log check names the place, beside the owner, and a backup of a damaged log says so", async () => {
  const folder = temporaryFolder();
  const first = await openSqliteLog(folder);
  for (let count = 0; count < 5; count++) await first.append("default.order-1", [anEvent()], "any");
  await first.close();
  expect(await reprise(["log", "check"], { env: env(folder) })).toEqual({ code: 0, stdout: "Nothing is damaged: 6 events read.\n", stderr: "" });
  const db = new DatabaseSync(join(folder, "log.db"));
  db.exec(`update events set data = '{"total":2}' where position = 4`);
  db.close();
  const owner = await openSqliteLog(folder);
  onTestFinished(() => owner.close());
  await owner.append("default.order-1", [anEvent()], "any");
  const place = "position 4 (default.order-1, revision 2)";
  const found = await reprise(["log", "check", "-o", "json"], { env: env(folder) });
  expect(found).toMatchObject({ code: 1, stderr: "" });
  expect(JSON.parse(found.stdout)).toEqual({
    ...{ events: 7, findings: [{ place, problem: "its data does not match its checksum" }], findings_total: 1, not_checked: [] },
  });
  expect((await reprise(["log", "check", "-q"], { env: env(folder) })).stdout).toBe(`${place}\n`);
  const backup = await reprise(["backup", "--to", join(temporaryFolder(), "b")], { env: env(folder) });
  expect(backup).toMatchObject({ code: 3, stderr: expect.stringContaining("damaged") });
});

it("log check says so when the file is no log, or when there is none", async () => {
  const folder = temporaryFolder();
  expect(await reprise(["log", "check"], { env: env(join(folder, "none")) })).toMatchObject({ code: 2, stderr: expect.stringContaining("LOG_MISSING") });
  mkdirSync(join(folder, "text"));
  writeFileSync(join(folder, "text", "log.db"), "Dear diary, ".repeat(50));
  expect(await reprise(["log", "check"], { env: env(join(folder, "text")) })).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("does not begin as an SQLite file"),
  });
  expect(readFileSync(join(folder, "text", "log.db"), "utf8")).toContain("Dear diary");
});
