/** log.db gets shorter by what was removed, beside appends; and a log of an earlier build as soon as it is written again. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EventLog } from "../../src/log/event-log.ts";
import { checkSqliteLog } from "../../src/log/sqlite/check.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { anEvent, stored } from "../contract/log-events.ts";
import { toFormat3 } from "../support/old-log.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const text = "x".repeat(900);
const streams = Array.from({ length: 50 }, (_, n) => `shop.order-${n}`);

async function fill(log: EventLog, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++)
    await Promise.all(streams.map((stream) => log.append(stream, Array.from({ length: 4 }, () => anEvent({ text })), "any"))); // biome-ignore format: one line
}

const bytesOf = (folder: string) => statSync(join(folder, "log.db")).size;
const cuts = streams.map((stream) => ({ stream, before: 60 }));

describe("log.db", () => {
  it("gets shorter by what was removed, while others append", async () => {
    const folder = temporaryFolder();
    const log = await openSqliteLog(folder);
    await fill(log, 20);
    await log.close();
    const before = bytesOf(folder);
    const again = await openSqliteLog(folder);
    let appended = 0;
    const rest = async () => {
      if (appended < 200) await again.append(`shop.other-${appended++ % 7}`, [anEvent({ text })], "any");
    };
    await again.truncateStreams(cuts, { after: 0n, through: await again.head(), rest });
    const { bytes, owed } = await again.freeRoom({ rest });
    expect(owed).toBeNull();
    expect(bytes).toBeGreaterThan(before / 2);
    expect(await stored(again)).toHaveLength(50 * 20 + appended);
    await again.close();
    expect(bytesOf(folder)).toBeLessThan(before * 0.35);
    const check = await checkSqliteLog(folder);
    expect(check.findings).toEqual([]);
    expect(check.events).toBe(50 * 20 + appended + 1);
  });

  it("of an earlier build keeps its length, takes new events into it, and gets shorter when it is written again", async () => {
    const folder = temporaryFolder();
    const log = await openSqliteLog(folder);
    await fill(log, 20);
    await log.close();
    toFormat3(join(folder, "log.db"));
    const before = bytesOf(folder);
    const old = await openSqliteLog(folder);
    await old.truncateStreams(cuts, { after: 0n, through: await old.head() });
    const { bytes, owed } = await old.freeRoom();
    expect(bytes).toBe(0);
    expect(owed).toMatch(/^log\.db was made by a build whose files could not shrink: \d+ bytes in it are free/);
    await fill(old, 5);
    await old.close();
    expect(bytesOf(folder)).toBe(before);

    const written = await openSqliteLog(folder);
    const events = await stored(written);
    expect((await written.freeRoom({ writeAgain: true })).owed).toBeNull();
    expect(await stored(written)).toEqual(events);
    await written.append("shop.order-1", [anEvent()], "any");
    await written.close();
    expect(bytesOf(folder)).toBeLessThan(before * 0.6);
    expect((await checkSqliteLog(folder)).findings).toEqual([]);
    const last = await openSqliteLog(folder);
    expect(await stored(last)).toHaveLength(events.length + 1);
    await last.truncateStreams(cuts.map(({ stream }) => ({ stream, before: 90 })), { after: 0n, through: await last.head() }); // biome-ignore format: one line
    expect((await last.freeRoom()).bytes).toBeGreaterThan(0);
    await last.close();
  });
});
