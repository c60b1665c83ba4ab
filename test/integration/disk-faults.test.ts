import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { stored } from "../contract/log-events.ts";
import { until } from "../support/crash-service.ts";
import { type Fault, type FaultyDisk, hasDiskFaults, makeFaultyDisk } from "../support/disk-faults.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const childScript = fileURLToPath(new URL("../support/disk-faults-child.ts", import.meta.url));

/** What the process said, sorted. */
interface Told {
  readonly stored: string[];
  readonly seen: Set<string>;
  readonly refused: string[];
  /** In order; `null`: over. */
  readonly troubles: (string | null)[];
  /** Stored while there was trouble. */
  readonly storedInTrouble: string[];
  readonly seenInTrouble: string[];
  readonly cuts: string[];
}

function startWriter(disk: FaultyDisk, folder: string, quickSyncMs: number, checkpoints: "here" | "thread" = "here") {
  const child = spawn(process.execPath, [childScript, folder, String(quickSyncMs), checkpoints], {
    env: { ...process.env, ...disk.env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const told: Told = { stored: [], seen: new Set(), refused: [], troubles: [], storedInTrouble: [], seenInTrouble: [], cuts: [] };
  const lines = createInterface({ input: child.stdout });
  const closed = once(lines, "close");
  let inTrouble = false;
  lines.on("line", (line) => {
    const [what, value] = line.split(" ") as [string, string];
    if (what === "stored") {
      told.stored.push(value);
      if (inTrouble) told.storedInTrouble.push(value);
    } else if (what === "seen") {
      told.seen.add(value);
      if (inTrouble) told.seenInTrouble.push(value);
    } else if (what === "refused") told.refused.push(value);
    else if (what === "cut") told.cuts.push(value);
    else if (what === "trouble") {
      inTrouble = value !== "none";
      told.troubles.push(inTrouble ? value : null);
    }
  });
  return {
    told,
    /** Appends, and events followed, from now on. */
    more: async (what: "stored" | "refused", count: number) => {
      const enough = told[what].length + count;
      await until(`${count} more ${what}`, () => told[what].length >= enough);
    },
    kill: async () => {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

async function idsIn(folder: string): Promise<ReadonlySet<string>> {
  const log = await openSqliteLog(folder);
  const events = await stored(log);
  await log.close();
  const heads = new Map<string, number>();
  for (const { stream, revision } of events) {
    expect(revision).toBe((heads.get(stream) ?? -1) + 1);
    heads.set(stream, revision);
  }
  return new Set(events.map(({ id }) => id));
}

const missing = (wanted: Iterable<string>, held: ReadonlySet<string>) => [...wanted].filter((id) => !held.has(id));

describe.skipIf(!hasDiskFaults)("a disk that fails under an embedded log (needs Linux and cc)", { timeout: 120_000 }, () => {
  const places = [
    ["on the thread", 1000, "here"],
    ["off the thread", 0, "here"],
    ["on the thread, checkpoints on another", 1000, "thread"],
    ["off the thread, and checkpoints, too", 0, "thread"],
  ] as const;
  const syncs: readonly [string, Fault][] = [
    ["every sync", { act: "sync", code: "EIO", file: "/log.db" }],
    ["every sync of the write-ahead log", { act: "sync", code: "EIO", file: "/log.db-wal" }],
    ["one sync of the write-ahead log", { act: "sync", code: "EIO", file: "/log.db-wal", times: 1 }],
    ["three syncs", { act: "sync", code: "EIO", file: "/log.db", times: 3 }],
    ["a sync for want of room", { act: "sync", code: "ENOSPC", file: "/log.db-wal", times: 2 }],
  ];
  const cases = places.flatMap(([place, quickSyncMs, checkpoints]) => syncs.map(([what, fault]) => [what, place, fault, quickSyncMs, checkpoints] as const));

  it.each(cases)("%s fails (%s): a power cut then takes nothing that was acknowledged or handed on", async (_what, _place, fault, quickSyncMs, checkpoints) => {
    const disk = makeFaultyDisk();
    const folder = temporaryFolder();
    const writer = startWriter(disk, folder, quickSyncMs, checkpoints);
    await writer.more("stored", 200);
    disk.fail(fault);
    if (fault.times === undefined) await writer.more("refused", 100);
    else await writer.more("stored", 200);
    await writer.kill();
    const { told } = writer;
    if (fault.times === undefined) {
      expect(told.troubles).toEqual(["LOG_SYNC_FAILED"]);
      expect(told.storedInTrouble).toEqual([]);
      expect(told.seenInTrouble.filter((id) => !told.stored.includes(id))).toEqual([]);
      expect(new Set(told.refused)).toEqual(new Set(["LOG_SYNC_FAILED"]));
    }
    const left = await idsIn(disk.afterPowerCut(folder));
    expect(told.stored.length).toBeGreaterThan(150);
    expect(missing(told.stored, left)).toEqual([]);
    expect(missing(told.seen, left)).toEqual([]);
  });

  const threads = ["here", "thread"] as const;

  it.each(threads)("that gets well is used again, without anyone's doing, and a power cut takes nothing (checkpoints: %s)", async (checkpoints) => {
    const disk = makeFaultyDisk();
    const folder = temporaryFolder();
    const writer = startWriter(disk, folder, 0, checkpoints);
    for (let round = 0; round < 2; round++) {
      await writer.more("stored", 100);
      disk.fail({ act: "sync", code: "EIO", file: "/log.db" });
      await writer.more("refused", 50);
      disk.fail();
      await writer.more("stored", 2000); // more than a checkpoint's worth
    }
    await writer.kill();
    const { told } = writer;
    expect(told.troubles).toEqual(["LOG_SYNC_FAILED", null, "LOG_SYNC_FAILED", null]);
    const left = await idsIn(disk.afterPowerCut(folder));
    expect(missing(told.stored, left)).toEqual([]);
    expect(missing(told.seen, left)).toEqual([]);
  });

  it.each(threads)("syncs the write-ahead log, but not log.db: nothing acknowledged is lost, and it is told (checkpoints: %s)", async (checkpoints) => {
    const disk = makeFaultyDisk();
    const folder = temporaryFolder();
    const writer = startWriter(disk, folder, 1000, checkpoints);
    await writer.more("stored", 100);
    disk.fail({ act: "sync", code: "EIO", file: "/log.db$" });
    await until("trouble", () => writer.told.troubles.length > 0); // at the next checkpoint
    disk.fail();
    await writer.more("stored", 500);
    await writer.kill();
    expect(writer.told.troubles).toEqual(["LOG_SYNC_FAILED", null]);
    const left = await idsIn(disk.afterPowerCut(folder));
    expect(missing(writer.told.stored, left)).toEqual([]);
  });

  it.each([
    ["EIO", "LOG_UNAVAILABLE", "here"],
    ["ENOSPC", "LOG_FULL", "here"],
    ["ENOSPC", "LOG_FULL", "thread"],
  ] as const)(
    "cannot be written (%s): appends are refused with %s until it can, and nothing acknowledged is lost (checkpoints: %s)",
    async (code, refusal, checkpoints) => {
      const disk = makeFaultyDisk();
      const folder = temporaryFolder();
      const writer = startWriter(disk, folder, 1, checkpoints);
      await writer.more("stored", 200);
      disk.fail({ act: "write", code, file: "/log.db" });
      await writer.more("refused", 100);
      expect(writer.told.troubles).toEqual([refusal]);
      expect(new Set(writer.told.refused)).toEqual(new Set([refusal]));
      disk.fail();
      await writer.more("stored", 2000);
      await writer.kill();
      expect(writer.told.troubles).toEqual([refusal, null]);
      expect(missing(writer.told.stored, await idsIn(folder))).toEqual([]);
      const left = await idsIn(disk.afterPowerCut(folder));
      expect(missing(writer.told.stored, left)).toEqual([]);
      expect(missing(writer.told.seen, left)).toEqual([]);
    },
  );

  it("does not take what checkpoints write to log.db: appends go on, nothing is lost, and log.db has it all when it does", async () => {
    const disk = makeFaultyDisk();
    const folder = temporaryFolder();
    const writer = startWriter(disk, folder, 1, "thread");
    await writer.more("stored", 200);
    for (const code of ["EIO", "ENOSPC"] as const) {
      disk.fail({ act: "write", code, file: "/log.db$" });
      await writer.more("stored", 600);
      disk.fail();
      await writer.more("stored", 600);
    }
    await writer.kill();
    expect(writer.told.troubles).toEqual([]);
    expect(missing(writer.told.stored, await idsIn(disk.afterPowerCut(folder)))).toEqual([]);
    expect(missing(writer.told.stored, await idsIn(folder))).toEqual([]);
  });

  it("loses its power, or its process, at any moment of a checkpoint: nothing acknowledged is lost", async () => {
    for (let round = 0; round < 5; round++) {
      const disk = makeFaultyDisk();
      const folder = temporaryFolder();
      const writer = startWriter(disk, folder, round % 2, "thread");
      await writer.more("stored", 250 + 61 * round);
      await writer.kill();
      expect(missing(writer.told.stored, await idsIn(disk.afterPowerCut(folder)))).toEqual([]);
      expect(missing(writer.told.stored, await idsIn(folder))).toEqual([]);
    }
  });

  it.each(threads)("cannot be read: nothing is lost, and all goes on when it can (checkpoints: %s)", async (checkpoints) => {
    const disk = makeFaultyDisk();
    const folder = temporaryFolder();
    const writer = startWriter(disk, folder, 1, checkpoints);
    await writer.more("stored", 2000);
    disk.fail({ act: "read", code: "EIO", file: "/log.db" });
    await until("refusals", () => writer.told.refused.length + writer.told.cuts.length > 5);
    disk.fail();
    await writer.more("stored", 500);
    await writer.kill();
    expect(new Set([...writer.told.refused, ...writer.told.cuts])).toEqual(new Set(["LOG_UNAVAILABLE"]));
    const left = await idsIn(disk.afterPowerCut(folder));
    expect(missing(writer.told.stored, left)).toEqual([]);
    expect(missing(writer.told.seen, left)).toEqual([]);
  });
});
