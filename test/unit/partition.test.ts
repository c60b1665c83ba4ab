import { describe, expect, it } from "vitest";
import { fold } from "../../src/delivery/journal/fold.ts";
import { emptyState, type PartitionState } from "../../src/delivery/journal/state.ts";
import { defaultDeliveryLimits } from "../../src/delivery/limits.ts";
import type { Delivery } from "../../src/delivery/partition/delivery.ts";
import type { PartitionOptions } from "../../src/delivery/partition/options.ts";
import { Pace } from "../../src/delivery/partition/pace.ts";
import { Partition } from "../../src/delivery/partition/partition.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import type { AttemptRecord } from "../../src/records/attempt.ts";
import type { JournalEvent } from "../../src/records/journal.ts";
import { makeStoredEvent } from "../support/stored-event.ts";

const stream = "default.order-1";
const error = { type: "Error", message: "planted" };
const record: AttemptRecord = { attempt: 1, startedAt: "2026-01-01T00:00:00.000Z", durationMs: 1, outcome: "failed", class: "transient", error };

const event = (revision: number, of = stream): StoredEvent =>
  makeStoredEvent({ id: `${of}-${revision}`, data: null, stream: of, entity: { type: "order", id: "1" }, revision, position: BigInt(revision + 1) });

function folded(journal: readonly JournalEvent[]): PartitionState {
  const state = emptyState();
  for (const [index, each] of journal.entries()) fold(state, each, index);
  return state;
}

/** A partition as it comes out of a journal. */
function recovered(journal: readonly JournalEvent[], options: Partial<PartitionOptions> = {}): Partition {
  const state = folded(journal);
  const { clean, readAhead } = state;
  fold(state, { type: "partition.claimed", data: { owner: "o", build: "b", catalog: "c", readAhead: 10 } }, journal.length);
  return new Partition(
    {
      ordering: "strict",
      record: "batch",
      unknownOutcome: "repeat",
      concurrency: 2,
      limits: defaultDeliveryLimits,
      wanted: { has: () => true },
      chainFingerprint: () => "chain",
      ...options,
    },
    { state, unclean: !clean, readAhead, nowMs: 0, monotonicMs: 0 },
  );
}

const claimed: JournalEvent = { type: "partition.claimed", data: { owner: "o", build: "b", catalog: "c", readAhead: 10 } };
const released: JournalEvent = { type: "partition.released", data: {} };
const letter = (revision: number): JournalEvent => ({
  type: "delivery.dead_lettered",
  data: {
    lane: stream,
    revision,
    at: String(revision + 1),
    eventId: `e${revision}`,
    attempts: 3,
    retryCount: 3,
    cause: "exhausted",
    error,
    chain: "c",
    escalated: false,
    record,
  },
});
const started = (revision: number): JournalEvent => ({
  type: "delivery.started",
  data: { lane: stream, revision, at: String(revision + 1), eventId: `e${revision}`, attempt: 1, alone: false },
});
const about = { replayId: "r1", actor: "local", reason: null, effects: "once" } as const;

/** Stores what waits, and says what it was. */
function flush(partition: Partition): {
  readonly types: readonly string[];
  readonly events: readonly JournalEvent[];
  readonly ended: readonly unknown[];
  readonly started: readonly Delivery[];
} {
  const taken = partition.flushes.take()!;
  return {
    types: taken.events.map(({ type }) => type),
    events: taken.events,
    ended: taken.ended.map(({ replay, end }) => [replay.revision, end.outcome]),
    started: partition.flushes.stored(),
  };
}

function readAll(partition: Partition): void {
  for (let read = partition.reading.next(); read !== undefined; read = partition.reading.next())
    if (read.replay) partition.reading.letterRead(read.lane, read.replay, event(read.from));
    else partition.reading.laneRead(read.lane, [], read.from - 1, 0);
}

describe("dead letters of one lane, left from before the handler became strict", () => {
  const journal = [claimed, letter(0), letter(1), released];

  it("are replayed oldest first", () => {
    const partition = recovered(journal);
    expect(() => partition.replays.begin(stream, 1, about)).toThrow(/dead-lettered before revision 1/);
    partition.replays.begin(stream, 0, about);
    partition.replays.begin(stream, 1, about);
  });

  it("stay behind one that fails again", () => {
    const partition = recovered(journal);
    partition.replays.begin(stream, 0, about);
    partition.replays.begin(stream, 1, about);
    readAll(partition);
    expect(partition.schedule.start(0)).toEqual([]);
    const [delivery] = flush(partition).started;
    expect(delivery!.event.revision).toBe(0);
    partition.outcomes.conclude(delivery!, { kind: "give_up", record, cause: "exhausted", error, becomes: "dead_letter" }, 0);
    partition.schedule.settled(delivery!);
    expect(flush(partition).ended).toEqual([
      [0, "dead_lettered"],
      [1, "skipped"],
    ]);
    expect(partition.schedule.start(0)).toEqual([]);
    expect(partition.letters.get(stream, 1)).toBeDefined();
  });
});

