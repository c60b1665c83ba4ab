import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Change, changesBetween } from "../../src/event/changes.ts";
import type { Json } from "../../src/event/event.ts";

/** `before` with the changes made, from the last to the first, so that what is removed from a list moves nothing that is still to change. */
function apply(before: Json, changes: readonly Change[]): Json {
  const root = { "": structuredClone(before) } as Record<string, unknown>;
  const steps = [...changes].sort((a, b) => (a.op === "remove" ? 1 : 0) - (b.op === "remove" ? 1 : 0));
  const removed = steps.filter(({ op }) => op === "remove").reverse();
  for (const change of [...steps.filter(({ op }) => op !== "remove"), ...removed]) {
    const keys = change.pointer.slice(1).split("/").map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~")); // biome-ignore format: one line
    const owner = keys.slice(0, -1).reduce<Record<string, unknown>>((at, key) => at[key] as Record<string, unknown>, root);
    const last = keys.at(-1)!;
    if (change.op !== "remove") Object.defineProperty(owner, last, { value: change.after, enumerable: true, writable: true, configurable: true });
    else if (Array.isArray(owner)) owner.splice(Number(last), 1);
    else delete owner[last];
  }
  return root[""] as Json;
}

describe("the changes between two JSON values", () => {
  it("name each difference where it is", () => {
    const before = { id: 1, tags: ["a", "b"], "a/b": { "~": 1 }, gone: null };
    const after = { id: 1, tags: ["a", "c", "d"], "a/b": { "~": 2 }, come: {} };
    expect([...changesBetween(before, after)]).toEqual([
      { op: "replace", pointer: "#/tags/1", before: "b", after: "c" },
      { op: "add", pointer: "#/tags/2", after: "d" },
      { op: "replace", pointer: "#/a~1b/~0", before: 1, after: 2 },
      { op: "remove", pointer: "#/gone", before: null },
      { op: "add", pointer: "#/come", after: {} },
    ]);
    expect([...changesBetween([], {})]).toEqual([{ op: "replace", pointer: "#", before: [], after: {} }]);
  });

  it("lead from one to the other, and there are none between equals", () => {
    const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
    fc.assert(
      fc.property(json, json, (before, after) => {
        expect(apply(before, [...changesBetween(before, after)])).toEqual(after);
        expect([...changesBetween(before, structuredClone(before))]).toEqual([]);
      }),
    );
  });
});
