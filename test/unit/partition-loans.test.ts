import { describe, expect, it } from "vitest";
import { emptyState } from "../../src/delivery/journal/state.ts";
import { defaultDeliveryLimits } from "../../src/delivery/limits.ts";
import type { Delivery } from "../../src/delivery/partition/delivery.ts";
import type { LaneLoan, LoanedCall } from "../../src/delivery/partition/lane-loan.ts";
import type { PartitionOptions } from "../../src/delivery/partition/options.ts";
import { Partition } from "../../src/delivery/partition/partition.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import type { AttemptRecord, Ends } from "../../src/records/attempt.ts";

const stream = "default.order-1";
const error = { type: "Error", message: "planted" };
const record: AttemptRecord = { attempt: 1, startedAt: "2026-01-01T00:00:00.000Z", durationMs: 1, outcome: "failed", class: "transient", error };
const retry = { kind: "retry", record, waitMs: 100, retryAt: "2026-01-01T00:00:00.100Z", deferrals: null } as const;
const put = { kind: "put_back" } as const;

const event = (revision: number, of = stream): StoredEvent => ({
  ...{ id: `${of}-${revision}`, type: "order.placed", schemaVersion: 1, source: null, occurredAt: null, data: null, metadata: { priority: "normal" } },
  ...{ stream: of, tenant: "default", entity: { type: "order", id: "1" }, revision, position: BigInt(revision + 1), recordedAt: "2026-01-01T00:00:00.000Z" },
});

function makePartition(options: Partial<PartitionOptions> = {}): Partition {
  const at = { state: emptyState(), unclean: false, readAhead: 0, nowMs: 0, monotonicMs: 0 };
  const wanted = { wanted: { has: () => true }, chainFingerprint: () => "chain", limits: defaultDeliveryLimits };
  return new Partition({ ordering: "strict", record: "batch", unknownOutcome: "repeat", concurrency: 4, ...wanted, ...options }, at);
}

type Call = LoanedCall & { readonly event: StoredEvent };

const call = ({ event: asked = event(0), ...more }: Partial<Call> = {}): Call => ({
  ...{ event: asked, revision: asked.revision, read: async () => asked },
  replay: { id: "h1", reason: null, mode: "run", effects: "once" },
  ...{ before: null, ends: null, recordFirst: false, record: async () => {}, onNotAlone: null, source: { item: 0, amended: false } },
  ...more,
});

/** Asks for the call, whose event is read as soon as its lane may run it. */
function ask(partition: Partition, loan: LaneLoan, asked: Call) {
  const ended = partition.loans.ask(loan, asked);
  readLoans(partition);
  return ended;
}

/** @returns what else is to be read. */
function readLoans(partition: Partition) {
  for (;;) {
    const next = partition.reading.next();
    if (!next?.loan) return next;
    partition.reading.loanRead(next.loan, next.loan.call!, event(next.from, next.lane.stream));
  }
}

function tick(partition: Partition, nowMs: number): void {
  partition.ticks.tick(nowMs);
  readLoans(partition);
}

const crashed = (crashes: number): Ends => ({ crashes, kills: 0, told: crashes });

function end(partition: Partition, delivery: Delivery, verdict: Parameters<Partition["outcomes"]["conclude"]>[1], nowMs = 0) {
  const ended = partition.outcomes.conclude(delivery, verdict, nowMs);
  partition.schedule.settled(delivery);
  return ended;
}

