/** The log on EventStoreDB when the server is away, slow, moved or unclear, and when others have written into it. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { binaryEvent, EventStoreDBClient, jsonEvent } from "@eventstore/db-client";
import { status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished } from "vitest";
import { newId } from "../../src/event/ids.ts";
import { type EventFilter, type EventLog, endedForGood } from "../../src/log/event-log.ts";
import { type EventStoreDbLog, type EventStoreDbOptions, openEventStoreDbLog } from "../../src/log/eventstoredb/open-eventstoredb-log.ts";
import { openLogReadOnly } from "../../src/log/open-log.ts";
import { anEvent, flat, refuses, stored } from "../contract/log-events.ts";
import { systemEvent } from "../support/eventstore-stand-in/database.ts";
import { type Fault, type StandIn, startStandIn } from "../support/eventstore-stand-in/server.ts";
import { eventually } from "../support/eventually.ts";

/** Waits of milliseconds in place of seconds. */
/** Of what fails; an answer may take as long as on a machine that is busy with something else. */
const brisk = { repeatDelayMs: 5, maxRepeatDelayMs: 40, idleMs: 50, answerMs: 10_000 };

/** Where an answer is awaited in vain. */
const impatient = { limits: { answerMs: 1000 } };

async function openPair(options: EventStoreDbOptions = {}): Promise<{ readonly server: StandIn; readonly log: EventStoreDbLog }> {
  const server = await startStandIn();
  onTestFinished(() => server.stop());
  return { server, log: await openOn(server, options) };
}

async function openOn(server: StandIn, options: EventStoreDbOptions = {}): Promise<EventStoreDbLog> {
  const log = await openEventStoreDbLog(server.connectionString, { ...options, limits: { ...brisk, ...options.limits } });
  onTestFinished(() => log.close());
  return log;
}

function connect(server: StandIn): EventStoreDBClient {
  const client = EventStoreDBClient.connectionString(server.connectionString);
  onTestFinished(() => client.dispose());
  return client;
}

