/** The state of a handler's partitions divided among others, and brought to one place before: whatever they know, nothing of it is lost, doubled or changed. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fold } from "../../src/delivery/journal/fold.ts";
import { fromSnapshot, slicesOf, toSnapshot } from "../../src/delivery/journal/snapshot.ts";
import { emptyState, type LaneRecord, type PartitionState } from "../../src/delivery/journal/state.ts";
import { lanesBehind } from "../../src/delivery/repartition/lanes-behind.ts";
import { type OldPartition, splitStates } from "../../src/delivery/repartition/split-state.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import { journalStream } from "../../src/event/names.ts";
import { partitionOf } from "../../src/event/partition-of.ts";
import type { JournalEvent } from "../../src/records/journal.ts";
import { size } from "../support/sizes.ts";

const lanes = Array.from({ length: 30 }, (_, n) => `default.order-${n}`);
const small = fc.integer({ min: 0, max: 9 });
const wait = {
  retryAt: fc.option(fc.integer({ min: 1, max: 2_000_000_000_000 })),
  waitMs: fc.option(small),
  deferred: fc.constantFrom({ count: 0, ms: 0 }, { count: 2, ms: 70 }, { count: 1, ms: 30, elapsedMs: 9 }),
};
const letter = fc.record({
  ...{ at: fc.bigInt(1n, 99n), eventId: fc.uuid(), attempts: small, approval: fc.constant(null) },
  decision: fc.option(
    fc.record({ dueInMs: small, onDue: fc.constantFrom("discard", "keep"), dueAt: fc.option(small), told: fc.constant(null), part: fc.option(small) }),
  ),
  replay: fc.option(fc.record({ replayId: fc.uuid(), failed: small, ...wait })),
  amended: fc.option(fc.record({ revision: small, replayId: fc.option(fc.uuid()) })),
});
const record = fc.record({
  ...{ next: small, at: fc.bigInt(0n, 99n), detached: fc.boolean(), blockedBy: fc.constantFrom(null, "newer_build" as const), attempts: small, ...wait },
  letters: fc.uniqueArray(fc.tuple(small, letter), { maxLength: 3, selector: ([revision]) => revision }).map((all) => new Map(all)),
  ...{ paused: fc.boolean(), pace: fc.option(fc.record({ replayId: fc.uuid(), through: small })) },
}) as unknown as fc.Arbitrary<LaneRecord>;
const started = fc.record({
  ...{ at: fc.bigInt(1n, 99n), eventId: fc.uuid(), attempt: small, alone: fc.boolean(), replayId: fc.option(fc.uuid()) },
  ends: fc.record({ crashes: small, kills: small, told: small }),
});

/** The partitions of a handler with `of` of them: each lane where its hash says. */
const partitions = (of: number) =>
  fc
    .record({
      records: fc.dictionary(fc.constantFrom(...lanes), record, { maxKeys: 20, noNullPrototype: true }),
      calls: fc.dictionary(fc.constantFrom(...lanes), fc.tuple(small, started), { maxKeys: 5, noNullPrototype: true }),
      parts: fc.dictionary(fc.constantFrom(...lanes), small, { maxKeys: 5, noNullPrototype: true }),
      ...{ isClean: fc.array(fc.boolean(), { minLength: of, maxLength: of }), bases: fc.array(small, { minLength: of, maxLength: of }) },
    })
    .map(({ records, calls, parts, isClean, bases }) => {
      const old = Array.from({ length: of }, (_, at): OldPartition => {
        const state = emptyState();
        Object.assign(state, { checkpoint: 50n, clean: isClean[at], epochBase: bases[at], readAhead: 7 });
        return { journal: journalStream("desk", of, at), revision: 10 * at, state };
      });
      const stateOf = (lane: string) => old[partitionOf(lane, of)]!.state;
      for (const [lane, each] of Object.entries(records)) {
        stateOf(lane).lanes.set(lane, each);
        if (!each.detached) stateOf(lane).attached.add(lane);
      }
      for (const [lane, [revision, call]] of Object.entries(calls)) stateOf(lane).started.set(lane, new Map([[revision, call]]));
      for (const [lane, part] of Object.entries(parts)) stateOf(lane).parts.set(lane, new Map([[1, { at: 51n, part }]]));
      return old;
    });

const numbers = fc.constantFrom(1, 2, 3, 4, 6, 16, 64);
const twoNumbers = fc.tuple(numbers, numbers).chain(([of, into]) => fc.tuple(partitions(of), fc.constant(into)));

/** All that is known of each lane, whichever partition knows it. */
const known = (states: readonly PartitionState[], of: "lanes" | "started" | "parts") =>
  new Map(states.flatMap((state) => [...state[of]] as [string, unknown][]));
const asOld = (states: readonly PartitionState[]) =>
  states.map((state, at): OldPartition => ({ journal: journalStream("desk", states.length, at), revision: 3, state }));
const withoutJournals = (states: readonly PartitionState[]) =>
  new Map(
    states.flatMap(({ lanes }) =>
      Array.from(lanes, ([lane, { letters, ...rest }]) => {
        const all = Array.from(letters, ([revision, { amended, ...one }]) => [
          revision,
          { ...one, amended: amended && { revision: amended.revision, replayId: amended.replayId } },
        ]);
        return [lane, { ...rest, letters: all }] as const;
      }),
    ),
  );

