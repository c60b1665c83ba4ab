import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maxDeferredMs, minWaitMs, noDeferrals, putOff } from "../../src/delivery/policy/waits.ts";
import type { Deferrals } from "../../src/records/attempt.ts";

/** Asks again and again, until there is no other time. @returns the waits. */
function series(askedMs: (n: number) => number): readonly number[] {
  const waits: number[] = [];
  for (let deferrals: Deferrals = noDeferrals; ; ) {
    const next = putOff(askedMs(waits.length), deferrals);
    if (next === null) return waits;
    waits.push(next.waitMs);
    deferrals = next.deferrals;
    if (waits.length > 1_000_000) throw new Error("endless");
  }
}

const sum = (waits: readonly number[]): number => waits.reduce((all, wait) => all + wait, 0);

describe("a delivery that is put off again and again", () => {
  it("waits a little longer each time that it is asked at once, and ends after a day and fewer than 100 records", () => {
    const waits = series(() => 0);
    expect(waits.slice(0, 9)).toEqual([10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    expect(waits.length).toBeLessThan(100);
    expect(sum(waits)).toBeLessThanOrEqual(maxDeferredMs);
    expect(sum(waits)).toBeGreaterThan(maxDeferredMs - minWaitMs);
    expect(waits.filter((_, n) => sum(waits.slice(0, n)) < 10_000).length).toBeLessThan(20);
  });

  it("waits as long as it is asked to, within a day in all", () => {
    expect(series(() => maxDeferredMs)).toEqual([maxDeferredMs]);
    expect(series(() => Number.POSITIVE_INFINITY)).toEqual([maxDeferredMs]);
    expect(series(() => 10 * 3_600_000)).toEqual([36_000_000, 36_000_000, 14_400_000]);
  });

  it("has waits above nothing, few records and an end, whatever is asked", () => {
    const asked = fc.array(fc.oneof(fc.double({ min: -1e9, max: 1e12, noNaN: true }), fc.constant(0), fc.nat(20)), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(asked, (each) => {
        const waits = series((n) => each[n % each.length]!);
        expect(waits.every((wait) => wait >= minWaitMs && Number.isInteger(wait))).toBe(true);
        expect(waits.length).toBeLessThan(100);
        expect(sum(waits)).toBeLessThanOrEqual(maxDeferredMs);
      }),
    );
  });
});
