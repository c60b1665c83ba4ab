/** What has completed is told from how the journal's fold moves: each completion once, in order, from whatever record on. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fold } from "../../src/delivery/journal/fold.ts";
import { emptyState, type PartitionState } from "../../src/delivery/journal/state.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import type { JournalEvent } from "../../src/records/journal.ts";
import { completedBy, type Reach, reachOf } from "../../src/store/following/completions/completed-by.ts";
import { World } from "../support/partition-model.ts";
import { size } from "../support/sizes.ts";

const runs = size(150, 5000, "REPRISE_COMPLETED_RUNS");

const worlds = fc.record({
  seed: fc.nat(),
  ordering: fc.constantFrom("strict" as const, "relaxed" as const),
  record: fc.constantFrom("batch" as const, "each" as const),
  entities: fc.integer({ min: 1, max: 6 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  steps: fc.integer({ min: 20, max: 300 }),
  drains: fc.boolean(),
});

const wanted = ({ type }: StoredEvent): boolean => type === "thing.happened";

function isWithin({ lanes, log }: Reach, { stream, revision, position }: StoredEvent): boolean {
  const inLane = lanes.some(
    ({ lane, from, before, beyond, through }) =>
      lane === stream && revision >= from && revision < before && position > beyond && (through === null || position <= through),
  );
  return inLane || (log !== null && position > log.beyond && position <= log.through);
}

/** By the words of the rules (Journal): every event of the log is looked at, after every record. */
function completedSoFar(state: PartitionState, log: readonly StoredEvent[], others: ReadonlySet<string>): Set<string> {
  const done = ({ stream, revision, position }: StoredEvent): boolean => {
    const lane = state.lanes.get(stream);
    if (lane === undefined) return position <= state.checkpoint;
    return lane.detached ? revision < lane.next : position <= state.checkpoint || revision < lane.next;
  };
  return new Set(log.filter((event) => wanted(event) && done(event) && !others.has(`${event.stream}@${event.revision}`)).map(({ id }) => id));
}

/** Deliveries that a record gives another outcome, or makes dead letters. */
function othersIn({ type, data }: JournalEvent): readonly string[] {
  if (type === "delivery.dead_lettered" || type === "delivery.settled") return [`${data.lane}@${data.revision}`];
  if (type === "letters.replayed") return data.letters.map(([lane, revision]) => `${lane}@${revision}`);
  return [];
}

/** What each record of the journal tells, with the events that are read for it. */
function told({ journal, log }: World): readonly (readonly string[])[] {
  const state = emptyState();
  return journal.map((record, revision) => {
    const reach = reachOf(state, record);
    return completedBy(
      state,
      record,
      revision,
      log.filter((event) => wanted(event) && isWithin(reach, event)),
    ).map(({ id }) => id);
  });
}

function run({ steps, ...options }: { readonly steps: number } & ConstructorParameters<typeof World>[0]): World {
  const world = new World(options);
  for (let step = 0; step < steps; step++) world.step();
  return world;
}

describe("completions told from a journal", () => {
  it("are those that looking at every event after every record finds", { timeout: 300_000 }, () => {
    let found = 0;
    fc.assert(
      fc.property(worlds, (options) => {
        const world = run(options);
        if (options.drains) world.drain();
        const state = emptyState();
        const others = new Set<string>();
        let before = new Set<string>();
        const all = told(world);
        for (const [revision, record] of world.journal.entries()) {
          fold(state, record, revision);
          for (const each of othersIn(record)) others.add(each);
          const after = completedSoFar(state, world.log, others);
          expect(new Set(all[revision]), `record ${revision}: ${record.type}`).toEqual(new Set([...after].filter((id) => !before.has(id))));
          before = after;
        }
        found += before.size;
      }),
      { numRuns: runs },
    );
    expect(found).toBeGreaterThan(runs);
  });

  it("are in the end each delivery once that never was a dead letter, skipped or discarded, in the order of its lane", { timeout: 300_000 }, () => {
    let found = 0;
    fc.assert(
      fc.property(worlds, (options) => {
        const world = run(options);
        world.drain();
        expect(world.broken).toEqual([]);
        const others = new Set(world.journal.flatMap(othersIn));
        const expected = world.log.filter((event) => wanted(event) && !others.has(`${event.stream}@${event.revision}`));
        const all = told(world).flat();
        expect(new Set(all).size).toBe(all.length);
        expect(new Set(all)).toEqual(new Set(expected.map(({ id }) => id)));
        const places = new Map(world.log.map((event) => [event.id, event]));
        for (const stream of new Set(world.log.map((event) => event.stream))) {
          const revisions = all.map((id) => places.get(id)!).filter((event) => event.stream === stream);
          expect(revisions).toEqual(revisions.toSorted((a, b) => a.revision - b.revision));
        }
        // The model's own account of what the handler answered: before a crash it may have been something else.
        for (const id of all) expect(world.account.get(id)!.outcomes, id).toContain("completed");
        found += all.length;
      }),
      { numRuns: runs },
    );
    expect(found).toBeGreaterThan(runs);
  });
});
