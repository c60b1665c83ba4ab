import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { LaneReader, type LaneReaderOptions } from "../../src/delivery/dispatcher/lane-reader.ts";
import { fold } from "../../src/delivery/journal/fold.ts";
import { emptyState } from "../../src/delivery/journal/state.ts";
import { defaultDeliveryLimits } from "../../src/delivery/limits.ts";
import { type Lane, laneBatch, makeLane } from "../../src/delivery/partition/lane.ts";
import type { LaneAct } from "../../src/delivery/partition/lane-act.ts";
import type { LaneLoan } from "../../src/delivery/partition/lane-loan.ts";
import type { PartitionOptions } from "../../src/delivery/partition/options.ts";
import { Pace } from "../../src/delivery/partition/pace.ts";
import { Partition } from "../../src/delivery/partition/partition.ts";
import { systemClock } from "../../src/event/clock.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { readEvent } from "../../src/log/read-event.ts";
import type { AttemptRecord } from "../../src/records/attempt.ts";
import { anEvent } from "../contract/log-events.ts";
import { makeStoredEvent } from "../support/stored-event.ts";

const lanesOf = (count: number) => Array.from({ length: count }, (_, i) => makeLane(`shop.order-${i}`, 1));

async function aLog(lanes: readonly Lane[], batchSize = 256): Promise<EventLog> {
  const log = openMemoryLog({ batchSize });
  for (const [i, { stream }] of lanes.entries()) await log.append(stream, Array.from({ length: 1 + (i % 4) }, () => anEvent()), "none"); // biome-ignore format: one line
  return log;
}

/** Reads until each lane has been read, and returns what was told of each: the revisions, its last one, and from where on its events are not archived. */
async function readAll(log: EventLog, lanes: readonly Lane[], archivedBefore?: (stream: string) => Promise<number>) {
  const waiting = [...lanes];
  const told = new Map<string, unknown[]>();
  const revisions = new Map<string, readonly number[]>();
  const reading = {
    next: () => {
      const lane = waiting.shift();
      return lane && { lane, from: lane.next, replay: null, loan: null };
    },
    laneRead: (lane: Lane, events: readonly StoredEvent[], head: number, _nowMs: number, archived = 0) => {
      const { stream } = lane;
      revisions.set(stream, [...(revisions.get(stream) ?? []), ...events.map(({ revision }) => revision)]);
      lane.next = (events.at(-1)?.revision ?? head) + 1;
      if (lane.next <= head) waiting.push(lane);
      else told.set(stream, [revisions.get(stream), head, archived]);
    },
    failed: (lane: Lane) => waiting.push(lane),
    eventsOfLane: () => laneBatch,
  };
  const logger = { warn() {} };
  const life = { stopping: false, reading: new AbortController().signal };
  const parts = { handler: "mailer", log, archivedBefore, clock: systemClock, partition: { reading }, life, logger, pump: { soon: () => reader.begin() } };
  const reader: LaneReader = new LaneReader(parts as unknown as LaneReaderOptions);
  reader.begin();
  await expect.poll(() => told.size).toBe(lanes.length);
  return told;
}

const wanted = (lanes: readonly Lane[]) => new Map(lanes.map(({ stream }, i) => [stream, [Array.from({ length: i % 4 }, (_, j) => j + 1), i % 4, 0]]));

it("reads the streams of many lanes with one reading of the log, and again those that it had no room for", async () => {
  const lanes = lanesOf(150);
  const log = await aLog(lanes, 40);
  const asked: number[] = [];
  const readStreams: EventLog["readStreams"] = (streams, limit) => {
    asked.push(streams.length);
    return log.readStreams!(streams, limit);
  };
  const readStream = () => expect.unreachable("no lane is read by itself");
  expect(await readAll({ ...log, readStream, readStreams }, lanes)).toEqual(wanted(lanes));
  expect(asked[0]).toBe(64);
  expect(asked.length).toBeLessThan(30);
});

it("reads each lane by itself where the log cannot read many, or has failed to", async () => {
  const lanes = lanesOf(40);
  const log = await aLog(lanes);
  const { readStreams, ...without } = log;
  expect(await readAll(without, lanesOf(40))).toEqual(wanted(lanes));
  expect(await readAll({ ...log, readStreams: () => Promise.reject(new Error("damaged")) }, lanes)).toEqual(wanted(lanes));
});

it("asks what is archived of a lane whose next event is missing", async () => {
  const lanes = lanesOf(8);
  const log = await aLog(lanes);
  await log.truncate("shop.order-3", 3);
  const told = await readAll(log, lanes, async (stream) => (stream === "shop.order-3" ? 2 : expect.unreachable(stream)));
  expect(told).toEqual(wanted(lanes).set("shop.order-3", [[3], 3, 2]));
});