describe("a replay's own delivery", () => {
  it("is called again when its retry is due, not before, and its lane waits for it", () => {
    const partition = makePartition();
    const loan = partition.loans.lend(stream, "h1", 0);
    partition.reading.offer(event(5));
    ask(partition, loan, call());
    const [first] = partition.schedule.start(0);
    expect(end(partition, first!, retry)).toBeNull();
    expect(partition.schedule.start(99)).toEqual([]);
    expect(partition.ticks.nextMs()).toBe(100);
    tick(partition, 100);
    const [second] = partition.schedule.start(100);
    expect(second).toMatchObject({ attempt: 2, round: 1, loan });
    expect(end(partition, second!, { kind: "give_up", record, cause: "exhausted", error, becomes: "dead_letter" })).toEqual({
      kind: "failed",
      attempts: 2,
      error,
    });
    partition.loans.end(loan);
    expect(partition.schedule.start(100).map((delivery) => delivery.event.revision)).toEqual([5]);
  });

  it("that was put off is called again without a failed call", () => {
    const partition = makePartition();
    const loan = partition.loans.lend(stream, "h1", 0);
    ask(partition, loan, call());
    const deferrals = { count: 1, ms: 100 };
    end(partition, partition.schedule.start(0)[0]!, { kind: "defer", record, waitMs: 100, retryAt: retry.retryAt, deferrals });
    expect(partition.schedule.start(99)).toEqual([]);
    tick(partition, 100);
    expect(partition.schedule.start(100)[0]).toMatchObject({ attempt: 1, round: 0, deferred: deferrals });
  });

  it("goes on where it was when its replay took it back", () => {
    const partition = makePartition();
    const loan = partition.loans.lend(stream, "h1", 0);
    ask(partition, loan, call());
    end(partition, partition.schedule.start(0)[0]!, retry);
    const before = { failed: 1, deferred: { count: 0, ms: 0 }, dueMs: 100, part: null };
    expect(partition.loans.takeBack(loan, "pause")).toEqual({ kind: "withdrawn", progress: before });
    partition.loans.end(loan);
    const again = partition.loans.lend(stream, "h1", 50);
    ask(partition, again, call({ before }));
    expect(partition.schedule.start(50)).toEqual([]);
    tick(partition, 100);
    expect(partition.schedule.start(100)[0]).toMatchObject({ attempt: 2, round: 1 });
  });

  it("of a split event has attempts of its own for each part, and goes on at the part where it was", () => {
    const partition = makePartition();
    const loan = partition.loans.lend(stream, "h1", 0);
    ask(partition, loan, call());
    const [delivery] = partition.schedule.start(0);
    delivery!.part = { index: 0, of: 2 };
    end(partition, delivery!, retry);
    tick(partition, 100);
    const [again] = partition.schedule.start(100);
    expect(again).toMatchObject({ attempt: 2 });
    again!.part = { index: 0, of: 2 };
    partition.parts.completed(again!, record);
    expect(again).toMatchObject({ attempt: 1, round: 0 });
    again!.part = { index: 1, of: 2 };
    end(partition, again!, retry, 100);
    const ended = partition.loans.takeBack(loan, "pause");
    expect(ended).toMatchObject({ kind: "withdrawn", progress: { failed: 1, part: { index: 1 } } });
    const next = partition.loans.lend("default.order-2", "h1", 0);
    partition.loans.end(loan);
    ask(partition, next, call({ before: ended!.kind === "withdrawn" ? { ...ended!.progress, dueMs: null } : null }));
    const [last] = partition.schedule.start(200);
    expect(partition.parts.firstOf(last!)).toBe(1);
    expect(last).toMatchObject({ attempt: 2 });
    end(partition, last!, { kind: "completed", record });
    ask(partition, next, call({ event: event(1, "default.order-2") }));
    expect(partition.parts.firstOf(partition.schedule.start(200)[0]!)).toBe(0);
  });

  it("is not tried again once its replay was stopped while it ran", () => {
    const partition = makePartition();
    const loan = partition.loans.lend(stream, "h1", 0);
    for (const [how, ended] of [
      ["stop", { kind: "failed", attempts: 1, error }],
      ["pause", { kind: "withdrawn", progress: { failed: 1, deferred: { count: 0, ms: 0 }, dueMs: 100, part: null } }],
    ] as const) {
      ask(partition, loan, call());
      const [delivery] = partition.schedule.start(0);
      expect(partition.loans.takeBack(loan, how)).toBeNull();
      expect(end(partition, delivery!, retry)).toEqual(ended);
      tick(partition, 1000);
      expect(partition.schedule.start(1000)).toEqual([]);
    }
  });

  it("that nothing is known of keeps its place, and goes on when the handler does", () => {
    const partition = makePartition();
    const loan = partition.loans.lend(stream, "h1", 0);
    ask(partition, loan, call());
    const [delivery] = partition.schedule.start(0);
    partition.schedule.hold("paused", true);
    expect(end(partition, delivery!, put)).toBeNull();
    expect(partition.schedule.start(0)).toEqual([]);
    partition.schedule.hold("paused", false);
    expect(partition.schedule.start(0)[0]).toMatchObject({ attempt: 1, loan });
  });

  it("is called once in a dry run", () => {
    const partition = makePartition();
    const loan = partition.loans.lend(stream, "h1", 0);
    ask(partition, loan, call({ replay: { id: "h1", reason: null, mode: "dry_run", effects: "once" } }));
    expect(end(partition, partition.schedule.start(0)[0]!, retry)).toEqual({ kind: "failed", attempts: 1, error });
  });
});

