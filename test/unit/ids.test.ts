import fc from "fast-check";
import { v5, version } from "uuid";
import { describe, expect, it } from "vitest";
import { idFromCloudEvent, isUuid, newId } from "../../src/event/ids.ts";

describe("new ids", () => {
  it("are UUIDs of version 7, all different, in the order in which they were made, of the time when they were", () => {
    const before = Date.now();
    const ids = Array.from({ length: 100_000 }, () => newId());
    const after = Date.now();
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id, index) => index === 0 || ids[index - 1]! < id)).toBe(true);
    for (const id of ids.filter((_, index) => index % 1000 === 0)) {
      expect(isUuid(id)).toBe(true);
      expect(version(id)).toBe(7);
      const madeMs = Number.parseInt(id.slice(0, 13).replace("-", ""), 16);
      expect(madeMs).toBeGreaterThanOrEqual(before);
      expect(madeMs).toBeLessThanOrEqual(after);
    }
  });
});

describe("derived ids", () => {
  it("are those of uuid's v5, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }), fc.nat(100), (source, id, times) => {
        const long = id.repeat(times);
        expect(idFromCloudEvent(source, long)).toBe(v5(`${source}\n${long}`, "6f1a2f5e-3c1b-5d0e-9a57-6d1d3a0c7b42"));
      }),
    );
  });
});
