import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { checkConfig, defineConfig } from "../../src/config/config.ts";
import { defineHandler, Terminal } from "../../src/delivery/handler.ts";
import { fold } from "../../src/delivery/journal/fold.ts";
import { JournalStream } from "../../src/delivery/journal/journal-stream.ts";
import { fromSnapshot } from "../../src/delivery/journal/snapshot.ts";
import { emptyState, type PartitionState } from "../../src/delivery/journal/state.ts";
import { makeRunningHandlers } from "../../src/delivery/running-handlers.ts";
import { RepriseError } from "../../src/errors.ts";
import { newId } from "../../src/event/ids.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import type { JournalData, JournalEvent } from "../../src/records/journal.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import { type FakeClock, makeFakeClock } from "../support/fake-clock.ts";
import { type LogRow, readLogRows } from "../support/history-checker.ts";
import { noAppends } from "../support/no-appends.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerShows, handlerView, logHead, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ line: z.int() }) });
const closed = defineEvent("order.closed", { 1: z.object({}) });
const order = (id: string, line = 0): EventInput => ({ type: "order.placed", entity: { type: "order", id }, data: { line } });
const journal = "reprise.journal-mailer-1-0";

/** Without a stack: a journal of some megabytes is made of many records, not of long ones. */
function refuse(message: string): never {
  const refused = new Terminal(message);
  delete refused.stack;
  throw refused;
}

describe("an idle store", () => {
  it("writes nothing, however many handlers watch each other's journals", async () => {
    const clock = makeFakeClock(Date.now());
    const folder = temporaryFolder();
    const names = ["mailer", "ledger", "search", "audit"];
    const handlers = names.map((name) =>
      name === "search"
        ? defineHandler({ name, events: [closed], on: { "order.closed": () => {} } })
        : defineHandler({
            name,
            events: [placed],
            retry: { maxAttempts: 2 },
            on: { "order.placed": ({ entity }) => (entity.id === "a" && name === "mailer" ? refuse("no") : undefined) },
          }),
    );
    const store = await startStore(defineConfig({ events: [placed, closed], handlers }), folder, { clock });
    for (let line = 0; line < 5; line++) await store.append(["a", "b", "c"].map((id) => order(id, line)));
    const step = async () => {
      await clock.advance(10);
      return Promise.all(names.map(async (name) => (await handlerView(store, name)).waiting));
    };
    await expect.poll(step, { timeout: 25_000, interval: 1 }).toEqual([5, 0, 0, 0]);
    await turns(clock, 50, 100); // what was done is flushed
    const head = logHead(folder);
    await turns(clock, 200, 100);
    await turns(clock, 100, 3_600_000); // and for four days
    expect(logHead(folder)).toBe(head);
  });
});

describe("a partition that has nothing more to record", () => {
  const mailer = defineHandler({ name: "mailer", events: [placed], retry: { maxAttempts: 1 }, on: { "order.placed": () => refuse("no") } });

  async function recordsOfDays(retention: object): Promise<readonly LogRow[]> {
    const clock = makeFakeClock(Date.now());
    const folder = temporaryFolder();
    const store = await startStore(defineConfig({ events: [placed], handlers: [mailer], ...retention }), folder, { clock });
    await store.append([order("a")]);
    await expect.poll(() => clock.advance(10).then(async () => (await handlerView(store, "mailer")).byStatus.dead_lettered), { timeout: 25_000 }).toBe(1);
    await turns(clock, 50, 100);
    await turns(clock, 60, 3_600_000);
    return readLogRows(folder).filter(({ stream }) => stream === journal);
  }

  it("puts one record behind the last text, where texts go in time, so that a run may remove it", async () => {
    // After these two and a half days, so that no run of retention does it while the test looks.
    const rows = await recordsOfDays({ retention: { other: { afterDays: 10, archive: `file:${temporaryFolder()}` } } });
    expect(rows.map(({ type }) => type).slice(-3)).toEqual(["delivery.dead_lettered", "progress", "progress"]);
  });

  it("puts nothing behind it where they stay", async () => {
    const rows = await recordsOfDays({});
    expect(rows.map(({ type }) => type).slice(-2)).toEqual(["delivery.dead_lettered", "progress"]);
  });
});

/** Lets pending work happen, then moves time; `times` over. */
async function turns(clock: FakeClock, times: number, ms: number): Promise<void> {
  for (let turn = 0; turn < times; turn++) {
    for (let each = 0; each < 5; each++) await nextTurn();
    await clock.advance(ms);
  }
}

const entryOf = ({ type, data }: LogRow): JournalEvent => ({ type, data }) as unknown as JournalEvent;

