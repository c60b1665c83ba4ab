import { describe, expect, it } from "vitest";
import { alonePatienceMs, crashMessage, isCulprit, noEnds, withEnd } from "../../src/delivery/partition/ends.ts";
import type { Ends } from "../../src/records/attempt.ts";

const following = (ends: number, end: { readonly alone: boolean; readonly isTold: boolean }, from: Ends = noEnds): Ends =>
  Array.from({ length: ends }).reduce<Ends>((known) => withEnd(known, end), from);

describe("what the ends of a process say about a call", () => {
  it("is enough to blame it after three ends that the process told while it ran alone, or ninety that it did not tell", () => {
    const told = { alone: true, isTold: true };
    const killed = { alone: true, isTold: false };
    expect([2, 3].map((ends) => isCulprit(following(ends, told), 3))).toEqual([false, true]);
    expect([20, 89, 90].map((ends) => isCulprit(following(ends, killed), 3))).toEqual([false, false, true]);
    expect(isCulprit(following(2, told, following(20, killed)), 3)).toBe(false);
  });

  it("is never enough where other calls ran beside it, however many ends there were", () => {
    for (const isTold of [true, false]) expect(isCulprit(following(1000, { alone: false, isTold }), 3)).toBe(false);
  });

  it("makes the others wait longer for one that was there each time, so that one that ends the process late is found within ten starts", () => {
    expect(alonePatienceMs(noEnds)).toBe(10_000);
    for (const endsAfterMs of [1, 9_000, 15_000, 300_000]) {
      let ends = noEnds;
      let starts = 1;
      for (; !isCulprit(ends, 3); starts++) ends = withEnd(ends, { alone: starts > 2 && alonePatienceMs(ends) > endsAfterMs, isTold: true });
      expect(starts).toBeLessThanOrEqual(10);
    }
    expect(alonePatienceMs(following(1000, { alone: false, isTold: true }))).toBe(640_000);
  });

  it("is told as it happened", () => {
    expect(crashMessage({ crashes: 3, kills: 0, told: 3 })).toBe("the process ended 3 times while the handler was called");
    expect(crashMessage({ crashes: 1, kills: 60, told: 1 })).toBe(
      "the process ended 1 times, and was ended from outside 60 times, while the handler was called",
    );
  });
});
