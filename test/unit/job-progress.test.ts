import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noEnds } from "../../src/delivery/partition/ends.ts";
import type { ReplayEntry, ReplayRequested } from "../../src/records/replay.ts";
import type { ReplayItem } from "../../src/records/replay-item.ts";
import { emptyReplay, foldReplay, noProgress, type StoredReplay, suspectsOf } from "../../src/replay/job-progress.ts";

const act = { actor: "ann", reason: null };
const item = (revision: number): ReplayItem => ({
  handler: "mail",
  lane: "default.order-1",
  revision,
  at: String(revision),
  eventId: `e${revision}`,
  attempts: 1,
});
const request: ReplayRequested = { replayId: "r", kind: "batch", actor: "ann", reason: null, ratePerSecond: 5, total: 8, filter: null };
const place = fc.nat({ max: 7 });
const ends = fc.record({ crashes: fc.nat({ max: 3 }), kills: fc.nat({ max: 3 }), told: fc.nat({ max: 3 }) });
const entry: fc.Arbitrary<ReplayEntry> = fc.oneof(
  fc.constant<ReplayEntry>({ type: "replay.pausing", data: { act } }),
  fc.constant<ReplayEntry>({ type: "replay.paused", data: {} }),
  fc.constant<ReplayEntry>({ type: "replay.resumed", data: { act } }),
  fc.constant<ReplayEntry>({ type: "replay.cancelling", data: { act } }),
  fc.constant<ReplayEntry>({ type: "replay.canary_passed", data: { entities: 1 } }),
  fc.record({ type: fc.constant("replay.stopping" as const), data: fc.record({ why: fc.string() }) }),
  fc.record({
    type: fc.constant("replay.rate_changed" as const),
    data: fc.record({ ratePerSecond: fc.option(fc.nat(), { nil: null }), act: fc.constant(act) }),
  }),
  fc.record({ type: fc.constant("replay.items" as const), data: fc.record({ items: fc.array(fc.nat({ max: 99 }).map(item), { maxLength: 3 }) }) }),
  fc.record({
    type: fc.constant("replay.started" as const),
    data: fc.oneof(
      fc.record({ items: fc.array(place, { maxLength: 2 }) }),
      fc.record({ items: fc.array(place, { maxLength: 2 }), life: fc.constantFrom("told", "silent"), ends }),
    ),
  }),
  fc.record({
    type: fc.constant("replay.outcomes" as const),
    data: fc.record({
      outcomes: fc.array(
        fc.record({ item: place, outcome: fc.constantFrom("succeeded" as const, "failed" as const), attempts: fc.nat({ max: 3 }), error: fc.constant(null) }),
        { maxLength: 3 },
      ),
    }),
  }),
);
const stream = fc.array(entry, { maxLength: 40 }).map((rest): readonly ReplayEntry[] => [{ type: "replay.requested", data: request }, ...rest]);
const folded = (entries: readonly ReplayEntry[], from: StoredReplay = emptyReplay()): StoredReplay => {
  for (const each of entries) foldReplay(from, each);
  return from;
};
const last = <T extends ReplayEntry["type"]>(entries: readonly ReplayEntry[], ...types: readonly T[]) =>
  entries.findLast((each): each is Extract<ReplayEntry, { type: T }> => types.includes(each.type as T));
const told = (life: string) => life === "told";

describe("the fold of a replay's stream", () => {
  it("of an empty stream is a replay that nobody asked for", () => {
    expect(emptyReplay()).toEqual({
      ...noProgress,
      outcomes: new Map(),
      request: null,
      items: [],
      started: new Map(),
      stoodStill: false,
      runner: null,
      ended: null,
    });
  });

  it("says what a reader of the whole stream would say", () => {
    fc.assert(
      fc.property(stream, (entries) => {
        const replay = folded(entries);
        const outcomes = new Map(
          entries.flatMap((each) => (each.type === "replay.outcomes" ? each.data.outcomes.map((one) => [one.item, one.outcome] as const) : [])),
        );
        expect(replay).toMatchObject({
          paused: last(entries, "replay.pausing", "replay.resumed")?.type === "replay.pausing",
          cancelling: entries.some(({ type }) => type === "replay.cancelling"),
          canaryPassed: entries.some(({ type }) => type === "replay.canary_passed"),
          stopping: last(entries, "replay.stopping")?.data.why ?? null,
          request: { ...request, ratePerSecond: (last(entries, "replay.rate_changed")?.data ?? request).ratePerSecond },
          items: entries.flatMap((each) => (each.type === "replay.items" ? each.data.items : [])),
          stoodStill: expect.any(Boolean),
          runner: null,
          ended: null,
        });
        expect(replay.outcomes).toEqual(outcomes);
      }),
    );
  });

  it("is the same in however many parts the stream is read, and changes none of its events", () => {
    fc.assert(
      fc.property(stream, fc.nat({ max: 40 }), (entries, cut) => {
        const before = structuredClone(entries);
        expect(folded(entries.slice(cut), folded(entries.slice(0, cut)))).toEqual(folded(entries));
        expect(entries).toEqual(before);
      }),
    );
  });

  it("passes over types that a later build adds", () => {
    fc.assert(
      fc.property(stream, fc.nat({ max: 40 }), fc.jsonValue(), (entries, at, data) => {
        const later = { type: "replay.moved_to_mars", data } as unknown as ReplayEntry;
        expect(folded(entries.toSpliced(at, 0, later))).toEqual(folded(entries));
      }),
    );
  });

  it("is ended by its report, and by nothing before it", () => {
    const report = { status: "completed", succeeded: 0, failed: 0, skipped: 0, skips: [] } as const;
    fc.assert(
      fc.property(stream, (entries) => folded([...entries, { type: "replay.ended", data: report }]).ended === report.status && folded(entries).ended === null),
    );
  });
});

describe("what was called when the process ended", () => {
  it("is what was started and has no outcome, in whatever order the two were stored", () => {
    fc.assert(
      fc.property(stream, (entries) => {
        const replay = folded(entries);
        const started = new Set(entries.flatMap((each) => (each.type === "replay.started" ? each.data.items : [])));
        expect(new Set(suspectsOf(replay, told).keys())).toEqual(new Set([...started].filter((one) => !replay.outcomes.has(one))));
      }),
    );
  });

  it("counts the end of the process that called it once, by whether that one told its end", () => {
    const of = (...data: readonly Extract<ReplayEntry, { type: "replay.started" }>["data"][]) =>
      suspectsOf(folded(data.map((each) => ({ type: "replay.started", data: each }))), told).get(3);
    expect(of({ items: [3], life: "told", ends: noEnds })).toEqual({ crashes: 1, kills: 0, told: 1 });
    expect(of({ items: [3], life: "silent", ends: noEnds })).toEqual({ crashes: 0, kills: 1, told: 0 });
    expect(of({ items: [3], life: "silent", ends: { crashes: 2, kills: 1, told: 2 } })).toEqual({ crashes: 2, kills: 2, told: 2 });
  });

  it("of the first builds has an end for each time that it was started", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), (times) => {
        const entries = Array.from({ length: times }, (): ReplayEntry => ({ type: "replay.started", data: { items: [3] } }));
        expect(suspectsOf(folded(entries), told).get(3)).toEqual({ crashes: times, kills: 0, told: times });
      }),
    );
  });
});
