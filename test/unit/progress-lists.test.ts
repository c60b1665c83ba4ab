/** What a flush says in lists, its readers take as they take the same said in events of their own. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fold } from "../../src/delivery/journal/fold.ts";
import { slicesOf, toSnapshot } from "../../src/delivery/journal/snapshot.ts";
import { emptyState, type PartitionState } from "../../src/delivery/journal/state.ts";
import type { JournalEvent } from "../../src/records/journal.ts";
import { World } from "../support/partition-model.ts";
import { size } from "../support/sizes.ts";

const worlds = fc.record({
  seed: fc.nat(),
  ordering: fc.constantFrom("strict" as const, "relaxed" as const),
  entities: fc.integer({ min: 1, max: 6 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  steps: fc.integer({ min: 20, max: 400 }),
});

/** The event as builds wrote it that had no lists. */
function inSingleEvents(event: JournalEvent): readonly JournalEvent[] {
  if (event.type !== "progress") return [event];
  const { attached = [], started = [], ...progress } = event.data;
  return [
    ...attached.map(([lane, at]): JournalEvent => ({ type: "lane.attached", data: { lane, at } })),
    ...started.map(([lane, revision, at, eventId, attempt, replayId]): JournalEvent => {
      const call = { lane, revision, at, eventId, attempt, alone: false };
      return { type: "delivery.started", data: replayId === null ? call : { ...call, replayId } };
    }),
    { type: "progress", data: progress },
  ];
}

const shown = (state: PartitionState) => ({ ...toSnapshot(state, "set", [...slicesOf(state)]), attached: [...state.attached].sort() });

describe("a journal whose flushes have lists (property)", () => {
  it("folds after each event to the state that one without lists folds to", { timeout: 300_000 }, () => {
    const lists = { attached: 0, started: 0 };
    fc.assert(
      fc.property(worlds, ({ steps, ...options }) => {
        const world = new World({ ...options, limits: { readAheadEvents: 5, laneQueueEvents: 1 } });
        for (let step = 0; step < steps; step++) world.step();
        world.drain(); // lanes come back to the subscription
        const [state, expected] = [emptyState(), emptyState()];
        for (const [revision, event] of world.journal.entries()) {
          fold(state, event, revision);
          for (const each of inSingleEvents(event)) fold(expected, each, revision);
          expect(shown(state), `${event.type} at ${revision}`).toEqual(shown(expected));
          if (event.type !== "progress") continue;
          lists.attached += event.data.attached?.length ?? 0;
          lists.started += event.data.started?.length ?? 0;
        }
      }),
      { numRuns: size(50, 5000) },
    );
    expect(lists.attached).toBeGreaterThan(20);
    expect(lists.started).toBeGreaterThan(20);
  });
});