describe("dead letters of many lanes that are delivered again", () => {
  const lanes = [1, 2, 3, 4, 5, 6].map((entity) => `default.order-${entity}`);
  const ofLane = (lane: string) => ({ ...letter(0), data: { ...letter(0).data, lane, eventId: `${lane}-0` } }) as JournalEvent;
  const journal = [claimed, ...lanes.map(ofLane), released];

  const scene = (options: Partial<PartitionOptions> = {}, startsAhead = true) => {
    const partition = recovered(journal, { concurrency: 2, ...options });
    partition.replays.pace(about.replayId, new Pace(null, 0));
    for (const lane of lanes) partition.replays.begin(lane, 0, { ...about, startsAhead });
    for (let read = partition.reading.next(); read !== undefined; read = partition.reading.next())
      partition.reading.letterRead(read.lane, read.replay!, event(0, read.lane.stream));
    return partition;
  };
  const complete = (partition: Partition, deliveries: readonly Delivery[]) => {
    for (const delivery of deliveries) {
      partition.outcomes.conclude(delivery, { kind: "completed", record }, 0);
      partition.schedule.settled(delivery);
    }
  };
  const startsOf = (events: readonly JournalEvent[]) =>
    events.flatMap((each) => (each.type === "progress" ? (each.data.started ?? []).map(([lane, , , , attempt]) => [lane, attempt]) : []));
  const namesOf = (deliveries: readonly Delivery[]) => deliveries.map(({ lane }) => lane.stream);

  it.each(["has no slot yet", "is being recorded"])("leave the turn that one was given to the others, when it is discarded and %s", (when) => {
    const partition = scene({ concurrency: 1 }, false);
    const discard = (lane: string) => partition.letters.discard(lane, 0, { actor: "ann", reason: null });
    const discarded = lanes[when === "has no slot yet" ? 1 : 0]!;
    if (when === "has no slot yet") partition.schedule.start(0);
    partition.flushes.take(false, { acts: [discard(discarded)] });
    partition.schedule.start(0);
    const called = [...partition.flushes.stored(9)];
    complete(partition, called);
    for (let round = 0; round < 2 * lanes.length; round++) {
      partition.schedule.start(0);
      if (!partition.flushes.dirty()) continue;
      const { started: calls } = flush(partition);
      complete(partition, calls);
      called.push(...calls);
    }
    expect(namesOf(called).sort()).toEqual(lanes.filter((lane) => lane !== discarded));
  });

  it("have the next starts on record with the flush before, as many as began since the last one, and wait for no other", () => {
    const partition = scene();
    expect(partition.schedule.start(0)).toEqual([]);
    const first = flush(partition);
    const began = namesOf(first.started).length;
    expect(startsOf(first.events)).toEqual(lanes.slice(0, 2 * began).map((lane) => [lane, 4]));
    expect(namesOf(first.started)).toEqual(lanes.slice(0, began));
    complete(partition, first.started);
    expect(namesOf(partition.schedule.start(0))).toEqual(lanes.slice(began, 2 * began));
  });

  it("begin with the flush that records them, when their slots come while it is under way", () => {
    const partition = scene();
    partition.schedule.start(0);
    const [before] = [flush(partition)];
    complete(partition, before.started);
    const now = partition.schedule.start(0);
    const taken = partition.flushes.take()!;
    expect(startsOf(taken.events).map(([lane]) => lane)).toEqual(lanes.slice(before.started.length + now.length));
    complete(partition, now);
    expect(partition.schedule.start(0)).toEqual([]);
    expect(namesOf(partition.flushes.stored())).toEqual(lanes.slice(before.started.length + now.length));
  });

  it("are recorded anew when a call has failed, or was put back", () => {
    const partition = scene();
    partition.schedule.start(0);
    complete(partition, flush(partition).started);
    const [first, second] = partition.schedule.start(0);
    partition.outcomes.conclude(first!, { kind: "retry", record, waitMs: 10, retryAt: "2026-01-01T00:00:00.010Z", deferrals: null }, 0);
    partition.outcomes.conclude(second!, { kind: "put_back" }, 0);
    for (const delivery of [first!, second!]) partition.schedule.settled(delivery);
    partition.ticks.tick(20);
    const begun = () => partition.schedule.start(20).map(({ lane }) => lane.stream);
    expect(begun()).not.toContain(second!.lane.stream);
    expect(begun()).not.toContain(first!.lane.stream);
  });

  it.each([
    ["each call is recorded by itself", { record: "each" }, false],
    ["an open call would be a dead letter", { unknownOutcome: "escalate" }, false],
    ["the handler is held", {}, true],
  ] as const)("have no start on record before they have slots where %s", (_why, options, held) => {
    const partition = scene(options);
    partition.schedule.start(0);
    partition.schedule.hold("paused", held);
    const { events, started: now } = flush(partition);
    const starts = [...startsOf(events), ...events.filter(({ type }) => type === "delivery.started")];
    expect(starts.length).toBe(now.length);
  });

  it("have none ahead where their replay stops after failures", () => {
    const partition = scene({}, false);
    partition.schedule.start(0);
    const { events, started: now } = flush(partition);
    expect(startsOf(events).length).toBe(now.length);
  });

  it.each(["pause", "stop"] as const)("do not start when their replay is taken back (%s) after that was on record", (how) => {
    const partition = scene();
    partition.schedule.start(0);
    const first = flush(partition);
    expect(startsOf(first.events).length).toBeGreaterThan(first.started.length);
    complete(partition, first.started);
    const left = partition.replays.withdraw(about.replayId, how);
    expect(left.length).toBe(lanes.length - first.started.length);
    expect(partition.schedule.start(0)).toEqual([]);
    expect(flush(partition).started).toEqual([]);
  });

  it("have none ahead of a rate", () => {
    const partition = scene();
    partition.replays.pace(about.replayId, new Pace(1, 0));
    partition.schedule.start(0);
    expect(startsOf(flush(partition).events)).toEqual([[lanes[0], 4]]);
  });
});

