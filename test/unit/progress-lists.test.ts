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
  entities: fc.integer({ min: 1, max: 12 }),
  concurrency: fc.integer({ min: 1, max: 6 }),
  together: fc.boolean(),
  steps: fc.integer({ min: 20, max: 400 }),
});

/** The event as builds wrote it that had no lists. */
function inSingleEvents(event: JournalEvent): readonly JournalEvent[] {
  if (event.type === "letters.replayed")
    return event.data.letters.map(([lane, revision, at, eventId, before, record, paceThrough]): JournalEvent => {
      const data = { lane, revision, at, eventId, before, outcome: "replayed", cause: null, act: event.data.act, record } as const;
      return { type: "delivery.settled", data: paceThrough === null ? data : { ...data, paceThrough } };
    });
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

/** A dead letter that was delivered, as it stands beside others of its replay. */
function inList(event: JournalEvent): JournalEvent {
  if (event.type !== "delivery.settled" || event.data.outcome !== "replayed") return event;
  const { lane, revision, at, eventId, before, act, record, paceThrough = null } = event.data;
  return { type: "letters.replayed", data: { act, letters: [[lane, revision, at, eventId, before!, record, paceThrough]] } };
}

const shown = (state: PartitionState) => ({ ...toSnapshot(state, "set", [...slicesOf(state)]), attached: [...state.attached].sort() });

describe("a journal whose flushes have lists (property)", () => {
  it("folds after each event to the state that one without lists folds to", { timeout: 300_000 }, () => {
    const lists = { attached: 0, started: 0, replayed: 0, paced: 0 };
    fc.assert(
      fc.property(worlds, ({ steps, ...options }) => {
        const world = new World({ ...options, limits: { readAheadEvents: 5, laneQueueEvents: 1 } });
        for (let step = 0; step < steps; step++) world.step();
        world.drain(); // lanes come back to the subscription
        const [state, expected] = [emptyState(), emptyState()];
        for (const [revision, event] of world.journal.map(inList).entries()) {
          fold(state, event, revision);
          for (const each of inSingleEvents(event)) fold(expected, each, revision);
          expect(shown(state), `${event.type} at ${revision}`).toEqual(shown(expected));
          if (event.type === "letters.replayed") {
            lists.replayed += event.data.letters.length;
            lists.paced += event.data.letters.filter(([, , , , , , paceThrough]) => paceThrough !== null).length;
          }
          if (event.type !== "progress") continue;
          lists.attached += event.data.attached?.length ?? 0;
          lists.started += event.data.started?.length ?? 0;
        }
      }),
      { numRuns: size(50, 5000) },
    );
    expect(lists.attached).toBeGreaterThan(20);
    expect(lists.started).toBeGreaterThan(20);
    expect(lists.replayed).toBeGreaterThan(20);
    expect(lists.paced).toBeGreaterThan(0);
  });
});