describe("a replay's own delivery that the end of the process cut off", () => {
  it.each([
    [1, 1, "ProcessCrash"],
    [3, 2, null],
    [3, 3, "ProcessCrash"],
    [5, 3, null],
  ])("with limits.maxCrashes %i has failed after %i crashes: %s", (maxCrashes, crashes, type) => {
    const partition = makePartition({ limits: { ...defaultDeliveryLimits, maxCrashes } });
    const ended = ask(partition, partition.loans.lend(stream, "h1", 0), call({ ends: crashed(crashes) }));
    if (type === null) expect(ended).toBeNull();
    else expect(ended).toMatchObject({ kind: "failed", attempts: crashes, error: { type } });
    expect(partition.schedule.start(0)).toHaveLength(type === null ? 1 : 0);
  });

  it("is never repeated by itself under unknownOutcome escalate", () => {
    const partition = makePartition({ unknownOutcome: "escalate" });
    const ended = ask(partition, partition.loans.lend(stream, "h1", 0), call({ ends: crashed(1) }));
    expect(ended).toMatchObject({ kind: "failed", error: { type: "UnknownOutcome" } });
  });

  it.each<readonly [what: string, verdict: Parameters<Partition["outcomes"]["conclude"]>[1]]>([
    ["fails and waits for its retry", retry],
    ["is put off", { kind: "defer", record, waitMs: 100, retryAt: retry.retryAt, deferrals: { count: 1, ms: 100 } }],
    ["succeeds", { kind: "completed", record }],
    ["fails for good", { kind: "give_up", record, cause: "exhausted", error, becomes: "dead_letter" }],
    ["is put back", put],
  ])("that ran alone and %s has that on record before the next one runs, which may end the process", (_what, verdict) => {
    const partition = makePartition();
    const told: string[] = [];
    for (const of of [stream, "default.order-2"]) {
      const loan = partition.loans.lend(of, "h1", 0);
      ask(partition, loan, call({ event: event(0, of), ends: crashed(1), onNotAlone: () => told.push(of) }));
    }
    const [first] = partition.schedule.start(0);
    expect(first).toMatchObject({ loan: { toRecord: "alone" } });
    expect(told).toEqual([]);
    end(partition, first!, verdict);
    expect(told).toEqual([stream]);
    expect(partition.schedule.start(0)).toMatchObject([{ loan: { toRecord: "alone" } }]);
  });

  it("runs alone, recorded as such, one after another, and nothing else beside it", () => {
    const partition = makePartition();
    const [one, two] = ["default.order-2", "default.order-3"].map((of) => partition.loans.lend(of, "h1", 0));
    ask(partition, one!, call({ event: event(0, "default.order-2"), ends: crashed(1) }));
    ask(partition, two!, call({ event: event(0, "default.order-3"), ends: crashed(1) }));
    partition.reading.offer(event(0));
    const first = partition.schedule.start(0);
    expect(first).toMatchObject([{ loan: { toRecord: "alone" } }]);
    expect(partition.schedule.start(0)).toEqual([]);
    end(partition, first[0]!, { kind: "completed", record });
    const second = partition.schedule.start(0);
    expect(second).toMatchObject([{ loan: { toRecord: "alone" } }]);
    expect(second[0]!.lane).not.toBe(first[0]!.lane);
    expect(partition.suspects.any()).toBe(true);
    end(partition, second[0]!, { kind: "completed", record });
    expect(partition.suspects.any()).toBe(false);
    expect(partition.schedule.start(0).map(({ lane }) => lane.stream)).toEqual([stream]);
  });

  it("is said to run beside others once their patience is over", () => {
    const partition = makePartition();
    let told = 0;
    const loan = partition.loans.lend("default.order-2", "h1", 0);
    const onNotAlone = () => void told++;
    ask(partition, loan, call({ event: event(0, "default.order-2"), ends: crashed(1), onNotAlone }));
    partition.reading.offer(event(0));
    expect(partition.schedule.start(0)).toHaveLength(1);
    tick(partition, 9_999);
    expect(partition.schedule.start(9_999)).toEqual([]);
    tick(partition, 10_000);
    expect(told).toBe(1);
    expect(partition.schedule.start(10_000).map(({ lane }) => lane.stream)).toEqual([stream]);
  });

  it("waits until what ran in its lane itself at the crash is over", () => {
    const state = emptyState();
    const startedAt = { at: 1n, eventId: "e0", attempt: 1, alone: false, replayId: null, ends: crashed(1) };
    state.started.set(stream, new Map([[0, startedAt]]));
    const limits = defaultDeliveryLimits;
    const partition = new Partition(
      { ordering: "strict", record: "batch", unknownOutcome: "repeat", concurrency: 4, limits, wanted: { has: () => true }, chainFingerprint: () => "chain" },
      { state, unclean: true, readAhead: 10, nowMs: 0, monotonicMs: 0 },
    );
    const loan = partition.loans.lend(stream, "h1", 0);
    partition.loans.ask(loan, call({ event: event(0), ends: crashed(1) }));
    const read = readLoans(partition)!;
    partition.reading.laneRead(read.lane, [event(0)], 0, 0);
    expect(partition.schedule.start(0)).toEqual([]);
    partition.flushes.take();
    const [own] = partition.flushes.stored();
    expect(own).toMatchObject({ loan: null, event: { revision: 0 } });
    end(partition, own!, { kind: "completed", record });
    partition.flushes.take();
    partition.flushes.stored();
    readLoans(partition);
    expect(partition.schedule.start(0)).toMatchObject([{ loan: { toRecord: "alone" } }]);
  });
});
