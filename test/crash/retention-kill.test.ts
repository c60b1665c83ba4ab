/** A run that archives events is killed at any moment, and meets a full disk: nothing is lost, nothing is archived twice, and the next run goes on. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/event/clock.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import { isEntityStream } from "../../src/event/names.ts";
import { checkSqliteLog } from "../../src/log/sqlite/check.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { openArchive } from "../../src/retention/archive/open-archive.ts";
import { anEvent, flat } from "../contract/log-events.ts";
import { makeRandom } from "../support/partition-model.ts";
import { goesByForce } from "../support/retention-rules.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const kills = size(3, 30, "REPRISE_CRASH_KILLS");
const seed = Number(process.env.REPRISE_CRASH_SEED ?? Date.now() % 1_000_000_000);
const childScript = fileURLToPath(new URL("../support/retention-child.ts", import.meta.url));
const types = ["order", "chat", "trace", "other"];
const key = ({ stream, revision }: StoredEvent) => `${stream} ${revision}`;

/** A log with events an hour apart. */
async function aLog(folder: string, appends: number) {
  let nowMs = Date.parse("2026-01-01T00:00:00Z");
  const log = await openSqliteLog(folder, { clock: { ...systemClock, now: () => nowMs } });
  for (let n = 0; n < appends; n += 20) {
    nowMs += 3_600_000;
    const some = Array.from({ length: 20 }, (_, index) => (n + index) * 7 % 200); // biome-ignore format: one line
    await Promise.all(some.map((entity) => log.append(`shop.${types[entity % 4]}-${entity}`, Array.from({ length: 5 }, () => anEvent({ n, text: "x".repeat(200) })), "any"))); // biome-ignore format: one line
  }
  const events = (await flat(log.readAll())).filter(({ stream }) => isEntityStream(stream));
  await log.close();
  const times = new Map<string, number[]>();
  for (const { stream, recordedAt } of events) times.set(stream, [...(times.get(stream) ?? []), Date.parse(recordedAt)]);
  const goes = new Set<string>();
  for (const [stream, recordedMs] of times)
    for (let revision = 0; revision < goesByForce(stream, recordedMs, nowMs); revision++) goes.add(`${stream} ${revision}`);
  return { nowMs, events, goes };
}

/** @param perSecond of events, for a run that is to be killed: else it may have ended before. */
function start(folder: string, archive: string, nowMs: number, { perSecond = 8000, before = "" } = {}): ChildProcess & { told: () => string } {
  const node = `exec "${process.execPath}" --conditions=@reprise/source "${childScript}" "${folder}" "${archive}" ${nowMs} ${perSecond}`;
  const child = spawn("sh", ["-c", `${before} ${node}`], { stdio: ["ignore", "pipe", "ignore"] });
  let told = "";
  child.stdout.on("data", (text: Buffer) => void (told += text.toString()));
  return Object.assign(child, { told: () => told });
}

async function mustBeWhole(folder: string, archive: string, { events, goes }: Awaited<ReturnType<typeof aLog>>): Promise<void> {
  expect((await checkSqliteLog(folder)).findings).toEqual([]);
  const log = await openSqliteLog(folder);
  const left = (await flat(log.readAll())).filter(({ stream }) => isEntityStream(stream)).map(key);
  const opened = await openArchive(`file:${archive}`, log.logId);
  const archived: StoredEvent[] = [];
  for (const { name } of await opened.segments()) for await (const batch of opened.read(name)) for (const event of batch) archived.push(event);
  await opened.close();
  await log.close();
  const compare = (one: string, other: string) => (one < other ? -1 : 1);
  expect(archived.map(key).sort(compare)).toEqual([...goes].sort(compare));
  expect(left).toEqual(events.map(key).filter((one) => !goes.has(one)));
  const known = new Map(events.map((event) => [key(event), event]));
  for (const event of archived) expect(event).toEqual(known.get(key(event)));
}

describe("a run", () => {
  it(`is gone on with after it was killed at any moment (REPRISE_CRASH_SEED=${seed})`, { timeout: 300_000 }, async () => {
    const [folder, archive] = [join(temporaryFolder(), "log"), temporaryFolder()];
    const filled = await aLog(folder, size(600, 4000));
    const random = makeRandom(seed);
    let killed = 0;
    for (;;) {
      const child = start(folder, archive, filled.nowMs, killed < kills ? { perSecond: 1000 } : {});
      while (!child.told().includes("begun") && child.exitCode === null) await wait(5);
      const ended = once(child, "exit");
      if (killed < kills) await Promise.race([wait(random() * 600), ended]);
      if (killed < kills && child.kill("SIGKILL")) killed++;
      await ended;
      if (child.told().includes("ended")) break;
    }
    expect(killed).toBeGreaterThan(0);
    await mustBeWhole(folder, archive, filled);
  });

  it("ends where there is no room, and the next one goes on", { timeout: 120_000 }, async () => {
    const [folder, archive] = [join(temporaryFolder(), "log"), temporaryFolder()];
    const filled = await aLog(folder, 400);
    for (const kibibytes of [8, 64]) {
      // No file may get longer than this: neither a segment nor the write-ahead log.
      const child = start(folder, archive, filled.nowMs, { before: `ulimit -f ${kibibytes};` });
      await once(child, "exit");
      expect(child.told()).not.toContain("ended");
    }
    const child = start(folder, archive, filled.nowMs);
    await once(child, "exit");
    expect(child.told()).toContain("ended");
    await mustBeWhole(folder, archive, filled);
  });
});