it.each([
  ["many events", "together", { lanes: 300, ofEach: 100, bytes: 10, readAheadEvents: 32, readAheadBytes: 1024 * 1024, most: 256 }],
  ["many events", "by itself", { lanes: 300, ofEach: 100, bytes: 10, readAheadEvents: 32, readAheadBytes: 1024 * 1024, most: 256 }],
  ["large events", "together", { lanes: 100, ofEach: 20, bytes: 20_000, readAheadEvents: 4096, readAheadBytes: 1024 * 1024, most: 52 }],
  ["large events", "by itself", { lanes: 100, ofEach: 20, bytes: 20_000, readAheadEvents: 4096, readAheadBytes: 1024 * 1024, most: 52 }],
])("holds about as many events of lanes that wait for a slot as they may: %s, each lane read %s", async (_what, how, scene) => {
  const { lanes, ofEach, bytes, most, ...limits } = scene;
  const event = () => ({ ...anEvent(), data: { text: "x".repeat(bytes) } });
  const { readStreams, ...single } = openMemoryLog();
  const log: EventLog = how === "together" ? { ...single, readStreams: readStreams! } : single;
  const state = emptyState();
  for (let lane = 0; lane < lanes; lane++) {
    await log.append(`shop.order-${lane}`, Array.from({ length: ofEach }, event), "none"); // biome-ignore format: one line
    fold(state, { type: "lane.detached", data: { lane: `shop.order-${lane}`, next: 0, at: "0", why: "full" } }, lane);
  }
  const options: PartitionOptions = {
    ...({ ordering: "strict", record: "batch", unknownOutcome: "repeat", concurrency: 1 } as const),
    ...{ limits: { ...defaultDeliveryLimits, ...limits }, wanted: { has: () => true }, chainFingerprint: () => "chain" },
  };
  const partition = new Partition(options, { state, unclean: false, readAhead: 0, nowMs: 0, monotonicMs: 0 });
  const read = vi.spyOn(partition.reading, "laneRead");
  const pump = { soon: () => reader.begin() };
  const parts = { handler: "agent", log, clock: systemClock, partition, life: { stopping: false, reading: new AbortController().signal }, pump };
  const reader: LaneReader = new LaneReader(parts as unknown as LaneReaderOptions);
  reader.begin();
  await expect.poll(() => new Set(read.mock.calls.map(([lane]) => lane)).size).toBe(lanes);
  const held = read.mock.calls.reduce((sum, [, events]) => sum + events.length, 0);
  expect(held).toBeGreaterThan(most);
  expect(held).toBeLessThan(2 * lanes + 10 * most);
});

