import { mkdirSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { describeEventLog } from "../contract/event-log.ts";
import { anAppend, makeModel } from "../contract/event-log-model.ts";
import { anEvent, answerOf, flat, refuses, stored } from "../contract/log-events.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describeEventLog("sqlite", async () => {
  const folder = temporaryFolder();
  return { log: await openSqliteLog(folder), reopen: () => openSqliteLog(folder) };
});

/** Limits so small that a few events already meet them, and a disk that is never quick. */
const tight = { groupEvents: 4, groupBytes: 2000, quickSyncMs: 0, batchEvents: 3, batchBytes: 500, scanPositions: 5, cachedStreams: 1 };

describeEventLog("sqlite with tight limits", async () => {
  const folder = temporaryFolder();
  return { log: await openSqliteLog(folder, { limits: tight }), reopen: () => openSqliteLog(folder, { limits: tight }) };
});

/** Another thread reads the pages of each subscription. */
const ahead = { batchEvents: 5, aheadBatches: 1 };

describeEventLog("sqlite whose pages are read ahead", async () => {
  const folder = temporaryFolder();
  return { log: await openSqliteLog(folder, { limits: ahead }), reopen: () => openSqliteLog(folder, { limits: ahead }) };
});

it("judges appends that share a commit in the order in which their tenant sent them, as the model does one by one (property)", {
  timeout: 60_000,
}, async () => {
  const folder = temporaryFolder();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anAppend, { maxLength: 40 }), fc.boolean(), async (appends, small) => {
      const log = await openSqliteLog(join(folder, String(run++)), { limits: small ? tight : {} });
      const model = makeModel();
      const answers = await Promise.all(appends.map((append) => answerOf(log, append)));
      expect(answers).toEqual(appends.map((append) => model.append(append)));
      // Tenants take turns: the order of the calls is that of each tenant.
      const kept = (await stored(log)).map(({ stream, revision, id }) => [stream, revision, id] as const);
      const expected = model.log.map(({ stream, revision, event }) => [stream, revision, event.id] as const);
      for (const tenant of new Set(expected.map(([stream]) => stream.split(".")[0]!))) {
        const ofTenant = ([stream]: readonly [string, number, string]) => stream.startsWith(`${tenant}.`);
        expect(kept.filter(ofTenant)).toEqual(expected.filter(ofTenant));
      }
      expect(kept).toHaveLength(expected.length);
      await log.close();
    }),
    { numRuns: 60 },
  );
});

it("lets recorded times go back only with a clock that was set back by more than a second, and says so", async () => {
  const folder = temporaryFolder();
  let now = Date.parse("2026-03-01T00:00:00Z");
  const clock = { now: () => now, monotonicMs: () => 0, after: () => ({ cancel: () => {} }) };
  const record = async (log: Awaited<ReturnType<typeof openSqliteLog>>) => (await log.append("shop.order-1", [anEvent()], "any"))[0]!.recordedAt;
  const log = await openSqliteLog(folder, { clock });
  now += 5000;
  expect(await record(log)).toBe("2026-03-01T00:00:05.000Z");
  now -= 900;
  expect(await record(log)).toBe("2026-03-01T00:00:05.000Z");
  await log.truncate("shop.order-1", 2);
  await log.close();
  const again = await openSqliteLog(folder, { clock });
  onTestFinished(() => again.close());
  expect(await record(again)).toBe("2026-03-01T00:00:05.000Z");
  now += 120_000;
  expect(await record(again)).toBe("2026-03-01T00:02:04.100Z");
  const tenYears = 10 * 365 * 86_400_000;
  now += tenYears;
  expect(await record(again)).toBe("2036-02-27T00:02:04.100Z");
  expect(again.warnings!()).toEqual([]);
  now -= tenYears;
  expect(await record(again)).toBe("2026-03-01T00:02:04.100Z");
  now += 1000;
  expect(await record(again)).toBe("2026-03-01T00:02:05.100Z");
  expect(again.warnings!().join()).toContain("set back: recorded times went back from 2036-02-27T00:02:04.100Z to 2026-03-01T00:02:04.100Z");
  expect((await flat(again.readAll())).map(({ position }) => Number(position))).toEqual([1, 4, 5, 6, 7, 8]);
});

it("takes no more appends than may wait for the disk, and says when to come again", async () => {
  const log = await openSqliteLog(temporaryFolder(), { limits: { queuedAppends: 3, queuedBytes: 100_000 } });
  onTestFinished(() => log.close());
  const append = (data = "") => log.append("shop.order-1", [anEvent(data)], "any");
  const waiting = [append(), append(), append()];
  await expect(append()).rejects.toMatchObject({ code: "LOG_UNAVAILABLE", retryAfterMs: 100 });
  await Promise.all(waiting);
  await append();
  const large = append("x".repeat(60_000));
  await refuses(append("x".repeat(60_000)), "LOG_UNAVAILABLE");
  await large;
  expect(await flat(log.readStream("shop.order-1"))).toHaveLength(5);
});

it("says which folder cannot be used", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "log.db"));
  await refuses(openSqliteLog(folder), "CONFIG_INVALID");
  await refuses(openSqliteLog("/dev/null/log"), "CONFIG_INVALID");
});
