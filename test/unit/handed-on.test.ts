/** What a schema hands on as it is gets copied, or looked through, while zod parses: with the same outcome as if the whole were. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { z as previousZ } from "zod-previous";
import { events } from "../../examples/github-triage/catalog.ts";
import { copyingParser, lookingParser } from "../../src/catalog/lift/handed-on.ts";
import { copiesWhatItParses } from "../../src/catalog/lift/private-copy.ts";
import { mayGiveOther, otherThanJson } from "../../src/catalog/whole-json.ts";

const zods = [
  ["zod", z],
  ["zod-previous", previousZ as unknown as typeof z],
] as const;

function objectsIn(value: unknown, found: Set<unknown> = new Set()): Set<unknown> {
  if (typeof value !== "object" || value === null || found.has(value)) return found;
  found.add(value);
  for (const inner of Object.values(value)) objectsIn(inner, found);
  return found;
}

const nestOf = (depth: number): unknown => (depth === 0 ? "end" : [nestOf(depth - 1)]);
const kept = { tags: ["kept"] };

describe.each(zods)("parts that a schema hands on, with %s", (_name, z) => {
  const line = z.looseObject({ sku: z.string() });
  /** Each takes `data`. */
  const shapes: Readonly<Record<string, z.ZodType>> = {
    loose: z.looseObject({ total: z.number(), lines: z.array(line) }),
    "unlisted of a kind": z.object({ total: z.number() }).catchall(z.unknown().nullable()),
    unknown: z.object({ total: z.unknown(), lines: z.any(), more: z.unknown().optional(), none: z.null() }),
    record: z.record(z.string(), z.unknown()),
    "within others": z.object({ total: z.number().optional(), lines: z.array(line.nullable()).nullable(), more: z.record(z.string(), z.any()) }),
    defaults: z.looseObject({ missing: z.object({ tags: z.array(z.string()) }).default(kept), asked: z.looseObject({}).default(() => kept as never) }),
  };
  const data = () => ({ total: 1, lines: [{ sku: "a", tags: ["x", { n: [1] }] }], more: { deep: { n: 1 }, list: [null, true] }, none: null });

  it.each(Object.keys(shapes))("are copied, and nothing else changes: %s", (name) => {
    const schema = shapes[name]!;
    expect(copiesWhatItParses(schema)).toBe(false);
    for (const mayRing of [false, true]) {
      const given = data();
      const parsed = copyingParser(schema, mayRing)!.parse(given);
      expect(parsed).toEqual(schema.parse(given));
      expect(Object.keys(parsed as object)).toEqual(Object.keys(schema.parse(given) as object));
      const others = objectsIn([given, kept]);
      for (const part of objectsIn(parsed)) expect(others.has(part)).toBe(false);
    }
  });

  it.each(Object.keys(shapes))("are looked through, as the whole would be: %s", (name) => {
    const schema = shapes[name]!;
    const parser = lookingParser(schema)!;
    expect(parser.parse(data())).toEqual(schema.parse(data()));
    const bad = [1n, Number.NaN, new Date(0), () => 1, Symbol("x"), new Map(), [undefined], { toJSON: () => 1 }, Object.create({ a: 1 }), nestOf(128)];
    const places: ((value: unknown) => unknown)[] = [
      (value) => ({ ...data(), total: value }),
      (value) => ({ ...data(), more: { deep: { n: [value] } } }),
      (value) => ({ ...data(), lines: [{ sku: "a", tags: ["x", value] }] }),
      (value) => ({ ...data(), else: value }),
      (value) => ({ ...data(), missing: value }),
      (value) => ({ ...data(), lines: [value] }),
    ];
    for (const value of bad)
      for (const place of places) {
        const whole = schema.safeParse(place(value));
        const accepts = () => {
          try {
            return { data: parser.parse(place(value)) };
          } catch {
            return null;
          }
        };
        if (!whole.success || otherThanJson(whole.data) !== null) expect(accepts()).toBeNull();
        else expect(accepts()).not.toBeNull();
      }
  });

  it("may nest as deep as the whole may, and no deeper", () => {
    const schema = z.object({ a: z.object({ b: z.array(z.looseObject({})) }) });
    for (const depth of [100, 122, 123, 124, 125, 126, 127]) {
      const value = { a: { b: [{ c: nestOf(depth) }] } };
      const parser = lookingParser(schema)!;
      if (otherThanJson(value) === null) expect(parser.parse(value)).toEqual(value);
      else expect(() => parser.parse(value)).toThrow(TypeError);
    }
  });

  it("have no end where one object holds the next twice, over all parts together", () => {
    const wide = (levels: number): unknown => Array.from({ length: levels }).reduce((inner) => [inner, inner], "x");
    const parser = lookingParser(z.looseObject({}))!;
    expect(parser.parse({ a: wide(10), b: wide(10) })).toBeDefined();
    const half = wide(18); // 262,143 lists
    expect(parser.parse({ a: half })).toBeDefined();
    expect(() => parser.parse({ a: half, b: half })).toThrow(TypeError);
  });

  it("are copied once each, where a step gave a part that holds itself", () => {
    const ring: { n: number; self?: unknown } = { n: 1 };
    ring.self = ring;
    const { more } = copyingParser(z.looseObject({}), true)!.parse({ more: ring }) as { more: typeof ring };
    expect(more).not.toBe(ring);
    expect(more.self).toBe(more);
  });

  it.each<[string, z.ZodType]>([
    ["a check of an object", z.looseObject({}).refine(() => true)],
    ["a check of what is unknown", z.object({ a: z.unknown().refine(() => true) })],
    ["a union", z.object({ a: z.union([z.looseObject({}), z.string()]) })],
    ["a transformation in a pipe", z.object({ a: z.unknown().pipe(z.unknown()) })],
    ["a frozen part", z.object({ a: z.looseObject({}).readonly() })],
    ["lazy parts", z.object({ a: z.lazy(() => z.looseObject({})) })],
    ["a key with a check", z.record(z.string().min(1), z.unknown())],
    ["a name that is a symbol", z.looseObject({ [Symbol("x")]: z.unknown() } as never)],
    [
      "a schema within itself",
      z.looseObject({
        get next() {
          return z.looseObject({ n: z.number() }).and(z.object({}));
        },
      }),
    ],
  ])("are not sought in a schema with %s", (_what, schema) => {
    expect(copyingParser(schema, false)).toBeNull();
    expect(lookingParser(schema)).toBeNull();
  });

  it("are not sought in a schema that contains itself", () => {
    const node: z.ZodType = z.looseObject({
      name: z.string(),
      get children() {
        return z.array(node).optional();
      },
    });
    expect(copyingParser(node, false)).toBeNull();
    expect(lookingParser(node)).toBeNull();
  });

  it("are not looked at where a list's item or the whole may be undefined", () => {
    expect(lookingParser(z.object({ a: z.array(z.looseObject({}).optional()) }))).toBeNull();
    expect(lookingParser(z.looseObject({}).optional())).toBeNull();
    const list = lookingParser(z.object({ a: z.array(z.unknown()) }));
    if (list !== null) expect(() => list.parse({ a: [undefined] })).toThrow(TypeError);
  });
});

it("all schemas of GitHub's webhooks are parsed so", () => {
  for (const { schemas } of events)
    for (const schema of Object.values(schemas) as z.ZodType[]) {
      if (!copiesWhatItParses(schema)) expect(copyingParser(schema, false)).not.toBeNull();
      if (mayGiveOther(schema)) expect(lookingParser(schema)).not.toBeNull();
    }
});