describe("a replay that is taken back", () => {
  const scene = () => {
    const partition = recovered([claimed, letter(0), released]);
    const begin = () => {
      const replay = partition.replays.begin(stream, 0, about);
      readAll(partition);
      partition.schedule.start(0);
      return replay;
    };
    begin();
    const [call] = flush(partition).started;
    return { partition, begin, call: call! };
  };
  const retry = { kind: "retry", record, waitMs: 10, retryAt: "2026-01-01T00:00:00.010Z", deferrals: null } as const;
  const verdicts = { fails: retry, "is put off": { ...retry, kind: "defer", deferrals: { count: 1, ms: 10 } } } as const;
  const startsLater = (partition: Partition) => {
    partition.ticks.tick(1000);
    readAll(partition);
    const now = partition.schedule.start(1000).length;
    return now + (partition.flushes.take() === null ? 0 : partition.flushes.stored().length);
  };

  it.each([
    ["stop", "fails", "delivery.dead_lettered", "dead_lettered"],
    ["stop", "is put off", "delivery.deferred", "withdrawn"],
    ["pause", "fails", "delivery.failed", "withdrawn"],
    ["pause", "is put off", "delivery.deferred", "withdrawn"],
  ] as const)("(%s) makes no more calls when the one that runs %s", (how, comes, fact, end) => {
    const { partition, call } = scene();
    const left = partition.replays.withdraw(about.replayId, how);
    expect(left).toEqual([call.replay]);
    partition.outcomes.conclude(call, verdicts[comes], 0);
    partition.schedule.settled(call);
    const { types, ended } = flush(partition);
    expect(types).toEqual([...(how === "stop" ? ["replay.stopped"] : []), fact, "progress"]);
    expect(ended).toEqual([[0, end]]);
    expect(startsLater(partition)).toBe(0);
    expect(partition.letters.get(stream, 0)).toBeDefined();
  });

  it("goes on after a pause where it was", () => {
    const { partition, begin, call } = scene();
    partition.replays.withdraw(about.replayId, "pause");
    partition.outcomes.conclude(call, retry, 0);
    partition.schedule.settled(call);
    flush(partition);
    expect(begin()).toMatchObject({ failed: 1, dueMs: 10 });
    expect(startsLater(partition)).toBe(1);
  });
});

describe("a pause of a lane that has not been seen yet, whose caller was told that the log does not answer", () => {
  it.each([
    ["is in force when its record turns out to be stored", 5, []],
    ["is none when it was not stored", null, [1]],
  ])("%s", (_what, storedAt, starts) => {
    const partition = recovered([claimed, released]);
    const lane = partition.lanes.pin(stream);
    const pause = partition.lanes.pause(lane, { actor: "local", reason: null }, 0);
    partition.flushes.take(false, { acts: [pause] });
    partition.lanes.unpin(lane);
    partition.flushes.stored(storedAt);
    partition.reading.offer(event(1));
    expect(partition.schedule.start(0).map(({ event: { revision } }) => revision)).toEqual(starts);
  });
});

