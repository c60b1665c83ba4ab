import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AnsweredActs } from "../../src/delivery/inbox/answered-acts.ts";

describe("an inbox whose acts are answered in any order", () => {
  it("keeps those that are not, and some hundred others at most", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 900 }), fc.integer({ min: 1, max: 64 }), fc.infiniteStream(fc.nat()), (acts, atOnce, choices) => {
        const answered = new AnsweredActs();
        const open: number[] = [];
        let kept = 0;
        for (let next = 0; next < acts || open.length > 0; ) {
          if (next < acts && open.length < atOnce) {
            answered.begun(next);
            open.push(next++);
            continue;
          }
          const [revision] = open.splice(choices.next().value! % open.length, 1);
          const before = answered.ended(revision!);
          if (before === null) continue;
          expect(before).toBeGreaterThan(kept);
          for (const each of open) expect(each).toBeGreaterThanOrEqual(before);
          kept = before;
        }
        expect(acts - kept).toBeLessThan(256);
      }),
    );
  });

  it("is shortened by its first answer when it was long before", () => {
    const answered = new AnsweredActs();
    answered.begun(5000);
    expect(answered.ended(5000)).toBe(5001);
  });
});