/** A consumer that keeps the data of what it is handed. */
function follow(log: EventLog, filter?: EventFilter, after = 0n) {
  const controller = new AbortController();
  const seen: unknown[] = [];
  const state = { position: after, live: false };
  const ended = (async () => {
    for await (const batch of log.subscribe({ after, signal: controller.signal, ...(filter === undefined ? {} : { filter }) })) {
      expect(batch.position).toBeGreaterThanOrEqual(state.position);
      seen.push(...batch.events.filter(({ tenant }) => tenant !== "reprise").map(({ data }) => data));
      Object.assign(state, { position: batch.position, live: batch.live });
    }
  })();
  onTestFinished(async () => {
    controller.abort();
    await ended.catch(() => {});
  });
  return { seen, state, ended };
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("an append", () => {
  const passing: readonly [string, Fault][] = [
    ["the connection breaks after it was stored", "ambiguous-after-store"],
    ["the server takes too long after it was stored", "timeout-after-store"],
    ["no answer comes though it was stored", "silence"],
    ["the server is not ready", { status: status.UNAVAILABLE }],
    ["the server is not the leader", "not-leader"],
  ];
  for (const [why, fault] of passing)
    it(`is stored once when ${why}`, async () => {
      const { server, log } = await openPair(fault === "silence" ? impatient : {});
      server.setLeader({ address: "127.0.0.1", port: server.port });
      await log.append("shop.order-1", [anEvent(0)], "none");
      server.failNext("append", fault);
      const events = [anEvent(1), anEvent(2)];
      const answer = await log.append("shop.order-1", events, "any");
      expect(answer.map(({ revision, duplicate }) => [revision, duplicate])).toEqual([
        [1, false],
        [2, false],
      ]);
      const all = await stored(log);
      expect(all.map(({ data }) => data)).toEqual([0, 1, 2]);
      // Where the first answer came before the break, it knows the last event's position only: that of the append.
      expect(answer.at(-1)!.position).toBe(all.at(-1)!.position);
      expect(answer[0]!.position >= all[1]!.position && answer[0]!.position <= all[2]!.position).toBe(true);
      const repeated = await log.append("shop.order-1", events, "any");
      expect(repeated).toEqual(answer.map((event, i) => ({ ...event, position: all[i + 1]!.position, duplicate: true })));
    });

  it("that others repeat after its answer got lost is a duplicate, also when the server has forgotten the ids", async () => {
    const { server, log } = await openPair();
    const events = [anEvent(1)];
    server.failNext("append", "ambiguous-after-store", 10);
    await refuses(log.append("shop.order-1", events, "any"), "LOG_UNAVAILABLE");
    server.database.forgetIds();
    for (let left = server.calls.append; left < 11; left++) await log.append("shop.order-9", [anEvent()], "any").catch(() => {});
    const [answer] = await log.append("shop.order-1", events, "any");
    expect(answer).toMatchObject({ revision: 0, duplicate: true });
    const other = await openOn(server);
    expect((await other.append("shop.order-1", events, "none"))[0]).toMatchObject({ revision: 0, duplicate: true });
    expect(await flat(log.readStream("shop.order-1"))).toHaveLength(1);
  });

  it("follows the leader to another node", async () => {
    const { server, log } = await openPair();
    const leader = await startStandIn({ database: server.database });
    onTestFinished(() => leader.stop());
    server.setLeader({ address: "127.0.0.1", port: leader.port });
    server.failNext("append", "not-leader");
    await log.append("shop.order-1", [anEvent(1)], "none");
    expect(leader.calls.append).toBe(1);
  });

  it("is refused with the reason while it is not allowed, and is stored once it is allowed again", async () => {
    const { server, log } = await openPair();
    server.failNext("append", "denied");
    await refuses(log.append("shop.order-1", [anEvent()], "any"), "LOG_UNAVAILABLE");
    server.failNext("append", "unauthenticated");
    await expect(log.append("shop.order-1", [anEvent()], "any")).rejects.toThrow(/does not accept these credentials/);
    expect((await log.append("shop.order-1", [anEvent()], "none"))[0]?.revision).toBe(0);
  });

  it.each([
    { busy: 40, stored: true },
    { busy: Number.POSITIVE_INFINITY, stored: false },
  ])("is tried again for as long as an answer may take while another writer is always first ($busy times)", async ({ busy, stored: isStored }) => {
    const { server, log } = await openPair(isStored ? {} : impatient);
    await log.append("shop.order-1", [anEvent(0)], "none");
    const database = server.database as { append: StandIn["database"]["append"] };
    const { append } = database;
    let left = busy;
    database.append = (stream, events, expected) => {
      if (stream === "shop.order-1" && left-- > 0) append(stream, [systemEvent("theirs", {})], "any");
      return append(stream, events, expected);
    };
    const answer = log.append("shop.order-1", [anEvent("ours")], "any");
    if (isStored) expect((await answer)[0]).toMatchObject({ revision: busy + 1, duplicate: false });
    else await expect(answer).rejects.toMatchObject({ code: "LOG_UNAVAILABLE", message: expect.stringMatching(/Others append/), retryAfterMs: 100 });
    expect((await flat(log.readStream("shop.order-1"))).filter(({ data }) => data === "ours")).toHaveLength(isStored ? 1 : 0);
  });

  it("whose ids are new is stored once when its answer got lost and another process has appended behind it", async () => {
    const { server, log } = await openPair();
    await log.append("shop.order-1", [anEvent(0)], "none");
    const database = server.database as { append: StandIn["database"]["append"] };
    const { append } = database;
    database.append = (stream, events, expected) => {
      const stored = append(stream, events, expected);
      append(stream, [systemEvent("theirs", {})], "any");
      // It does not see that the same append is a repeat, however often it comes: an answer may be late once more.
      database.append = (again, repeated, then) => (then === expected ? { is: "wrong-expected-version", actual: 2 } : append(again, repeated, then));
      return stored;
    };
    server.failNext("append", "ambiguous-after-store");
    expect(await log.append("shop.order-1", [anEvent("ours")], "any", { idsAreNew: true })).toMatchObject([{ revision: 1, duplicate: true }]);
    expect((await flat(log.readStream("shop.order-1"))).filter(({ data }) => data === "ours")).toHaveLength(1);
  });

  it("goes on where another process has appended meanwhile", async () => {
    const { server, log } = await openPair();
    const other = await openOn(server);
    await log.append("shop.order-1", [anEvent(0)], "none");
    const theirs = anEvent(1);
    await other.append("shop.order-1", [theirs], 0);
    expect((await log.append("shop.order-1", [anEvent(2)], "any"))[0]?.revision).toBe(2);
    await other.append("shop.order-1", [anEvent(3)], 2);
    await refuses(log.append("shop.order-1", [anEvent()], 2), "REVISION_CONFLICT", { expected: 2, actual: 3 });
    expect((await log.append("shop.order-1", [anEvent(4)], 3))[0]?.revision).toBe(4);
    expect((await log.append("shop.order-1", [theirs], "any"))[0]).toMatchObject({ revision: 1, duplicate: true });
  });

  it("is stored once, and its late answer ends no process, when the connection of another log of the process breaks", async () => {
    const { server, log } = await openPair();
    const other = await openOn(server);
    await other.append("shop.order-2", [anEvent()], "any"); // now both have a connection's stream for appends
    const sent = server.calls.append;
    server.delayNext("append", 60);
    const event = anEvent();
    const appending = log.append("shop.order-1", [event], "none");
    await eventually(() => expect(server.calls.append).toBe(sent + 1));
    await other.close();
    expect(await appending).toMatchObject([{ id: event.id, revision: 0 }]);
    server.delayNext("append", 90); // answered when the first answer has long come, too
    await log.append("shop.order-1", [anEvent()], 0);
    expect((await flat(log.readStream("shop.order-1"))).map(({ id }) => id)[0]).toBe(event.id);
    expect(await log.streamRevision("shop.order-1")).toBe(1);
  });

  it("is refused when too many wait", async () => {
    const { server, log } = await openPair({ limits: { queuedAppends: 2 } });
    server.delayNext("append", 50);
    const waiting = [1, 2].map(() => log.append("shop.order-1", [anEvent()], "any"));
    await expect(log.append("shop.order-1", [anEvent()], "any")).rejects.toMatchObject({ code: "LOG_UNAVAILABLE", retryAfterMs: 100 });
    await Promise.all(waiting);
  });
});

describe("a subscription", () => {
  const filters: readonly (EventFilter | undefined)[] = [undefined, { types: ["order.placed"] }, { streamPrefixes: ["shop.order"] }];
  for (const filter of filters)
    it(`sees all once and in order over drops, restarts and late confirmations (${JSON.stringify(filter ?? "all")})`, { timeout: 60_000 }, async () => {
      const { server, log } = await openPair({ limits: { tailEvents: 16 } });
      for (let i = 0; i < 100; i++) await log.append(`shop.order-${i % 3}`, [anEvent(i)], "any");
      const follower = follow(log, filter);
      for (let i = 100; i < 400; i++) {
        if (i % 60 === 10) server.dropSubscriptions();
        if (i % 60 === 20) server.delayNext("subscribe", 30);
        if (i % 60 === 30) server.failNext("subscribe", { status: status.UNAVAILABLE });
        if (i % 60 === 40) server.writeSystemEvent();
        if (i === 250) {
          await server.stop();
          await server.start();
        }
        const event = anEvent(i);
        await eventually(() => log.append(`shop.order-${i % 3}`, [event], "any"));
        await log.append("shop.item-1", [{ ...anEvent("other"), type: "item.seen" }], "any");
      }
      const wanted = () => follower.seen.filter((data) => data !== "other");
      await eventually(() => expect(wanted().length).toBeGreaterThanOrEqual(400));
      expect(wanted()).toEqual(upTo(400));
      const head = await log.head();
      await eventually(() => expect(follower.state).toEqual({ position: head, live: true }));
      if (filter !== undefined) expect(follower.seen).toHaveLength(400);
    });

  it("asks again with waits while the server is away, and ends when its reader leaves", async () => {
    const { server, log } = await openPair();
    const follower = follow(log);
    await eventually(() => expect(follower.state.live).toBe(true));
    await server.stop();
    await eventually(() => expect(follower.state.live).toBe(false));
    await refuses(log.append("shop.order-1", [anEvent()], "any"), "LOG_UNAVAILABLE");
    const late = follow(log);
    const before = server.calls.subscribe;
    await server.start();
    await log.append("shop.order-1", [anEvent(0)], "any");
    await eventually(() => expect([follower.seen, late.seen]).toEqual([[0], [0]]));
    expect(server.calls.subscribe - before).toBeLessThan(10);
    await log.close();
    await Promise.all([follower.ended, late.ended]);
    await eventually(() => expect(server.openReads).toBe(0));
  });

  it("is begun again when the server does not confirm it", async () => {
    const { server, log } = await openPair({ limits: { ...impatient.limits, tailEvents: 2 } });
    for (let i = 0; i < 10; i++) await log.append("shop.order-1", [anEvent(i)], "any");
    server.failNext("subscribe", "silence");
    const follower = follow(log);
    await eventually(() => expect(follower.state.live).toBe(true));
    server.failNext("subscribe", "silence", 2);
    server.dropSubscriptions();
    await log.append("shop.order-1", [anEvent(10)], "any");
    const late = follow(log);
    await eventually(() => expect([follower.seen, late.seen]).toEqual([upTo(11), upTo(11)]));
  });

  it("costs the server nothing while the log is idle, but for its own statistics", async () => {
    const { server, log } = await openPair();
    await log.append("shop.order-1", [anEvent(0)], "none");
    const follower = follow(log);
    await eventually(() => expect(follower.state.live).toBe(true));
    const { append, read, subscribe } = server.calls;
    const { position } = follower.state;
    for (let i = 0; i < 5; i++) server.writeSystemEvent();
    await log.append("shop.order-1", [anEvent(1)], "any");
    await eventually(() => expect(follower.seen).toEqual([0, 1]));
    expect(server.calls).toMatchObject({ append: append + 1, read, subscribe });
    expect(follower.state.position).toBeGreaterThan(position);
    server.writeSystemEvent();
    expect(await log.head()).toBe(follower.state.position);
  });

  it("holds the server back while nobody takes its batches", { timeout: 120_000 }, async () => {
    const { log } = await openPair({ limits: { tailEvents: 8, batchEvents: 8 } }); // half a megabyte an append
    const data = "x".repeat(10_000);
    for (let i = 0; i < 40; i++)
      await log.append(
        "shop.order-1",
        Array.from({ length: 50 }, () => anEvent(data)),
        "any",
      );
    const iterator = log.subscribe({ after: 0n, signal: new AbortController().signal })[Symbol.asyncIterator]();
    let seen = 0;
    while (seen < 2000) {
      const { value } = (await iterator.next()) as { readonly value: { readonly events: readonly unknown[] } };
      expect(value.events.length).toBeLessThanOrEqual(8);
      seen += value.events.filter((event) => (event as { readonly data: unknown }).data === data).length;
    }
    await iterator.return?.();
  });

  it("refuses a position at which no event ever was, and begins at one whose event was scavenged", async () => {
    const { server, log } = await openPair();
    const [, , third] = await log.append("shop.order-1", [anEvent(0), anEvent(1), anEvent(2)], "none");
    const [first] = await stored(log);
    await log.append("shop.order-2", [anEvent(3)], "none");
    await refuses(
      log
        .subscribe({ after: first!.position + 1n, signal: new AbortController().signal })
        [Symbol.asyncIterator]()
        .next(),
      "LOG_BEHIND_CHECKPOINT",
    );
    const features = server.calls.features;
    for (const direction of ["forward", "backward"] as const)
      await refuses(flat(log.readAll({ after: first!.position + 1n, direction })), "LOG_BEHIND_CHECKPOINT");
    expect(await flat(log.readAll({ after: 10n ** 12n }))).toEqual([]);
    expect(log.trouble?.()).toBeNull();
    expect(server.calls.features).toBe(features); // it was answered: no reason for another connection
    await log.truncate("shop.order-1", 2);
    server.database.scavenge();
    const follower = follow(log, undefined, first!.position);
    await eventually(() => expect(follower.seen).toEqual([2, 3]));
    expect(third!.revision).toBe(2);
  });
});

describe("opening", () => {
  it("for reading only begins no log where there is none, and reads one that there is", async () => {
    const server = await startStandIn();
    onTestFinished(() => server.stop());
    const client = connect(server);
    await refuses(openLogReadOnly(server.connectionString), "LOG_MISSING");
    const events = [];
    for await (const { event } of client.readAll()) if (event !== undefined && !event.streamId.startsWith("$")) events.push(event);
    expect(events).toEqual([]);
    const log = await openOn(server);
    await log.append("shop.order-1", [anEvent("ours")], "none");
    await client.appendToStream("shop.order-1", binaryEvent({ type: "OrderPlaced", data: Buffer.from([1]) }));
    const reader = await openLogReadOnly(server.connectionString);
    onTestFinished(() => reader.close());
    expect(reader.logId).toBe(log.logId);
    expect((await flat(reader.readAll())).map(({ type }) => type)).toEqual(["log.created", "order.placed", "OrderPlaced"]);
    expect(reader.passedOver).toBe(1);
  });

  it("says when the server is away, and when it refuses the credentials", async () => {
    const server = await startStandIn();
    onTestFinished(() => server.stop());
    server.failNext("read", "unauthenticated");
    await refuses(openEventStoreDbLog(server.connectionString, { limits: brisk }), "CONFIG_INVALID");
    server.failNext("append", "denied");
    await refuses(openEventStoreDbLog(server.connectionString, { limits: brisk }), "CONFIG_INVALID");
    await server.stop();
    await expect(openEventStoreDbLog(server.connectionString, { limits: brisk })).rejects.toMatchObject({ code: "LOG_UNAVAILABLE", retryAfterMs: 1000 });
    const secret = openEventStoreDbLog("esdb://admin:s3cret@host:port:x");
    await refuses(secret, "CONFIG_INVALID");
    await expect(secret).rejects.not.toThrow(/s3cret/);
  });

  it("gives all that begin the log at once the same id", async () => {
    const server = await startStandIn();
    onTestFinished(() => server.stop());
    const logs = await Promise.all(Array.from({ length: 5 }, () => openOn(server)));
    expect(new Set(logs.map(({ logId }) => logId)).size).toBe(1);
    expect(await flat(logs[0]!.readStream("reprise.log"))).toHaveLength(1);
  });

  it("finds the leader by gossip, and sees conflicts also with a setting that hides them", async () => {
    const server = await startStandIn();
    onTestFinished(() => server.stop());
    const open = async () => {
      const log = await openEventStoreDbLog(`esdb+discover://127.0.0.1:${server.port}?tls=false&throwOnAppendFailure=false`, { limits: brisk });
      onTestFinished(() => log.close());
      return log;
    };
    const [log, other] = [await open(), await open()];
    await log!.append("shop.order-1", [anEvent(0)], "none");
    await other!.append("shop.order-1", [anEvent(1)], 0);
    expect((await log!.append("shop.order-1", [anEvent(2)], "any"))[0]?.revision).toBe(2);
  });

  it("keeps logs of different namespaces apart", async () => {
    const server = await startStandIn();
    onTestFinished(() => server.stop());
    const [one, two] = [await openOn(server, { namespace: "one:" }), await openOn(server, { namespace: "two:" })];
    expect(one!.logId).not.toBe(two!.logId);
    await one!.append("shop.order-1", [anEvent(1)], "none");
    await two!.append("shop.order-1", [anEvent(2)], "none");
    const follower = follow(one!, { streamPrefixes: ["shop."] });
    await eventually(() => expect(follower.state.live).toBe(true));
    expect(follower.seen).toEqual([1]);
    expect((await stored(two!)).map(({ data }) => data)).toEqual([2]);
  });

  it("refuses a server that holds something else under reprise.log", async () => {
    const server = await startStandIn();
    onTestFinished(() => server.stop());
    await connect(server).appendToStream("reprise.log", jsonEvent({ type: "Started", data: {} }));
    await refuses(openEventStoreDbLog(server.connectionString, { limits: brisk }), "LOG_FOREIGN");
  });
});

describe("what others wrote", () => {
  it("counts as version 1 without a version; what cannot be decoded is told as damaged at its place, and counted", async () => {
    const { server, log } = await openPair();
    const client = connect(server);
    await log.append("shop.order-1", [anEvent("ours")], "none");
    await client.appendToStream("shop.order-1", [
      jsonEvent({ type: "OrderPlaced", data: { a: 1 }, metadata: { $correlationId: "c", priority: 7, callChain: "x", source: 5 } }),
      binaryEvent({ type: "OrderPlaced", data: Buffer.from([1, 2]) }),
      jsonEvent({ type: "OrderPlaced", data: {}, metadata: { schemaVersion: "two" } }),
      jsonEvent({ type: "OrderPlaced", data: { b: 2 }, metadata: Buffer.from([255]) }),
      jsonEvent({ type: "$>", data: "0@shop.order-1" as never }),
    ]);
    await client.appendToStream("no-tenant", jsonEvent({ type: "x", data: {} }));
    const all = await stored(log);
    expect(all.map(({ data }) => data)).toEqual(["ours", { a: 1 }, null, null, { b: 2 }]);
    expect(all.map(({ damage }) => damage?.detail.replace(/\d+/, "P"))).toEqual([
      undefined,
      undefined,
      "position P (shop.order-1, revision 2): its data is not JSON",
      "position P (shop.order-1, revision 3): its schemaVersion is no whole number from 1",
      undefined,
    ]);
    expect(all[1]).toMatchObject({ schemaVersion: 1, source: null, metadata: { correlationId: "c", priority: "normal" }, revision: 1 });
    expect(log.passedOver).toBe(2);
    expect((await flat(log.readStream("shop.order-1", { from: 2 }))).map(({ revision }) => revision)).toEqual([2, 3, 4]);
    const follower = follow(log);
    await eventually(() => expect(follower.seen).toHaveLength(5));
    expect(await log.streamRevision("shop.order-1")).toBe(5);
    expect((await log.append("shop.order-1", [anEvent()], "any"))[0]?.revision).toBe(6);
    expect(await log.head()).toBe((await stored(log)).at(-1)!.position);
  });

  it("may be deleted, begun again, truncated and deleted for good", async () => {
    const { server, log } = await openPair();
    const client = connect(server);
    const append = (stream: string, expected: number | "none" | "any" = "any") => log.append(stream, [anEvent()], expected);
    for (let i = 0; i < 3; i++) await append("shop.order-1");
    await client.deleteStream("shop.order-1");
    expect(await log.streamRevision("shop.order-1")).toBe(2);
    expect(await flat(log.readStream("shop.order-1"))).toEqual([]);
    expect((await append("shop.order-1", 2))[0]?.revision).toBe(3);
    await client.deleteStream("shop.order-1");
    const other = await openOn(server);
    expect((await other.append("shop.order-1", [anEvent()], "none"))[0]?.revision).toBe(4);
    expect((await append("shop.order-1"))[0]?.revision).toBe(5);
    await client.setStreamMetadata("shop.order-1", { truncateBefore: 100 });
    expect((await (await openOn(server)).append("shop.order-1", [anEvent()], "any"))[0]?.revision).toBe(6);

    await append("shop.order-2");
    await client.tombstoneStream("shop.order-2");
    await refuses(append("shop.order-2"), "REQUEST_INVALID");
    expect(await flat(log.readStream("shop.order-2"))).toEqual([]);
    expect(await log.streamRevision("shop.order-2")).toBe(endedForGood);
    expect(await log.streamRevision("shop.order-3")).toBe(-1);
    await client.setStreamMetadata("shop.order-3", { maxAge: 1 });
    expect(await log.streamRevision("shop.order-3")).toBe(-1);
    const follower = follow(log);
    const head = await log.head();
    await eventually(() => expect(follower.state.position).toBe(head));
  });

  it("keeps its metadata when a stream is truncated, and other processes learn of it", async () => {
    const { server, log } = await openPair();
    const client = connect(server);
    const other = await openOn(server);
    const follower = follow(other, { types: ["nothing"] });
    await eventually(() => expect(follower.state.live).toBe(true));
    await log.append("shop.order-1", [anEvent(0), anEvent(1)], "none");
    await client.setStreamMetadata("shop.order-1", { maxAge: 86_400 });
    await log.truncate("shop.order-1", 1);
    expect((await client.getStreamMetadata("shop.order-1")).metadata).toMatchObject({ maxAge: 86_400, truncateBefore: 1 });
    await eventually(async () => expect((await stored(other)).map(({ data }) => data)).toEqual([1]));
    server.database.scavenge();
    expect((await stored(log)).map(({ data }) => data)).toEqual([1]);
    await log.truncate("shop.order-1", 2);
    expect(await stored(log)).toEqual([]);
    expect(await log.streamRevision("shop.order-1")).toBe(1);
  });

  it("keeps the list of truncated streams short, however often they are truncated and by how many processes, and knows all of it", {
    timeout: 60_000,
  }, async () => {
    const { server, log } = await openPair({ limits: { spareTruncations: 5 } });
    const client = connect(server);
    const other = await openOn(server, { limits: { spareTruncations: 5 } });
    const [rounds, streams] = [20, 6];
    for (let n = 0; n < streams; n++) await log.append(`shop.order-${n}`, Array.from({ length: rounds + 1 }, (_, value) => anEvent(value)), "none"); // biome-ignore format: one line
    for (let round = 1; round <= rounds; round++) {
      const cut = (by: EventLog, from: number) =>
        by.truncateStreams(Array.from({ length: streams / 2 }, (_, n) => ({ stream: `shop.order-${from + n}`, before: round })), { after: 0n, through: 1n }); // biome-ignore format: one line
      await Promise.all([cut(log, 0), cut(other, streams / 2)]);
    }
    let names = 0;
    for await (const { event } of client.readStream("reprise.truncated")) names += (event!.data as { streams: unknown[] }).streams.length;
    expect(names).toBeLessThan(4 * streams + 10);
    for (const one of [log, await openOn(server)]) expect((await stored(one)).map(({ data }) => data)).toEqual(Array.from({ length: streams }, () => rounds));
  });

  it("has no list of streams whose events may still be shown, and the server removes them all the same", async () => {
    const { server, log } = await openPair();
    const client = connect(server);
    for (let n = 0; n < 5; n++) {
      await log.append(`shop.order-${n}`, [anEvent(1), anEvent(2), anEvent(3)], "none");
      await log.truncate(`shop.order-${n}`, 3, "shown");
    }
    expect(JSON.stringify((await client.getStreamMetadata("reprise.log")).metadata ?? {})).not.toContain("shop.order");
    expect((await flat(log.readStream("shop.order-2"))).map(({ data }) => data)).toEqual([3]);
    expect(await log.streamRevision("shop.order-2")).toBe(2);
    server.database.scavenge();
    expect((await stored(log)).map(({ data }) => data)).toEqual([3, 3, 3, 3, 3]);
    await log.append("shop.order-2", [anEvent(4)], 2);
    expect((await flat(log.readStream("shop.order-2"))).map(({ data }) => data)).toEqual([3, 4]);
  });
});

it("leaves nothing open: a process that closed its log ends by itself", async () => {
  const server = await startStandIn();
  onTestFinished(() => server.stop());
  const child = fileURLToPath(new URL("../support/eventstore-log-child.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@reprise/source", child, server.connectionString, newId()], {
    timeout: 20_000,
  });
  expect(stdout).toBe("closed\n");
  await eventually(() => expect(server.openReads).toBe(0));
});