/** Counts the events that are read forward, out of a stream. */
function counting(log: EventLog): { readonly log: EventLog; readonly forward: () => number } {
  let read = 0;
  return {
    forward: () => read,
    log: {
      ...log,
      async *readStream(stream, options) {
        for await (const batch of log.readStream(stream, options)) {
          if (options?.direction !== "backward") read += batch.length;
          yield batch;
        }
      },
    },
  };
}

describe("snapshots of the journal", () => {
  it("appear when due, and a start from the last one is the same as a fold of all", { timeout: 60_000 }, async () => {
    const folder = temporaryFolder();
    const handler = defineHandler({
      name: "mailer",
      events: [placed],
      concurrency: 64,
      retry: { maxAttempts: 1 },
      on: { "order.placed": ({ data, entity }) => (data.line === 1 && entity.id !== "fine" ? refuse(`no such address: ${"x".repeat(300)}`) : undefined) },
    });
    const config = defineConfig({ events: [placed], handlers: [handler] });
    const store = await startStore(config, folder);
    const lanes = 2500;
    for (let line = 0; line < 3; line++)
      for (let from = 0; from < lanes; from += 500) await store.append(Array.from({ length: 500 }, (_, index) => order(`${from + index}`, line)));
    await handlerShows(store, folder, "mailer", { waiting: 2 * lanes, byStatus: { dead_lettered: lanes, held: lanes, completed: lanes } });
    const running = readLogRows(folder).filter(({ stream }) => stream === journal);
    await store.append([order("fine"), order("fine", 1)]);
    await handlerShows(store, folder, "mailer", { done: lanes + 2 });
    await store.close();

    const rows = readLogRows(folder).filter(({ stream }) => stream === journal);
    const parts = (some: readonly LogRow[]) => some.filter(({ type }) => type === "snapshot").map(({ data }) => data as unknown as JournalData["snapshot"]);
    const sets = [...new Set(parts(rows).map(({ set }) => set))];
    const bytes = (some: readonly LogRow[]) => some.reduce((sum, { data }) => sum + JSON.stringify(data).length, 0);
    expect(parts(running).length).toBeGreaterThan(0); // due while it ran: 1 MiB, then four times the last
    expect(parts(running).length).toBeLessThan(2 + bytes(running) / 1024 ** 2);
    for (const { data } of rows.filter(({ type }) => type === "snapshot")) expect(JSON.stringify(data).length).toBeLessThan(520 * 1024);
    expect(parts(rows).filter(({ set }) => set === sets.at(-1)).length).toBeGreaterThan(1);
    console.info(`journal: ${rows.length} events, ${(bytes(rows) / 1024 ** 2).toFixed(1)} MiB, ${sets.length} snapshots for ${lanes} dead letters`);

    const all = emptyState();
    let fromLast: PartitionState | null = null;
    for (const [index, row] of rows.entries()) {
      fold(all, entryOf(row), row.revision);
      if (fromLast !== null) fold(fromLast, entryOf(row), row.revision);
      const last = row.type === "snapshot" ? (row.data as unknown as JournalData["snapshot"]) : null;
      if (last !== null && last.part === last.parts - 1) {
        fromLast = fromSnapshot(parts(rows).filter(({ set }) => set === last.set));
        expect(fromLast, `at ${index}`).toEqual(all);
      }
    }
    expect(fromLast).toEqual(all);
    expect(all).toMatchObject({ clean: true, checkpoint: BigInt(rows.findLast(({ type }) => type === "progress")!.data.checkpoint as string) });

    const log = await openSqliteLog(folder);
    onTestFinished(() => log.close());
    const watched = counting(log);
    const opened = await JournalStream.open({ log: watched.log, newId, stream: journal, start: 0n });
    expect(watched.forward()).toBeLessThan(10);
    // A snapshot that was cut off in its middle is none.
    const [whole] = parts(rows).filter(({ set }) => set === sets.at(-1));
    await log.append(journal, [ownEvent(newId, "snapshot", { ...whole!, set: "cut-off", part: 0, parts: 2, lanes: [] })], "any");
    const again = await JournalStream.open({ log, newId, stream: journal, start: 0n });
    const claim = { owner: "test", build: "0", catalog: "c", readAhead: 4096 };
    const { state, unclean } = await again.claim(claim);
    expect(unclean).toBe(false);
    fold(all, { type: "partition.claimed", data: { ...claim, life: "" } }, 0);
    expect(state).toEqual(all);
    await expect(opened.append([{ type: "partition.claimed", data: claim }])).rejects.toMatchObject({ code: "FENCED" });
  });

  it("carry everything over a restart", async () => {
    const folder = temporaryFolder();
    let broken = true;
    const handler = defineHandler({
      name: "mailer",
      events: [placed],
      retry: { maxAttempts: 1 },
      on: { "order.placed": ({ data }) => (broken && data.line === 1 ? refuse("down") : undefined) },
    });
    const config = defineConfig({ events: [placed], handlers: [handler] });
    for (let round = 0; round < 3; round++) {
      const store = await startStore(config, folder);
      await store.append([0, 1, 2].map((line) => order(`r${round}`, line)));
      await handlerShows(store, folder, "mailer", { byStatus: { dead_lettered: round + 1, held: round + 1, completed: round + 1 } });
      await store.close();
      expect(readLogRows(folder).at(-1)).toMatchObject({ stream: journal, type: "partition.released" });
    }
    broken = false;
    const store = await startStore(config, folder);
    expect(await store.replayBatch({})).toMatchObject({ total: 3, succeeded: 3 });
    await handlerShows(store, folder, "mailer", { waiting: 0, byStatus: { replayed: 3, completed: 6 } });
  });
});

