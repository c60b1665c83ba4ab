import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { EventLog, ReadOnlyLog } from "../../src/log/event-log.ts";
import { openLogReadOnly } from "../../src/log/open-log.ts";
import { openSqliteLog, openSqliteLogReadOnly } from "../../src/log/sqlite/open-sqlite-log.ts";
import { anEvent, refuses } from "../contract/log-events.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A log with `count` events in it, open. */
async function ownedLog(folder: string, count: number): Promise<EventLog> {
  const log = await openSqliteLog(folder);
  onTestFinished(() => log.close());
  await appendTo(log, "default.order-1", count);
  return log;
}

async function appendTo(log: EventLog, stream: string, count: number): Promise<void> {
  for (let done = 0; done < count; done += 100)
    await log.append(
      stream,
      Array.from({ length: Math.min(100, count - done) }, () => anEvent()),
      "any",
    );
}

async function readOnly(folder: string, limits: Parameters<typeof openSqliteLogReadOnly>[1] = {}): Promise<ReadOnlyLog> {
  const log = await openSqliteLogReadOnly(folder, limits);
  onTestFinished(() => log.close());
  return log;
}

async function positions(log: ReadOnlyLog): Promise<readonly number[]> {
  const found: number[] = [];
  for await (const batch of log.readAll()) found.push(...batch.map(({ position }) => Number(position)));
  return found;
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const bytesOf = (folder: string) => new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).toString("base64")]));

describe("an embedded log opened for reading", () => {
  it("leaves every file as it was when nobody owns it", async () => {
    const folder = temporaryFolder();
    await (await ownedLog(folder, 300)).close();
    const before = bytesOf(folder);
    const log = await readOnly(folder);
    expect(await positions(log)).toEqual(upTo(301));
    expect(await log.head()).toBe(301n);
    expect(bytesOf(folder)).toEqual(before);
    await log.close();
    expect(bytesOf(folder)).toEqual(before);
  });

  it("is read beside its owner, who goes on, up to where it ended when the read began", async () => {
    const folder = temporaryFolder();
    const owner = await ownedLog(folder, 300);
    const log = await readOnly(folder, { limits: { batchEvents: 50 } });
    const found: number[] = [];
    for await (const batch of log.readAll()) {
      found.push(...batch.map(({ position }) => Number(position)));
      await appendTo(owner, "default.order-2", 1);
    }
    expect(found).toEqual(upTo(301));
    await expect(openSqliteLog(folder)).rejects.toMatchObject({ code: "LOG_IN_USE" });
    await appendTo(owner, "default.order-2", 5);
    expect(await owner.streamRevision("default.order-2")).toBe(11);
  });

  it("goes on where an owner starts, writes into the file and stops meanwhile", async () => {
    const folder = temporaryFolder();
    await (await ownedLog(folder, 300)).close();
    const log = await readOnly(folder, { limits: { batchEvents: 50 } });
    const found: number[] = [];
    for await (const batch of log.readAll()) {
      found.push(...batch.map(({ position }) => Number(position)));
      if (found.length !== 100) continue;
      const owner = await openSqliteLog(folder);
      await owner.truncate("default.order-1", 250);
      await appendTo(owner, "default.order-2", 200);
      await owner.close(); // brings all of it into log.db
    }
    // What was removed before it was read is not there; nothing else is missing.
    expect(found).toEqual([...upTo(100), ...upTo(301).slice(251)]);
  });

  it("has what only the write-ahead log has, after an unclean stop, and leaves it there", async () => {
    const folder = temporaryFolder();
    await ownedLog(folder, 20);
    const crashed = join(temporaryFolder(), "crashed");
    mkdirSync(crashed);
    for (const name of ["log.db", "log.db-wal"]) copyFileSync(join(folder, name), join(crashed, name));
    const before = bytesOf(crashed);
    const log = await readOnly(crashed);
    expect(await positions(log)).toEqual(upTo(21));
    await log.close();
    for (const [name, bytes] of before) expect(bytesOf(crashed).get(name)).toBe(bytes);
    const owner = await openSqliteLog(crashed);
    onTestFinished(() => owner.close());
    expect(await owner.head()).toBe(21n);
  });

  it("is not made where there is none", async () => {
    const folder = temporaryFolder();
    await refuses(openLogReadOnly(`sqlite:${folder}`), "LOG_MISSING");
    await refuses(openLogReadOnly(`sqlite:${join(folder, "none")}`), "LOG_MISSING");
    await refuses(openLogReadOnly("mysql://x"), "CONFIG_INVALID");
    expect(readdirSync(folder)).toEqual([]);
  });
});
