import fc from "fast-check";
import { expect, it } from "vitest";
import { toIso } from "../../src/event/clock.ts";

it("writes a time as a Date writes it, at the ends of days, of years and of time, too", () => {
  const mostMs = 8.64e15;
  const anyMs = fc.oneof(fc.integer({ min: -mostMs, max: mostMs }), fc.integer({ min: 0, max: 4e12 }), fc.double({ min: -1e12, max: 4e12, noNaN: true }));
  fc.assert(
    fc.property(anyMs, fc.integer({ min: -2, max: 2 }), (ms, beside) => {
      const day = Math.floor(ms / 86_400_000) * 86_400_000;
      for (const each of [ms, ms + beside, day + beside].filter((at) => Math.abs(at) <= mostMs)) expect(toIso(each)).toBe(new Date(each).toISOString());
    }),
    { numRuns: 5000 },
  );
  expect(() => toIso(Number.NaN)).toThrow(RangeError);
  expect(() => toIso(2 * mostMs)).toThrow(RangeError);
});