/** Delivery over a log of the test's own, which may be in trouble. */
async function openDelivery(wrap: (log: EventLog) => EventLog) {
  const folder = temporaryFolder();
  const calls: string[] = [];
  const gate = { open: Promise.resolve() };
  const handler = defineHandler({
    name: "mailer",
    events: [placed],
    concurrency: 4,
    on: {
      "order.placed": async ({ entity, revision }) => {
        calls.push(`${entity.id}@${revision}`);
        await gate.open;
      },
    },
  });
  const log = await openSqliteLog(folder);
  onTestFinished(() => log.close());
  const clock = makeFakeClock(Date.now());
  const troubles: string[] = [];
  const logger = {
    info() {},
    warn: (_fields: object, message: string) => void troubles.push(message),
    error: (_: object, message: string) => void troubles.push(message),
  };
  const delivery = makeRunningHandlers({
    ...checkConfig(defineConfig({ events: [placed], handlers: [handler] })),
    log: wrap(log),
    clock,
    newId,
    random: Math.random,
    logger,
    appends: noAppends,
    build: "test",
  });
  await delivery.start();
  onTestFinished(() => delivery.stop(0));
  const append = (id: string, count: number) =>
    log.append(
      `default.order-${id}`,
      Array.from({ length: count }, (_, line) => ({ ...ownEvent(newId, "order.placed", { line }), source: null })),
      "any",
    );
  const until = (calledTimes: number) =>
    expect
      .poll(
        async () => {
          await turns(clock, 1, 10);
          return calls.length;
        },
        { timeout: 25_000, interval: 1 },
      )
      .toBe(calledTimes);
  return { folder, log, clock, calls, gate, delivery, append, until, troubles };
}

describe("a journal that cannot be written", () => {
  it("lets nothing new start until it can, then all goes on, each event called once", async () => {
    let down = false;
    const { folder, clock, calls, gate, append, until, delivery, troubles } = await openDelivery((log) => ({
      ...log,
      async append(stream, events, expected) {
        if (down && stream === journal) throw new RepriseError("LOG_UNAVAILABLE", "The disk is away.", { retryAfterMs: 1000 });
        return log.append(stream, events, expected);
      },
    }));
    await append("a", 3);
    await until(3);
    await turns(clock, 10, 50);
    down = true;
    const held = Promise.withResolvers<void>();
    gate.open = held.promise;
    await append("b", 2);
    await until(4);
    held.resolve(); // its outcome, and perhaps the next one's, cannot be recorded
    await turns(clock, 20, 50);
    const before = calls.length;
    for (const id of ["c", "d", "e", "f"]) await append(id, 5);
    await turns(clock, 200, 100);
    expect(calls.length).toBe(before);
    expect(before).toBeLessThanOrEqual(5);
    expect(new Set(troubles)).toEqual(new Set(["outcomes could not be recorded; nothing new starts until they are"]));
    const rows = readLogRows(folder).length;
    down = false;
    await until(25);
    expect(readLogRows(folder).length).toBeGreaterThan(rows);
    expect(new Set(calls).size).toBe(25);
    expect(delivery.faults()).toEqual([]);
  });

  it("because another process writes it, fences the handler: it stops and writes nothing more", async () => {
    const { folder, log, clock, calls, append, until, delivery, troubles } = await openDelivery((log) => log);
    await append("a", 3);
    await until(3);
    await turns(clock, 10, 50);
    await log.append(journal, [ownEvent(newId, "partition.claimed", { owner: "another", build: "2", catalog: "c", readAhead: 1 })], "any");
    await append("b", 3);
    await expect.poll(() => turns(clock, 1, 10).then(() => delivery.faults().length), { interval: 1, timeout: 25_000 }).toBe(1);
    expect(delivery.faults()).toMatchObject([{ handler: "mailer", error: { code: "FENCED" } }]);
    const called = calls.length;
    const head = logHead(folder);
    await turns(clock, 50, 1000);
    await append("c", 1);
    await turns(clock, 50, 1000);
    expect(calls.length).toBe(called);
    expect(troubles).toContain("the handler stops");
    await delivery.stop(1000);
    expect(logHead(folder)).toBe(head + 1n);
  });
});
