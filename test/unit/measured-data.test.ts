import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { dataSum, measureData } from "../../src/log/measured-data.ts";

it("data of any length and letters is measured as Buffer and zlib do it", () => {
  const unit = fc.constantFrom("a", "é", "€", "😀", "\ud800", "\udc00", "\u0000");
  const text = fc.tuple(fc.array(unit, { minLength: 1, maxLength: 9 }), fc.constantFrom(1, 100, 999, 1000, 7000, 21_900, 65_536, 70_000));
  const one = ([units, length]: readonly [readonly string[], number]) => {
    const data = units
      .join("")
      .repeat(Math.ceil(length / units.length))
      .slice(0, length);
    const bytes = Buffer.from(data);
    expect([measureData(data), dataSum(data)]).toEqual([{ bytes: bytes.length, sum: crc32(bytes) | 0 }, crc32(bytes) | 0]);
  };
  fc.assert(fc.property(text, one), { numRuns: 300 });
});
