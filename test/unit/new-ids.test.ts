import fc from "fast-check";
import { v7 } from "uuid";
import { test } from "vitest";
import { NewIds } from "../../src/log/sqlite/new-ids.ts";

/** An hour of the log's clock, in milliseconds since 1970. */
const hourMs = 3_600_000;
const nowMs = Date.UTC(2026, 10, 24);

/** Ids of producers whose clocks are up to three days off, few enough to come again, and ids that say no time. */
const id = fc.oneof(
  fc
    .tuple(fc.integer({ min: -6, max: 6 }), fc.integer({ min: 0, max: 1 }))
    .map(([halfDays, seq]) => v7({ msecs: nowMs + halfDays * 12 * hourMs, seq, random: new Uint8Array(16) })),
  fc.uuid({ version: 4 }),
);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ is: fc.constant("store" as const), id }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("wait" as const), hours: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("open" as const) }) },
);

test("what is called new is not stored, whatever clocks and ids do, and after opening again", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const stored = new Set<string>();
      const greatestBelow = (bound: string) => Array.from(stored).reduce((greatest, each) => (each < bound && each > greatest ? each : greatest), "");
      let ids = new NewIds(greatestBelow);
      let clockMs = nowMs;
      for (const each of steps) {
        if (each.is === "wait") clockMs += each.hours * hourMs;
        else if (each.is === "open") ids = new NewIds(greatestBelow);
        else {
          if (ids.isNew(each.id, clockMs) && stored.has(each.id)) return false;
          stored.add(each.id);
          ids.stored(each.id);
        }
      }
      return true;
    }),
    { numRuns: 2000 },
  );
});

test("time-ordered ids are new without a look at the index but for one now and then, also beside random ones", ({ expect }) => {
  let looks = 0;
  const ids = new NewIds(() => {
    looks++;
    return null;
  });
  for (let minute = 0; minute < 48 * 60; minute++) {
    ids.stored("7f0c8f0e-8a53-4e5f-9d1c-0d4c1a3c9a11");
    const next = v7({ msecs: nowMs + minute * 60_000 });
    expect(ids.isNew(next, nowMs + minute * 60_000)).toBe(true);
    ids.stored(next);
  }
  expect(looks).toBeLessThan(6);
});