/** Dead letters of 900 KB each, every one in a lane of its own, and whoever reads their events. */
async function largeLetters(lanes: number, { together = true, ordering = "strict" as PartitionOptions["ordering"], concurrency = 1 } = {}) {
  const memory = openMemoryLog();
  const findByIds: EventLog["findByIds"] = (tenant, ids) => memory.findByIds(tenant, ids.slice(0, 2)); // that is enough bytes
  const log: EventLog = { ...memory, findByIds, findsManyAtOnce: together };
  const state = emptyState();
  for (let lane = 0; lane < lanes; lane++) {
    const event = { ...anEvent(), data: { text: ["x".repeat(900_000)] } };
    await log.append(`shop.order-${lane}`, [event], "none");
    const about = { lane: `shop.order-${lane}`, revision: 0, at: "0", eventId: event.id, chain: "chain", record: null };
    const gaveUp = { attempts: 1, retryCount: 1, cause: "exhausted", error: { type: "Error", message: "planted" }, escalated: false } as const;
    fold(state, { type: "delivery.dead_lettered", data: { ...about, ...gaveUp } }, lane);
  }
  const options: PartitionOptions = {
    ...({ ordering, record: "batch", unknownOutcome: "repeat", concurrency } as const),
    ...{ limits: defaultDeliveryLimits, wanted: { has: () => true }, chainFingerprint: () => "chain" },
  };
  const partition = new Partition(options, { state, unclean: false, readAhead: 0, nowMs: 0, monotonicMs: 0 });
  const read = vi.spyOn(partition.reading, "letterRead");
  const loanRead = vi.spyOn(partition.reading, "loanRead");
  const reads = () => read.mock.calls.length + loanRead.mock.calls.length;
  const pump = { soon: () => reader.begin() };
  const life = { stopping: false, reading: new AbortController().signal };
  const failed: unknown[] = [];
  const loans = { fail: (loan: LaneLoan, error: unknown) => void failed.push(error, partition.loans.takeBack(loan, "pause")?.kind) };
  const parts = { handler: "agent", log, journal: { stream: "j" }, clock: systemClock, partition, loans, life, logger: { warn() {} }, pump };
  const reader: LaneReader = new LaneReader(parts as unknown as LaneReaderOptions);
  const begin = (lane: number, replayId: string) => partition.replays.begin(`shop.order-${lane}`, 0, { replayId, actor: "local", reason: null });
  const settled = async (): Promise<void> => {
    reader.begin();
    for (let before = -1; before !== reads(); await nextTurns()) before = reads();
  };
  /** Delivers what gets slots, until nothing does. @returns the lanes. */
  const deliver = async (): Promise<ReadonlySet<string>> => {
    const delivered = new Set<string>();
    for (;;) {
      await settled();
      const started = partition.schedule.start(0);
      partition.flushes.take();
      const all = [...started, ...partition.flushes.stored()];
      if (all.length === 0) return delivered;
      for (const delivery of all) {
        await settled();
        delivered.add(delivery.lane.stream);
        partition.outcomes.conclude(delivery, { kind: "completed", record: {} as AttemptRecord }, 0);
        partition.schedule.settled(delivery);
      }
    }
  };
  /** Deliveries of replays that wait with their events. */
  const held = () => {
    const all = [...read.mock.calls.map(([, replay]) => replay), ...loanRead.mock.calls.map(([loan]) => loan)];
    return new Set(all.filter(({ event }) => event !== null)).size;
  };
  const lend = (lane: number, replayId: string, read?: () => Promise<StoredEvent>) => {
    const stream = `shop.order-${lane}`;
    const loan = partition.loans.lend(stream, replayId, 0);
    const event = async () => (await readEvent(log, stream, 0))!;
    const replay = { id: replayId, reason: null, mode: "run", effects: "once" } as const;
    const rest = { before: null, ends: null, recordFirst: false, record: null, onNotAlone: null, source: { item: lane, amended: false } };
    partition.loans.ask(loan, { revision: 0, read: read ?? event, replay, ...rest });
    return loan;
  };
  return { partition, begin, lend, settled, deliver, read, held, failed };
}

it.each([
  ["together", true],
  ["one by one", false],
])(
  "holds a few large events of one replay's dead letters at a time, read %s, and delivers all of them; another replay's are read meanwhile",
  async (_how, together) => {
    const [lanes, megabyte] = [60, 1024 * 1024];
    const { begin, settled, deliver, read } = await largeLetters(lanes, { together });
    for (let lane = 0; lane < lanes - 1; lane++) begin(lane, "large");
    await settled();
    expect(read.mock.calls.length * 900_000).toBeGreaterThan(16 * megabyte);
    expect(read.mock.calls.length * 900_000).toBeLessThan(40 * megabyte);
    begin(lanes - 1, "another");
    await settled();
    expect(read.mock.calls.at(-1)![1].replayId).toBe("another");
    expect((await deliver()).size).toBe(lanes);
  },
);

type LargeLetters = Awaited<ReturnType<typeof largeLetters>>;
const byLocal = { actor: "local", reason: null };

/** What keeps a letter from running. @returns lets it run again. */
const keptBy: Readonly<Record<string, (scene: LargeLetters, lane: number) => () => void>> = {
  "their lanes are paused": ({ partition }, at) => {
    const stream = `shop.order-${at}`;
    const lane = partition.lanes.pin(stream);
    const done = (act: LaneAct) => {
      partition.lanes.begin(act);
      partition.lanes.end(act, 0);
    };
    done(partition.lanes.pause(lane, byLocal, 0));
    return () => done(partition.lanes.resume(stream, byLocal));
  },
  "another replay has their lanes": ({ partition }, at) => {
    const loan = partition.loans.lend(`shop.order-${at}`, "history", 0);
    return () => partition.loans.end(loan);
  },
};

it.each(Object.keys(keptBy).flatMap((why) => [[why, "before"] as const, [why, "after"] as const]))(
  "large dead letters that cannot run, because %s, hold back no other letter of their replay; kept %s they were read",
  async (why, when) => {
    const [lanes, kept] = [60, 40];
    const scene = await largeLetters(lanes);
    const { begin, settled, deliver, held } = scene;
    for (let lane = 0; lane < kept; lane++) begin(lane, "large");
    if (when === "after") await settled();
    const letGo = Array.from({ length: kept }, (_, lane) => keptBy[why]!(scene, lane));
    for (let lane = kept; lane < lanes; lane++) begin(lane, "large");
    expect((await deliver()).size).toBe(lanes - kept);
    expect(held()).toBe(0);
    for (const go of letGo) go();
    expect((await deliver()).size).toBe(kept);
  },
);