describe("the states of a handler's partitions, divided anew", () => {
  it("have all that was known of each lane where its hash says, and say in which journal an amendment is", async () => {
    await fc.assert(
      fc.property(twoNumbers, ([old, into]) => {
        const before = old.map(({ state }) => state);
        const states = splitStates(old, into, ["order.placed"]);
        expect(states).toHaveLength(into);
        for (const [at, { lanes, started, parts, attached, ...rest }] of states.entries()) {
          for (const lane of [...lanes.keys(), ...started.keys(), ...parts.keys()]) expect(partitionOf(lane, into)).toBe(at);
          expect([...attached].sort()).toEqual([...lanes].flatMap(([lane, { detached }]) => (detached ? [] : [lane])).sort());
          expect(rest).toMatchObject({ checkpoint: 50n, clean: before.every(({ clean }) => clean), closed: null, types: into === 1 ? null : ["order.placed"] });
          for (const { state, revision } of old) expect(rest.epochBase).toBeGreaterThan(state.epochBase + revision);
          const snapshot = toSnapshot(states[at]!, "set", [...slicesOf(states[at]!, { bytes: 500, letters: 2 })]);
          expect(fromSnapshot(JSON.parse(JSON.stringify(snapshot.map(({ data }) => data))))).toEqual(states[at]);
        }
        expect(withoutJournals(states)).toEqual(withoutJournals(before));
        for (const of of ["started", "parts"] as const) expect(known(states, of)).toEqual(known(before, of));
        for (const { journal, state } of old)
          for (const [lane, { letters }] of state.lanes)
            for (const [revision, { amended }] of letters) {
              const now = states[partitionOf(lane, into)]!.lanes.get(lane)!.letters.get(revision)!;
              expect(now.amended).toEqual(amended && { ...amended, journal });
            }
      }),
      { numRuns: size(200, 10_000) },
    );
  });

  it("are the same however often they are divided, and amendments stay where they were first", async () => {
    await fc.assert(
      fc.property(twoNumbers, numbers, ([old, into], then) => {
        const once = splitStates(old, into, []);
        const twice = splitStates(asOld(once), then, []);
        expect(new Map(twice.flatMap(({ lanes }) => [...lanes]))).toEqual(new Map(once.flatMap(({ lanes }) => [...lanes])));
      }),
      { numRuns: size(100, 5000) },
    );
  });

  it("share nothing with those of before", () => {
    const [state] = [emptyState()];
    fold(
      state,
      { type: "delivery.dead_lettered", data: { lane: "default.order-1", revision: 0, at: "1", eventId: "e", attempts: 1, escalated: false } } as never,
      0,
    );
    const [, divided] = [state, splitStates([{ journal: "j", revision: 0, state }], 1, [])[0]!];
    fold(
      divided,
      { type: "delivery.settled", data: { lane: "default.order-1", revision: 0, at: "1", eventId: "e", outcome: "discarded", act: {} } } as never,
      1,
    );
    expect([state.lanes.get("default.order-1")!.letters.size, divided.lanes.get("default.order-1")!.letters.size]).toEqual([1, 0]);
  });
});

describe("a partition that is brought to the place of another", () => {
  const events = fc.array(fc.tuple(fc.integer({ min: 0, max: 7 }), fc.boolean()), { minLength: 1, maxLength: 60 }).map((list) => {
    const revisions = new Map<number, number>();
    return list.map(([lane, isWanted], index) => {
      const revision = revisions.get(lane) ?? 0;
      revisions.set(lane, revision + 1);
      return { stream: `default.order-${lane}`, revision, position: BigInt(index + 1), type: isWanted ? "wanted" : "other" } as StoredEvent;
    });
  });
  const isDone = ({ lanes, checkpoint }: PartitionState, { stream, revision, position }: StoredEvent) => {
    const lane = lanes.get(stream);
    return (lane !== undefined && revision < lane.next) || (position <= checkpoint && lane?.detached !== true);
  };

  it("has the same events done as before, and detaches no lane for nothing", async () => {
    await fc.assert(
      fc.asyncProperty(
        events,
        fc.nat(60),
        fc.nat(60),
        fc.nat(5),
        fc.array(fc.tuple(fc.nat(7), fc.nat(9), fc.boolean())),
        async (all, from, further, readAhead, told) => {
          const state = emptyState();
          const progress = (to: bigint, ahead: readonly (readonly [string, number, string])[] = []): JournalEvent => ({
            type: "progress",
            data: { checkpoint: to.toString(), ahead },
          });
          fold(state, progress(BigInt(from)), 0);
          for (const [lane, next, isDetached] of told) {
            const last = all.findLast(({ stream, revision }) => stream === `default.order-${lane}` && revision < next);
            if (last === undefined) continue;
            const [stream, at] = [last.stream, last.position.toString()];
            if (isDetached) fold(state, { type: "lane.detached", data: { lane: stream, next: last.revision + 1, at, why: "slow" } }, 0);
            else fold(state, progress(BigInt(from), [[stream, last.revision + 1, at]]), 0);
          }
          const wanted = all.filter(({ type }) => type === "wanted");
          const before = wanted.map((event) => isDone(state, event));
          const through = BigInt(from + further);
          const log = { readAll: ({ after = 0n } = {}) => (async function* () { yield all.filter(({ type, position }) => type === "wanted" && position > after); })() }; // biome-ignore format: one line
          const facts = [];
          for await (const fact of lanesBehind({ log, state, types: ["wanted"], wanted: { has: ({ type }) => type === "wanted" }, through, readAhead }))
            facts.push(fact);
          const open = wanted.filter((event) => event.position > state.checkpoint && !isDone(state, event) && !state.lanes.get(event.stream)?.detached);
          const mustMove = new Set(open.filter((event, at) => event.position <= through || at < readAhead).map(({ stream }) => stream));
          expect(new Set(facts.map(({ data }) => data.lane))).toEqual(mustMove);
          for (const fact of [...facts, progress(through)]) fold(state, fact, 0);
          expect(wanted.map((event) => isDone(state, event))).toEqual(before);
        },
      ),
      { numRuns: size(500, 50_000) },
    );
  });
});
