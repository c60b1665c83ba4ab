/** Delivery over a log server that drops subscriptions, is slow, moves its leader, and leaves it unclear what was stored. */
import { setTimeout as elapse } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { isRepriseError } from "../../src/errors.ts";
import { newId } from "../../src/event/ids.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import { type Fault, type StandIn, startStandIn } from "../support/eventstore-stand-in/server.ts";
import { checkHistory, countDeliveries, type History, makeHistory } from "../support/history-checker.ts";
import { makeRandom } from "../support/partition-model.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerShows, logRows, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ n: z.int() }) });

async function standIn(database?: StandIn["database"]): Promise<StandIn> {
  const server = await startStandIn(database === undefined ? {} : { database });
  onTestFinished(() => server.stop());
  return server;
}

/** Fails the first attempt of one event in eleven. */
function configOf(history: History) {
  const mailer = defineHandler({
    name: "mailer",
    concurrency: 8,
    retry: { maxAttempts: 3, initialDelayMs: 3, maxDelayMs: 10 },
    events: [placed],
    on: {
      "order.placed": async ({ entity, tenant, revision, data }, { attempt, deliveryId, replay }) => {
        const call = history.begin({ lane: `${tenant}.order-${entity.id}`, revision, attempt, deliveryId, replayId: replay?.id ?? null });
        await elapse(2);
        const fails = data.n % 11 === 0 && attempt === 1;
        history.end(call, fails ? "failed" : "completed");
        if (fails) throw new Error("once");
      },
    },
  });
  return defineConfig({ events: [placed], handlers: [mailer], limits: { flushMs: 5, readAheadEvents: 60, laneQueueEvents: 4 } });
}

const troubles: Readonly<Record<string, (server: StandIn, other: StandIn, random: () => number, n: number) => void>> = {
  "subscriptions dropped": (server) => server.dropSubscriptions(),
  "subscriptions dropped, and confirmed late": (server) => {
    server.delayNext("subscribe", 300);
    server.dropSubscriptions();
  },
  "subscriptions refused for a while": (server, _other, _random, n) => {
    if (n % 300 !== 0) return; // the waits grow
    server.failNext("subscribe", { status: status.UNAVAILABLE }, 3);
    server.dropSubscriptions();
  },
  "slow answers": (server, _, random) => server.slow(random() < 0.5 ? 30 : 0),
  "unclear appends": (server, _, random) => {
    const faults: readonly Fault[] = ["ambiguous-after-store", "timeout-after-store", { status: status.UNAVAILABLE }];
    server.failNext("append", faults[Math.floor(random() * faults.length)]!, 1 + Math.floor(random() * 3));
  },
  "reads refused": (server) => server.failNext("read", { status: status.UNAVAILABLE }, 2),
  "the leader moved": (server, other) => {
    server.setLeader({ address: "127.0.0.1", port: other.port });
    server.failNext("append", "not-leader");
    server.failNext("subscribe", "not-leader");
    server.dropSubscriptions();
  },
};

describe("delivery goes on without a gap, a double call or another order", { timeout: 60_000 }, () => {
  it.each(Object.keys(troubles))("%s", async (name) => {
    const server = await standIn();
    const other = await standIn(server.database);
    const history = makeHistory();
    const place = { log: server.connectionString, data: temporaryFolder() };
    const store = await startStore(configOf(history), place);
    const random = makeRandom(3);
    let repeated = 0;
    const count = 600;
    for (let n = 0; n < count; n += 6) {
      if (n % 60 === 0) troubles[name]!(server, other, random, n);
      const events = Array.from(
        { length: 6 },
        (_, index): EventInput => ({
          id: newId(),
          type: "order.placed",
          entity: { type: "order", id: String(Math.floor(random() * 20)) },
          data: { n: n + index },
        }),
      );
      for (;;) {
        try {
          await store.append(events);
          break;
        } catch (error) {
          if (!isRepriseError(error, "LOG_UNAVAILABLE")) throw error;
          repeated++;
        }
      }
    }
    server.slow(0);
    await handlerShows(store, place, "mailer", { waiting: 0, done: count });
    const counted = countDeliveries(await logRows(place), "mailer");
    expect(counted.statuses.size).toBe(count);
    expect(checkHistory(history.calls, counted)).toEqual([]);
    expect(history.calls.filter(({ outcome }) => outcome === "completed")).toHaveLength(count);
    console.info(`${name}: ${count} events, ${history.calls.length} calls, ${repeated} appends repeated by the caller`);
    await expect.poll(() => store.notReady(), { timeout: 30_000 }).toBeNull(); // a refused read may have been the last thing that happened
    await store.close();
    await expect.poll(() => server.openReads + other.openReads).toBe(0);
  });
});

describe("an idle store", { timeout: 30_000 }, () => {
  it("writes signs of life, of which one is kept, and reads nothing, on a log server", async () => {
    const server = await standIn();
    const history = makeHistory();
    const place = { log: server.connectionString, data: temporaryFolder() };
    const store = await startStore(configOf(history), place);
    await store.append({ type: "order.placed", entity: { type: "order", id: "a" }, data: { n: 1 } });
    await handlerShows(store, place, "mailer", { waiting: 0, done: 1 });
    await elapse(500); // what is still to be recorded
    const before = { ...server.calls };
    const stored = server.database.log.length;
    await elapse(7000);
    const beats = server.database.log.slice(stored);
    expect(beats.length).toBeGreaterThanOrEqual(2);
    expect(beats.length).toBeLessThanOrEqual(3);
    expect(new Set(beats.map(({ stream }) => stream.replace(/-[0-9a-f-]{36}$/, "")))).toEqual(new Set(["reprise-beat"]));
    expect(server.calls).toEqual({ ...before, append: before.append + beats.length });
    expect(server.database.readStream(beats[0]!.stream, "start", "forward", 100)).toMatchObject({ is: "found", records: { length: 1 } });
    expect(store.notReady()).toBeNull();
  });

  it("asks again with growing waits while the server is away, and says that it is away", async () => {
    const server = await standIn();
    const place = { log: server.connectionString, data: temporaryFolder() };
    const store = await startStore(configOf(makeHistory()), place);
    server.failNext("subscribe", { status: status.UNAVAILABLE }, 1000);
    const before = server.calls.subscribe;
    server.dropSubscriptions();
    await expect.poll(() => store.notReady()).toMatch(/^the log: Following the log failed/);
    await elapse(3000);
    expect(server.calls.subscribe - before).toBeLessThan(12);
  });
});
