/** Schemas that hold themselves: described, compared, locked and checked without end or overflow. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { z as previousZ } from "zod-previous";
import { defineEvent } from "../../src/catalog/define.ts";
import { survival } from "../../src/catalog/diff/difference.ts";
import { diffSchemas, diffVersions } from "../../src/catalog/diff/schema-diff.ts";
import type { JsonSchema } from "../../src/catalog/json-schema.ts";
import { makeSubject } from "../../src/catalog/lock/subject.ts";
import { checkAll, nextLock } from "../../src/catalog/lock/write-lock.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import { size, someOf } from "../support/sizes.ts";

type Zod = typeof z;
type Wrap = (schema: z.ZodType) => z.ZodType;

/** In which a schema holds itself: by a getter, a lazy part, two of each other, or below its top. */
const ways = 4;
const shapes: Record<string, (z: Zod) => z.ZodType> = {};
const wraps: Readonly<Record<string, (z: Zod) => Wrap>> = {
  optional: () => (node) => node.optional(),
  nullish: () => (node) => node.nullish(),
  nullable: () => (node) => node.nullable(),
  union: (z) => (node) => z.union([z.string(), node]),
  "union with null": (z) => (node) => z.union([z.null(), z.int(), node]),
  list: (z) => (node) => z.array(node),
  record: (z) => (node) => z.record(z.string(), node),
  tuple: (z) => (node) => z.tuple([z.string(), node.optional()]),
  "default null": () => (node) => node.nullable().default(null),
};
for (const [name, wrap] of Object.entries(wraps)) {
  shapes[`getter, ${name}`] = (z) => {
    const node: z.ZodType = z.object({
      name: z.string(),
      get next(): z.ZodType {
        return wrap(z)(node);
      },
    });
    return node;
  };
  shapes[`lazy, ${name}`] = (z) => {
    const node: z.ZodType = z.object({ name: z.string(), next: z.lazy(() => wrap(z)(node)) });
    return node;
  };
  shapes[`mutual, ${name}`] = (z) => {
    const person: z.ZodType = z.object({ name: z.string(), boss: z.lazy(() => wrap(z)(team)) });
    const team: z.ZodType = z.object({ lead: z.lazy(() => wrap(z)(person)), others: z.array(z.lazy(() => person)) });
    return z.object({ person, team });
  };
  shapes[`below, ${name}`] = (z) => z.object({ root: shapes[`lazy, ${name}`]!(z), at: z.string() });
}

/** `count` types, each of which refers to all: with every path told apart there is no end to it. */
function tangle(z: Zod, count: number, wrap: Wrap): z.ZodType {
  const nodes: z.ZodType[] = Array.from({ length: count }, (_, index) =>
    z.object({ kind: z.literal(`k${index}`), ...Object.fromEntries(Array.from({ length: count }, (_, to) => [`to${to}`, z.lazy(() => wrap(nodes[to]!))])) }),
  );
  return nodes[0]!;
}

describe.each([
  ["zod", z],
  ["zod-previous", previousZ as unknown as Zod],
])("a recursive schema of %s", (_name, z) => {
  const names = Object.keys(shapes);
  const first = names.filter((_, index) => Math.floor(index / ways) % ways === index % ways);
  /** First each wrap once, in ways that take turns. */
  const tried = someOf(first.length, [...first, ...names.filter((name) => !first.includes(name))]);
  const describeShape = (name: string) => makeSubject({ events: [defineEvent("a.b", { 1: shapes[name]!(z) })] }).types[0]!.versions[0]!;

  it("is compared with every other one, and with itself is the same", () => {
    const described = tried.map(describeShape);
    for (const before of described)
      for (const after of described) {
        const found = diffVersions(before, after);
        if (before === after) expect(found).toEqual([]);
      }
    const [optional, nullish] = ["getter, optional", "getter, nullish"].map(describeShape);
    expect(survival(diffVersions(optional!, nullish!))).toBe("yes");
    expect(survival(diffVersions(nullish!, optional!))).toBe("no");
  });

  it.each(tried)("is locked, checked, and a change of it is found: %s", (name) => {
    const before = makeSubject({ events: [defineEvent("a.b", { 1: shapes[name]!(z) })] });
    const next = nextLock({ format: 2, types: {} }, before, [], []);
    if (!next.ok) throw new Error(JSON.stringify(next.refused));
    expect(checkAll(next.lock, before, [])).toEqual([]);
    const other = names[(names.indexOf(name) + 4) % names.length]!; // of another wrap
    const after = makeSubject({ events: [defineEvent("a.b", { 1: shapes[other]!(z) })] });
    expect(checkAll(next.lock, after, []).map(({ rule }) => rule)).toContain("published-version-changed");
  });

  it("that refers to many others ends, too", { timeout: 60_000 }, () => {
    const [before, after] = [(node: z.ZodType) => node.optional(), (node: z.ZodType) => z.union([z.string(), node, z.null()])].map((wrap) =>
      makeSubject({ events: [defineEvent("a.b", { 1: tangle(z, size(4, 5), wrap) })] }),
    );
    const next = nextLock({ format: 2, types: {} }, before!, [], []);
    expect(next.ok && checkAll(next.lock, after!, []).map(({ rule }) => rule)).toContain("published-version-changed");
  });

  it("that goes on without end does not start, and says so", () => {
    const endless = (): z.ZodType => z.lazy(() => z.object({ next: endless().optional() }));
    expect(() => makeCatalog({ events: [defineEvent("a.b", { 1: endless() })] })).toThrow(/goes on without end/);
  });
});

it("JSON Schemas that nest deeper than anyone writes are compared without an overflow", () => {
  const nested = (depth: number, inner: object): JsonSchema => {
    let schema = inner;
    for (let level = 0; level < depth; level++) schema = { type: "array", items: schema };
    return schema as JsonSchema;
  };
  expect(diffSchemas(nested(400, { type: "string" }), nested(400, { type: "integer" })).length).toBe(1);
});