describe("a call without an outcome when the process died", () => {
  it("is never repeated by itself under unknownOutcome escalate", () => {
    const partition = recovered([claimed, started(0)], { unknownOutcome: "escalate" });
    const { events } = flush(partition);
    expect(events[0]).toMatchObject({ type: "delivery.dead_lettered", data: { revision: 0, cause: "unknown_outcome", escalated: true } });
    expect(partition.reading.next()).toBeUndefined();
    expect(partition.schedule.start(0)).toEqual([]);
  });

  it("runs alone the second time, on record before it is called, and nothing else beside it", () => {
    const partition = recovered([claimed, started(0)]);
    partition.reading.offer(event(0, "default.order-2"));
    const read = partition.reading.next()!;
    partition.reading.laneRead(read.lane, [event(0)], 0, 0);
    expect(partition.schedule.start(0)).toEqual([]);
    const { events, started: now } = flush(partition);
    expect(events.find(({ type }) => type === "delivery.started")).toMatchObject({ data: { lane: stream, alone: true } });
    expect(now.map(({ lane }) => lane.stream)).toEqual([stream]);
    expect(partition.schedule.start(0)).toEqual([]);
    partition.outcomes.conclude(now[0]!, { kind: "completed", record }, 0);
    partition.schedule.settled(now[0]!);
    expect(partition.suspects.any()).toBe(false);
    // The others may go on; this one's outcome is on record before they are called.
    expect(partition.schedule.start(0)).toEqual([]);
    expect(flush(partition).started.map(({ lane }) => lane.stream)).toEqual(["default.order-2"]);
  });

  it("has ended on record, when it ends in the moment in which the others have waited long enough for it", () => {
    const before = [claimed, started(0)];
    const partition = recovered(before);
    const read = partition.reading.next()!;
    partition.reading.laneRead(read.lane, [event(0)], 0, 0);
    partition.schedule.start(0);
    const first = flush(partition);
    partition.ticks.tick(3_600_000);
    expect(partition.suspects.any()).toBe(false);
    const retry = { kind: "retry", record, waitMs: 10, retryAt: "2026-01-01T01:00:00.010Z", deferrals: null } as const;
    partition.outcomes.conclude(first.started[0]!, retry, 3_600_000);
    partition.schedule.settled(first.started[0]!);
    const { types, events } = flush(partition);
    expect(types).toEqual(["delivery.started", "delivery.failed", "progress"]);
    expect(folded([...before, ...first.events, ...events]).started.size).toBe(0);
  });

  it("runs alone, too, when it was a dead letter's, as soon as that is delivered again", () => {
    const other = "default.order-2";
    const partition = recovered([claimed, letter(0), { ...started(0), data: { ...started(0).data, replayId: "r0" } } as JournalEvent]);
    partition.reading.offer(event(0, other));
    partition.replays.begin(stream, 0, { ...about, startsAhead: true });
    expect(partition.suspects.any()).toBe(true);
    readAll(partition);
    expect(partition.schedule.start(0)).toEqual([]);
    const { events, started: now } = flush(partition);
    expect(events.find(({ type }) => type === "delivery.started")).toMatchObject({ data: { lane: stream, alone: true, replayId: "r1" } });
    expect(now.map(({ lane }) => lane.stream)).toEqual([stream]);
    expect(partition.schedule.start(0)).toEqual([]);
  });

  it("is no suspect after a clean stop", () => {
    expect(recovered([claimed, started(0), released]).suspects.any()).toBe(false);
  });
});

describe("a lane that comes back to the subscription and leaves it again", () => {
  it("has left it on record, also when the same flush records both", () => {
    const before: JournalEvent[] = [claimed, { type: "lane.detached", data: { lane: stream, next: 0, at: "0", why: "slow" } }, released];
    const partition = recovered(before, { limits: { ...defaultDeliveryLimits, laneQueueEvents: 1 } });
    readAll(partition);
    for (const revision of [0, 1]) partition.reading.offer(event(revision));
    const { types, events } = flush(partition);
    expect(types).toEqual(["lane.attached", "lane.detached", "progress"]);
    expect(folded([...before, ...events]).lanes.get(stream)).toMatchObject({ detached: true });
  });
});

describe("a call that outlives its time-out", () => {
  it("gives its slot back and keeps its lane", () => {
    const partition = recovered([], { concurrency: 1 });
    for (const of of [stream, "default.order-2"]) partition.reading.offer({ ...event(0, of), position: BigInt(of === stream ? 1 : 2) });
    const [late] = partition.schedule.start(0);
    partition.outcomes.conclude(late!, { kind: "retry", record, waitMs: 10, retryAt: "2026-01-01T00:00:00.010Z", deferrals: null }, 0);
    expect(partition.schedule.start(0)).toEqual([]);
    partition.schedule.giveBackSlot(late!);
    expect(partition.schedule.start(0).map(({ lane }) => lane.stream)).toEqual(["default.order-2"]);
    partition.ticks.tick(20);
    expect(partition.reading.next()).toBeUndefined(); // due, but its call still runs
    partition.schedule.settled(late!);
    expect(partition.reading.next()?.lane.stream).toBe(stream);
  });
});