it("large dead letters that wait for their retries hold back no other letter of their replay, and are read again", async () => {
  const [lanes, kept] = [60, 40];
  const { begin, settled, deliver, held, partition } = await largeLetters(lanes, { concurrency: 100 });
  for (let lane = 0; lane < kept; lane++) begin(lane, "large");
  for (let failed = 0; failed < kept; ) {
    await settled();
    partition.schedule.start(0);
    partition.flushes.take();
    for (const delivery of partition.flushes.stored()) {
      partition.outcomes.conclude(delivery, { kind: "retry", record: {} as AttemptRecord, waitMs: 1000, retryAt: "", deferrals: null }, 0);
      partition.schedule.settled(delivery);
      failed++;
    }
  }
  expect(held()).toBe(0);
  for (let lane = kept; lane < lanes; lane++) begin(lane, "large");
  expect((await deliver()).size).toBe(lanes - kept);
  partition.ticks.tick(1000);
  expect((await deliver()).size).toBe(kept);
});

it("large dead letters that wait for a turn while their relaxed lanes run live calls hold back no other letter of their replay", async () => {
  const [lanes, kept] = [60, 40];
  const { begin, settled, partition, read } = await largeLetters(lanes, { ordering: "relaxed", concurrency: 100 });
  await settled(); // no lane stays behind the subscription
  const pace = new Pace(1, 0);
  partition.replays.pace("large", pace);
  expect(pace.take(0)).toBe(true); // by somebody else: the next one is due in a second
  for (let lane = 0; lane < kept; lane++) {
    begin(lane, "large");
    if (lane % 10 === 9) {
      await settled();
      for (let busy = lane - 9; busy <= lane; busy++)
        partition.reading.offer(makeStoredEvent({ id: `live-${busy}`, stream: `shop.order-${busy}`, revision: 1, position: BigInt(1000 + busy) }));
      expect(partition.schedule.start(0)).toHaveLength(10);
    }
  }
  for (let lane = kept; lane < lanes; lane++) begin(lane, "large");
  await settled();
  expect(read.mock.calls.some(([{ stream }]) => stream === `shop.order-${kept}`)).toBe(true);
});

it("large events of a replay's own deliveries share the bound: 16 MiB at a time, all are delivered, and those of paused lanes hold none back", async () => {
  const [lanes, kept, megabyte] = [60, 40, 1024 * 1024];
  const scene = await largeLetters(lanes);
  const { lend, settled, deliver, held } = scene;
  const loans = Array.from({ length: kept }, (_, lane) => lend(lane, "history"));
  await settled();
  expect(held() * 900_000).toBeGreaterThan(16 * megabyte);
  expect(held() * 900_000).toBeLessThan(40 * megabyte);
  const letGo = loans.map((_, lane) => keptBy["their lanes are paused"]!(scene, lane));
  expect(held()).toBe(0);
  for (let lane = kept; lane < lanes; lane++) lend(lane, "history");
  expect((await deliver()).size).toBe(lanes - kept);
  for (const go of letGo) go();
  expect((await deliver()).size).toBe(kept);
  expect(held()).toBe(0);
});

it("tells whoever asked for a delivery that its event cannot be read, unless it was taken back meanwhile", async () => {
  const { lend, settled, partition, failed } = await largeLetters(3);
  const unreadable = new Error("planted");
  lend(0, "history", () => Promise.reject(unreadable));
  await settled();
  expect(failed).toEqual([unreadable, "withdrawn"]);
  const { promise, reject } = Promise.withResolvers<StoredEvent>();
  const loan = lend(1, "history", () => promise);
  await settled();
  expect(partition.loans.takeBack(loan, "pause")).toMatchObject({ kind: "withdrawn" });
  reject(unreadable);
  await settled();
  expect(failed).toHaveLength(2);
  expect(loan.lane.reading).toBe(false);
});

it("a delivery that was taken back while its event was read is not given that event when it is asked for again", async () => {
  const { lend, settled, partition } = await largeLetters(1);
  const { promise, resolve } = Promise.withResolvers<StoredEvent>();
  const loan = lend(0, "history", () => promise);
  const [call, event] = [loan.call!, makeStoredEvent({ id: "again" })];
  await settled();
  partition.loans.takeBack(loan, "pause");
  partition.loans.ask(loan, { ...call, read: async () => event });
  resolve(makeStoredEvent({ id: "first" }));
  await settled();
  expect(loan.event).toBe(event);
});

async function nextTurns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}
