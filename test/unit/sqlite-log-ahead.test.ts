/** Pages of a long catch-up that another thread reads ahead: what comes is what this thread would have read by itself, whatever becomes of the other one. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { StoredEvent } from "../../src/event/event.ts";
import type { EventFilter, EventLog, SubscriptionBatch } from "../../src/log/event-log.ts";
import type { SmallThread, SmallThreadOptions, startSmallThread } from "../../src/log/small-thread.ts";
import type { FromAhead, ToAhead } from "../../src/log/sqlite/ahead/messages.ts";
import { PagePacker, unpack } from "../../src/log/sqlite/ahead/packed-page.ts";
import type { SqliteLogLimits } from "../../src/log/sqlite/limits.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { typeKind } from "../../src/log/sqlite/sums.ts";
import { anEvent } from "../contract/log-events.ts";
import { type FakeClock, makeFakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

type Options = SmallThreadOptions<ToAhead, FromAhead>;
type Start = (options: Options, program: URL) => SmallThread<ToAhead>;
const threads = vi.hoisted(() => ({ started: 0, stopped: 0, pages: 0, refused: 0, start: null as unknown, options: null as unknown, ready: () => {} }));
vi.mock("../../src/log/small-thread.ts", async (original) => {
  const real = await original<{ startSmallThread: typeof startSmallThread }>();
  const counted = (program: URL, options: Options): SmallThread<ToAhead> => {
    threads.started++;
    threads.options = options;
    const take = (message: FromAhead) => {
      if (message.is === "page") threads.pages++;
      if (message.is === "not_read") threads.refused++;
      options.take(message);
      if (message.is === "ready") threads.ready();
    };
    const start = (threads.start as Start | null) ?? ((given: Options, from: URL) => real.startSmallThread<ToAhead, FromAhead>(from, given));
    const thread = start({ ...options, take }, program);
    const stop = async () => {
      await thread.stop();
      threads.stopped++;
    };
    return { tell: thread.tell, stop };
  };
  return { ...real, startSmallThread: counted };
});
vi.mock("node:os", async (original) => ({ ...(await original<typeof import("node:os")>()), availableParallelism: () => 2 }));

let ready: Promise<void>;
beforeEach(() => {
  const isReady = Promise.withResolvers<void>();
  ready = isReady.promise;
  Object.assign(threads, { started: 0, stopped: 0, pages: 0, refused: 0, start: null, options: null, ready: isReady.resolve });
});

const tight = { batchEvents: 5, scanPositions: 9, aheadBatches: 1, aheadPages: 2 };
const alone = { ...tight, aheadBatches: Number.MAX_SAFE_INTEGER };

async function openLog(folder: string, limits: Partial<SqliteLogLimits>, clock?: FakeClock): Promise<EventLog> {
  const log = await openSqliteLog(folder, { limits, ...(clock === undefined ? {} : { clock }) });
  onTestFinished(() => log.close());
  return log;
}

/** A folder with a log of 300 events of ten entities and more. */
async function filled(): Promise<string> {
  const folder = temporaryFolder();
  const log = await openSqliteLog(folder);
  for (let number = 0; number < 30; number++) {
    const some = Array.from({ length: 10 }, (_, at) => ({ ...anEvent({ number, at }), type: at % 3 === 0 ? "order.paid" : "order.placed" }));
    await log.append(`shop.order-${number % 10}`, some, "any");
  }
  const odd = ["ä€😀\u2028", "x".repeat(50_000), [], {}, [[-0, 1e-7, 123456789012345]], { "a b": null, "": [true, '\n"\\'] }];
  for (const data of odd) await log.append("shop.order-odd", [{ ...anEvent(data), source: null, occurredAt: null }], "any");
  await log.append("bank.account-1", [{ ...anEvent(), schemaVersion: 3, metadata: { priority: "high", correlationId: "ü", extensions: { a: 1 } } }], "any");
  await log.close();
  return folder;
}

/** All that a subscription hands on until it is live.  */
async function all(log: EventLog, filter?: EventFilter, between: (batch: SubscriptionBatch, number: number) => Promise<unknown> = async () => {}) {
  const controller = new AbortController();
  const events: StoredEvent[] = [];
  let number = 0;
  for await (const batch of log.subscribe({ after: 0n, signal: controller.signal, ...(filter === undefined ? {} : { filter }) })) {
    events.push(...batch.events);
    if (batch.live) break;
    await between(batch, ++number);
  }
  return events;
}
/** The second batch begins the thread. */
const whenReady = async (_batch: SubscriptionBatch, number: number) => number > 1 && ready;

