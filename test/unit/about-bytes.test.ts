import { describe, expect, it } from "vitest";
import { aboutBytes } from "../../src/event/about-bytes.ts";
import type { Json } from "../../src/event/event.ts";

/** Looking at it is an error. */
const unseen = new Proxy({}, { ownKeys: () => expect.unreachable("it looked further than it had to") }) as Json;

describe("about how many bytes a value takes", () => {
  it("counts texts by their length, and every value and member", () => {
    expect(aboutBytes("1234")).toBe(20);
    expect(aboutBytes({ a: null, b: [1, true, "12"] })).toBe(16 + 2 * 16 + 16 + 16 + 3 * (16 + 16) + 2);
  });

  it.each([
    ["a list", [["x".repeat(100)], unseen] as Json],
    ["an object", { first: ["x".repeat(100)], second: unseen } as Json],
  ])("looks no further into %s once that is enough", (_, value) => {
    expect(aboutBytes(value, 100)).toBeGreaterThanOrEqual(100);
  });
});
