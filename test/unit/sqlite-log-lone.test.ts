import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import type { Clock } from "../../src/event/clock.ts";
import { beginInTurn } from "../../src/event/turns.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { anEvent } from "../contract/log-events.ts";
import { makeFakeClock } from "../support/fake-clock.ts";
import { serverOver } from "../support/http.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";
import { watchCommits } from "../support/watch-commits.ts";

const orderPlaced = defineEvent("order.placed", { 1: z.object({ orderId: z.string(), totalCents: z.int() }) });

afterEach(() => {
  vi.restoreAllMocks();
});

/** Counts the log's commits, by the turns of the event loop in which they are made. A turn in which nothing is committed is not told. */
function countCommits(took: () => void = () => {}) {
  const commits = watchCommits();
  const turns: number[] = [];
  let isNew = true;
  commits.instead = (commit, database) => {
    commit();
    if (!database.location()!.endsWith("log.db")) return;
    took();
    if (isNew) {
      isNew = false;
      turns.push(0);
      setImmediate(() => {
        isNew = true;
      });
    }
    turns[turns.length - 1]!++;
  };
  return turns;
}

async function openLog(clock: Clock = makeFakeClock()) {
  const log = await openSqliteLog(temporaryFolder(), { clock });
  const append = (stream: string) => log.append(`shop.order-${stream}`, [anEvent()], "any");
  return { log, append };
}

describe("a lone writer of the embedded log", () => {
  it("has up to eight appends stored in one turn of the event loop, then sockets and timers have their turn", async () => {
    const turns = countCommits();
    const { log, append } = await openLog();
    turns.length = 0;
    for (let number = 0; number < 24; number++) await append("1");
    expect(turns).toEqual([8, 8, 8]);
    await log.close();
  });

  it("has none stored after the first millisecond of a turn, however few there were", async () => {
    const clock = makeFakeClock();
    let nowMs = 0;
    let tookMs = 0;
    const turns = countCommits(() => {
      nowMs += tookMs;
    });
    const { log, append } = await openLog({ ...clock, monotonicMs: () => nowMs });
    turns.length = 0;
    tookMs = 0.4;
    for (let number = 0; number < 6; number++) await append("1");
    expect(turns.splice(0)).toEqual([3, 3]); // begun after 0, 0.4 and 0.8 ms
    await nextTurn();
    tookMs = 30; // a slow disk holds the thread for one commit, as ever
    for (let number = 0; number < 3; number++) await append("1");
    expect(turns).toEqual([1, 1, 1]);
    await log.close();
  });

  it("waits for its turn after anything else ran: another may ask there, too", async () => {
    const turns = countCommits();
    const { log, append } = await openLog();
    turns.length = 0;
    await append("1");
    await new Promise((resolve) => process.nextTick(resolve)); // all that the answer set off is over
    await Promise.all([append("1"), Promise.resolve().then(() => append("2"))]);
    expect(turns).toEqual([1, 1]);
    await log.close();
  });

  it("shares its next commit with whoever asks together with it", async () => {
    const turns = countCommits();
    const { log, append } = await openLog();
    turns.length = 0;
    await append("0");
    await Promise.all(Array.from({ length: 64 }, (_, number) => append(String(number))));
    expect(turns).toEqual([1, 1]);
    const write = async (writer: number) => {
      for (let number = 0; number < 10; number++) await append(String(writer));
    };
    await Promise.all(Array.from({ length: 64 }, (_, writer) => write(writer)));
    expect(turns).toEqual(Array.from({ length: 12 }, () => 1));
    await log.close();
  });

  it("is nobody who shared the last commit: another may be on its way in the same turn", async () => {
    const turns = countCommits();
    const { log, append } = await openLog();
    turns.length = 0;
    const write = async (writer: string, steps: number) => {
      for (let number = 0; number < 5; number++) {
        await append(writer);
        for (let step = 0; step < steps; step++) await null;
      }
    };
    await Promise.all([write("1", 0), write("2", 20)]);
    expect(turns).toEqual([1, 1, 1, 1, 1]);
    await log.close();
  });

  it("has none of Reprise's own records stored in its turn: they are synced off this thread", async () => {
    const turns = countCommits();
    const { log, append } = await openLog();
    turns.length = 0;
    await append("1");
    await Promise.all([log.append("reprise.journal-desk-1-0", [anEvent({ source: "reprise" })], "any"), append("1")]);
    expect(turns).toEqual([1, 1]);
    turns.length = 0;
    await append("1");
    await log.append("reprise.journal-desk-1-0", [anEvent({ source: "reprise" })], "any");
    expect(turns).toEqual([1, 1]);
    await log.close();
  });

  it("is nobody who asks over HTTP: connections that send one request after another share commits", async () => {
    const turns = countCommits();
    const store = await startStore(defineConfig({ events: [orderPlaced] }), temporaryFolder());
    const server = serverOver(store);
    const address = await server.listen();
    turns.length = 0;
    const client = async (number: number) => {
      const body = JSON.stringify({ type: "order.placed", entity: { type: "order", id: `o-${number}` }, data: { orderId: `o-${number}`, totalCents: 995 } });
      for (let sent = 0; sent < 20; sent++)
        expect((await fetch(`${address}/events`, { method: "POST", headers: { "content-type": "application/json" }, body })).status).toBe(201);
    };
    await client(0);
    await Promise.all(Array.from({ length: 16 }, (_, number) => client(number)));
    expect(Math.max(...turns)).toBe(1);
    expect(turns.length).toBeLessThan(20 + 16 * 20);
    await server.close();
  });

  // It comes last, because what it did is remembered for a second.
  it("waits for its turn while several tenants ask, who then share commits", async () => {
    const turns = countCommits();
    const { log, append } = await openLog();
    for (const tenant of ["mill", "shop"]) await beginInTurn(tenant);
    turns.length = 0;
    for (let number = 0; number < 3; number++) await append("1");
    expect(turns).toEqual([1, 1, 1]);
    await log.close();
  });
});