describe("pages that another thread reads ahead", () => {
  it.each([
    ["all events", undefined],
    ["events of two types", { types: ["order.paid", "log.created"] }],
    ["events of a type that is not there", { types: ["order.none"] }],
  ])("are what this thread reads: %s", async (_what, filter) => {
    const folder = await filled();
    const byItself = await openSqliteLog(folder, { limits: alone });
    const expected = await all(byItself, filter);
    await byItself.close();
    expect(threads.started).toBe(0);
    const log = await openLog(folder, tight, undefined);
    expect(await all(log, filter, whenReady)).toEqual(expected);
    expect(threads).toMatchObject({ started: 1, refused: 0 });
    expect(threads.pages).toBeGreaterThan(20);
    await log.close();
    expect(threads.stopped).toBe(1);
  });

  it("have no event of another type that its row's number takes for a wanted one", async () => {
    const wanted = "order.paid";
    let other = "";
    for (let number = 0; other === ""; number++) if (typeKind(`order.t${number}`) === typeKind(wanted)) other = `order.t${number}`;
    const folder = temporaryFolder();
    const log = await openLog(folder, tight);
    const types = Array.from({ length: 60 }, (_, at) => (at % 4 === 0 ? wanted : other));
    for (const type of types) await log.append("shop.order-1", [{ ...anEvent(), type }], "any");
    await log.append("shop.order-1", [{ ...anEvent(), type: wanted }], "any");
    const read = await all(log, { types: [wanted] }, whenReady);
    expect(read.map(({ revision }) => revision)).toEqual([...Array.from({ length: 15 }, (_, at) => at * 4), 60]);
    expect(threads.pages).toBeGreaterThan(1);
  });

  it("are parsed as each text by itself, whatever it holds", () => {
    const texts = [
      '{"a":1,"a":2}',
      '{"__proto__":{"x":1},"b":-0}',
      '{"n":1.0,"m":12345678901234567890,"e":1e400}',
      ' [1 , "\\u00e4\\ud800"] ',
      '"text"',
      "null",
    ];
    const page = new PagePacker();
    for (const [at, text] of texts.entries()) page.add([at + 1, 1, at, `id-${at}`, "t", 1, null, null, 0, '{"priority":"normal"}', null, 0, 0, 0], text);
    const name = { id: 1, stream: "shop.order-1", tenant: "shop", entity: { type: "order", id: "1" } };
    const packed = page.packed({ after: 0, reached: texts.length, bytes: 0 });
    const events = unpack(packed, { nameOf: () => name })!;
    expect(new Set(events.map(({ metadata }) => metadata)).size).toBe(1); // shared, so that nobody may change it
    expect(Object.isFrozen(events[0]!.metadata)).toBe(true);
    const data = events.map((event) => event.data);
    expect(data).toEqual(texts.map((text) => JSON.parse(text) as unknown));
    expect(Object.is((data[1] as { b: number }).b, -0)).toBe(true);
    expect(Object.keys(data[1] as object)).toEqual(["__proto__", "b"]);
    expect(unpack(packed, { nameOf: () => ({ ...name, stream: "" }) })).toBeNull();
    page.add([7, 1, 6, "id-6", "t", 1, null, null, 0, '{"priority":"normal"}', null, 0, 0, 0], "1,2");
    expect(unpack(page.packed({ after: 0, reached: 7, bytes: 0 }), { nameOf: () => name })).toBeNull();
  });

  it("are left to this thread where an event is damaged", async () => {
    const folder = await filled();
    const db = new DatabaseSync(join(folder, "log.db"));
    db.exec(`update events set data = '{"number":0}' where position = 101; update events set source = 'other' where position = 203`);
    db.close();
    const byItself = await openSqliteLog(folder, { limits: alone });
    const expected = await all(byItself);
    await byItself.close();
    expect(expected.filter(({ damage }) => damage !== undefined).map(({ position }) => position)).toEqual([101n, 203n]);
    const log = await openLog(folder, tight);
    expect(await all(log, undefined, whenReady)).toEqual(expected);
    expect(threads.refused).toBe(2);
    expect(threads.pages).toBeGreaterThan(50);
  });

  it("are left to this thread where the log has lost events", async () => {
    const folder = await filled();
    const file = join(folder, "log.db");
    const db = new DatabaseSync(file);
    const leaves = db.prepare("select pageno from dbstat where name = 'events' and pagetype = 'leaf' order by path").all();
    db.close();
    const bytes = readFileSync(file);
    const at = (Number(leaves[Math.floor(leaves.length / 2)]!["pageno"]) - 1) * 4096;
    writeFileSync(file, bytes.fill(0xfe, at, at + 4096));
    const byItself = await openSqliteLog(folder, { limits: { ...alone, checkBytes: 0 } });
    const expected = await all(byItself);
    await byItself.close();
    expect(expected.some(({ damage }) => damage !== undefined)).toBe(true);
    const log = await openLog(folder, { ...tight, checkBytes: 0 });
    for (const _time of ["found", "known"]) expect(await all(log, undefined, whenReady)).toEqual(expected);
    expect(threads.pages).toBeGreaterThan(20);
  });

  it("are read again when events were removed", async () => {
    const folder = await filled();
    const log = await openLog(folder, tight);
    let reached = 0n;
    const events = await all(log, undefined, async (batch, number) => {
      await whenReady(batch, number);
      if (number !== 6) return;
      await vi.waitFor(() => expect(threads.pages).toBeGreaterThanOrEqual(number));
      reached = batch.position;
      await log.truncate("shop.order-3", 10);
      await log.truncateStreams([{ stream: "shop.order-4", before: 10 }], { after: 0n, through: 400n });
    });
    const removed = events.filter(({ stream, revision }) => (stream === "shop.order-3" || stream === "shop.order-4") && revision < 10);
    expect(reached).toBeLessThan(36n);
    expect(removed.filter(({ position }) => position > reached)).toEqual([]);
    expect(events).toHaveLength(308 - 20 + removed.length);
  });

  it("are not missed when the thread dies, and no other one is started", async () => {
    const folder = await filled();
    const log = await openLog(folder, tight);
    const events = await all(log, undefined, async (batch, number) => {
      await whenReady(batch, number);
      if (number === 10) (threads.options as Options).ended(new Error("out of memory"));
    });
    expect(events).toHaveLength(308);
    expect(await all(log)).toHaveLength(308);
    expect(threads.started).toBe(1);
    expect(threads.pages).toBeLessThan(20);
  });

  it("are not waited for longer than a second", async () => {
    const clock = makeFakeClock();
    const asked = Promise.withResolvers<void>();
    threads.start = (({ take }) => {
      queueMicrotask(() => take({ is: "ready" }));
      return { tell: ({ is }) => is === "go_on" && asked.resolve(), stop: async () => {} };
    }) satisfies Start;
    const log = await openLog(await filled(), tight, clock);
    const reading = all(log, undefined, whenReady);
    let done = false;
    void reading.then(() => (done = true));
    await asked.promise;
    await clock.advance(999);
    expect(done).toBe(false);
    await clock.advance(1);
    expect(await reading).toHaveLength(308);
    expect(threads).toMatchObject({ started: 1, stopped: 1 });
  });

  it("end with their subscription, with the log, and with a reader that is slow", async () => {
    const clock = makeFakeClock();
    const log = await openLog(await filled(), tight, clock);
    const controller = new AbortController();
    const begin = async () => {
      const reader = log.subscribe({ after: 0n, signal: controller.signal })[Symbol.asyncIterator]();
      for (let batch = 0; batch < 3; batch++) await reader.next();
      return reader;
    };
    await (await begin()).return!();
    expect(threads.started).toBe(1);
    await begin();
    expect(threads.started).toBe(2);
    await clock.advance(5000);
    await vi.waitFor(() => expect(threads.stopped).toBe(2));
    await begin();
    expect(threads.started).toBe(3);
    await log.close();
    expect(threads.stopped).toBe(3);
  });

  it("are for subscriptions that are far from the end, and quick", async () => {
    const folder = await filled();
    const near = await openSqliteLog(folder, { limits: { ...tight, aheadBatches: 20 } });
    await all(near);
    await near.close();
    const clock = makeFakeClock();
    const slow = await openLog(folder, { ...tight, aheadBatches: 4 }, clock);
    await all(slow, undefined, () => clock.advance(101));
    expect(threads.started).toBe(0);
    await all(slow, undefined, () => clock.advance(99));
    expect(threads.started).toBeGreaterThan(0);
  });
});
