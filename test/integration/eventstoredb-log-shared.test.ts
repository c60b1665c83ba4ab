/** The log on an EventStoreDB that holds many events of others: what they are many of costs the log nothing, or the server's own looking through them. */
import { expect, it, onTestFinished, vi } from "vitest";
import { openEventStoreDbLog } from "../../src/log/eventstoredb/open-eventstoredb-log.ts";
import { anEvent, flat, stored } from "../contract/log-events.ts";
import { type Proposed, systemEvent } from "../support/eventstore-stand-in/database.ts";
import { type StandIn, startStandIn } from "../support/eventstore-stand-in/server.ts";

const many = 12_000;

async function aServer(): Promise<StandIn> {
  const server = await startStandIn();
  onTestFinished(() => server.stop());
  return server;
}

/** Events of another program, of types that the log has, too. */
function fill(server: StandIn, count: number, type = "order.placed"): void {
  const events: readonly Proposed[] = Array.from({ length: 100 }, () => systemEvent(type, {}));
  for (let n = 0; n < count; n += events.length)
    server.database.append(
      `others-${n}`,
      events.map((event) => ({ ...event, id: crypto.randomUUID() })),
      "any",
    );
}

async function openOn(server: StandIn, options: Parameters<typeof openEventStoreDbLog>[1] = {}) {
  const log = await openEventStoreDbLog(server.connectionString, options);
  onTestFinished(() => log.close());
  return log;
}

/** What a subscription from the beginning hands on until it is at the end of the log. */
async function untilLive(log: Awaited<ReturnType<typeof openOn>>, types?: readonly string[]): Promise<readonly unknown[]> {
  const leaving = new AbortController();
  const seen: unknown[] = [];
  for await (const { events, live } of log.subscribe({ after: 0n, signal: leaving.signal, ...(types && { filter: { types } }) })) {
    seen.push(...events.filter(({ tenant }) => tenant !== "reprise").map(({ data }) => data));
    if (live) break;
  }
  leaving.abort();
  return seen;
}

it("begins in its namespace where the log was begun there, and shows all of it", { timeout: 60_000 }, async () => {
  const server = await aServer();
  fill(server, many);
  const first = await openOn(server, { namespace: "ours:" });
  await first.append("shop.order-1", [anEvent(0)], "none");
  fill(server, 1000);
  await first.append("shop.order-1", [anEvent(1)], 0);
  const before = server.eventsSent;
  const log = await openOn(server, { namespace: "ours:" }); // as after a restart
  for (const types of [undefined, ["order.placed"]]) expect(await untilLive(log, types)).toEqual([0, 1]);
  expect((await stored(log)).map(({ data }) => data)).toEqual([0, 1]);
  expect((await flat(log.readAll({ direction: "backward" }))).map(({ type }) => type)).toEqual(["order.placed", "order.placed", "log.created"]);
  expect(server.eventsSent - before).toBeLessThan(many * 0.75);
});

it("has the server look through the events of others, however long that takes", { timeout: 60_000 }, async () => {
  const server = await aServer();
  const writer = await openOn(server);
  await writer.append("shop.order-1", [anEvent(0)], "none");
  fill(server, many, "page.viewed");
  await writer.append("shop.order-1", [anEvent(1)], 0);
  const log = await openOn(server, { limits: { idleMs: 300 } });
  server.filterSlowly(60); // more than a second in all: nothing that is wanted comes for longer than `idleMs`
  const before = server.eventsSent;
  expect(await untilLive(log, ["order.placed"])).toEqual([0, 1]);
  expect(server.eventsSent - before).toBeLessThan(many * 0.75);
});

it("looks itself at no more than a server may have left when that one falls silent, and has it filter the rest", { timeout: 60_000 }, async () => {
  const server = await aServer();
  const writer = await openOn(server);
  fill(server, many, "page.viewed");
  await writer.append("shop.order-1", [anEvent(1)], "none");
  const log = await openOn(server, { limits: { idleMs: 50 } });
  server.filterSlowly(500);
  const before = server.eventsSent;
  const calls = server.calls.subscribe;
  const seen = untilLive(log, ["order.placed"]);
  await vi.waitFor(() => expect(server.calls.subscribe - calls).toBeGreaterThanOrEqual(3), { timeout: 30_000, interval: 5 }); // the log's end, filtered, all
  server.filterSlowly(0);
  expect(await seen).toEqual([1]);
  expect(server.eventsSent - before).toBeLessThan(many * 0.75);
});

it("does not look again for its end through what others have written behind it", { timeout: 60_000 }, async () => {
  const server = await aServer();
  const log = await openOn(server);
  const [last] = await log.append("shop.order-1", [anEvent(0)], "none");
  fill(server, many);
  expect(await log.head()).toBe(last!.position);
  const before = server.eventsSent;
  expect(await log.head()).toBe(last!.position);
  expect(server.eventsSent - before).toBeLessThan(10);
  const other = await openOn(server);
  const [next] = await other.append("shop.order-2", [anEvent(1)], "none");
  expect(await log.head()).toBe(next!.position);
});
