import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type DifferenceRule, differenceRules, type Survival, survival } from "../../src/catalog/diff/difference.ts";
import { diffVersions } from "../../src/catalog/diff/schema-diff.ts";
import { describeSchema } from "../../src/catalog/json-schema.ts";
import { changed, changesOf } from "../../src/catalog/lock/edges.ts";
import { payloadsOf } from "../../src/catalog/lock/payloads.ts";
import type { Shape } from "../../src/catalog/lock/shape.ts";
import type { Json } from "../../src/event/event.ts";

const described = (schema: z.ZodType) => describeSchema("a.b", 1, schema);
const diff = (before: z.ZodType, after: z.ZodType) => diffVersions(described(before), described(after));
const told = (before: z.ZodType, after: z.ZodType) => diff(before, after).map(({ rule, at, survives }) => [rule, at, survives]);

const money = z.strictObject({ cents: z.int(), currency: z.enum(["EUR", "CHF"]) });

describe("the difference of two versions", () => {
  it.each<[string, z.ZodType, z.ZodType, [DifferenceRule, string, Survival][]]>([
    ["nothing", money, z.strictObject({ currency: z.enum(["CHF", "EUR"]), cents: z.int() }), []],
    ["a new optional member", money, money.extend({ note: z.string().optional() }), [["property-added-optional", "/properties/note", "yes"]]],
    ["one with a default", money, money.extend({ note: z.string().default("") }), [["property-added-optional", "/properties/note", "yes"]]],
    ["a new required member", money, money.extend({ note: z.string() }), [["property-added-required", "/properties/note", "no"]]],
    [
      "a new optional member where others passed unlisted",
      z.object({ a: z.string() }),
      z.object({ a: z.string(), b: z.int().optional() }),
      [["property-added-optional", "/properties/b", "unknown"]],
    ],
    ["a removed member", money, money.omit({ currency: true }), [["property-removed", "/properties/currency", "no"]]],
    ["one that is dropped", z.object({ a: z.string(), b: z.int() }), z.object({ a: z.string() }), [["property-removed", "/properties/b", "yes"]]],
    ["a member that may be left out", money, money.partial({ cents: true }), [["required-removed", "/required", "yes"]]],
    ["a member that must be there", money.partial({ cents: true }), money, [["required-added", "/required", "no"]]],
    ["another type", z.object({ a: z.string() }), z.object({ a: z.number() }), [["type-changed", "/properties/a/type", "no"]]],
    ["integers become numbers", z.object({ a: z.int() }), z.object({ a: z.number() }), [["type-widened", "/properties/a/type", "yes"]]],
    ["numbers become integers", z.object({ a: z.number() }), z.object({ a: z.int() }), [["type-changed", "/properties/a/type", "no"]]],
    ["a choice less", money, money.extend({ currency: z.enum(["EUR"]) }), [["enum-narrowed", "/properties/currency/enum", "no"]]],
    ["a choice more", money, money.extend({ currency: z.enum(["EUR", "CHF", "USD"]) }), [["enum-widened", "/properties/currency/enum", "yes"]]],
    ["a choice becomes any text", money, money.extend({ currency: z.string().min(3) }), [["enum-opened", "/properties/currency/enum", "yes"]]],
    [
      "a choice becomes a text that is too long for it",
      money,
      money.extend({ currency: z.string().min(4) }),
      [["enum-opened", "/properties/currency/enum", "no"]],
    ],
    ["any text becomes a choice", money.extend({ currency: z.string() }), money, [["enum-closed", "/properties/currency/enum", "no"]]],
    ["a tighter bound", z.object({ a: z.int().max(9) }), z.object({ a: z.int().max(8) }), [["bound-tightened", "/properties/a/maximum", "no"]]],
    ["a looser bound", z.object({ a: z.string().min(2) }), z.object({ a: z.string().min(1) }), [["bound-loosened", "/properties/a/minLength", "yes"]]],
    ["a bound where none was", z.object({ a: z.int() }), z.object({ a: z.int().min(0) }), [["bound-tightened", "/properties/a/minimum", "no"]]],
    [
      "another pattern",
      z.object({ a: z.string().regex(/a/) }),
      z.object({ a: z.string().regex(/b/) }),
      [["pattern-changed", "/properties/a/pattern", "unknown"]],
    ],
    ["null as well", z.object({ a: z.string() }), z.object({ a: z.string().nullable() }), [["null-allowed", "/properties/a/type/1", "yes"]]],
    ["null no more", z.object({ a: z.string().nullable() }), z.object({ a: z.string() }), [["null-refused", "/properties/a", "no"]]],
    ["a stricter object", z.object({ a: z.string() }), z.strictObject({ a: z.string() }), [["unlisted-members-refused", "/additionalProperties", "no"]]],
    ["a looser object", z.strictObject({ a: z.string() }), z.looseObject({ a: z.string() }), [["unlisted-members-allowed", "/additionalProperties", "yes"]]],
    ["members that are kept now", z.object({ a: z.string() }), z.looseObject({ a: z.string() }), [["unlisted-members-kept", "/additionalProperties", "yes"]]],
    ["another default", z.object({ a: z.int().default(1) }), z.object({ a: z.int().default(2) }), [["default-changed", "/properties/a/default", "yes"]]],
    [
      "another description",
      z.object({ a: z.int().describe("x") }),
      z.object({ a: z.int().describe("y") }),
      [["annotation-changed", "/properties/a/description", "yes"]],
    ],
    ["a refinement", z.object({ a: z.int() }), z.object({ a: z.int().refine((a) => a > 0) }), [["hidden-rule", "/properties/a", "unknown"]]],
    ["a refinement less", z.object({ a: z.int().refine((a) => a > 0) }), z.object({ a: z.int() }), []],
    ["case that counts now", z.object({ a: z.string().regex(/a/i) }), z.object({ a: z.string().regex(/a/) }), [["hidden-rule", "/properties/a", "unknown"]]],
    ["texts that were trimmed", z.object({ a: z.string().trim().max(3) }), z.object({ a: z.string().max(3) }), [["hidden-rule", "/properties/a", "unknown"]]],
    ["a kind of union more", z.union([z.string(), z.int()]), z.union([z.string(), z.int(), z.boolean()]), [["alternative-added", "/anyOf/2", "yes"]]],
    ["items", z.array(z.string().max(5)), z.array(z.string().max(4)), [["bound-tightened", "/items/maxLength", "no"]]],
  ])("%s", (_, before, after, expected) => {
    expect(told(before, after)).toEqual(expected);
  });

  it("goes round a schema that holds itself", () => {
    const tree = (max: number): z.ZodType => {
      const node: z.ZodType = z.strictObject({
        name: z.string().max(max),
        get children() {
          return z.array(node);
        },
      });
      return node;
    };
    expect(told(tree(5), tree(5))).toEqual([]);
    expect(survival(diff(tree(5), tree(6)))).toBe("yes");
    expect(survival(diff(tree(5), tree(4)))).toBe("no");
  });

  it("tells kinds of a tagged union apart by their tag", () => {
    const event = (rest: z.ZodType) =>
      z.discriminatedUnion("kind", [z.strictObject({ kind: z.literal("a"), value: z.int() }), z.strictObject({ kind: z.literal("b"), value: rest })] as never);
    expect(told(event(z.string()), event(z.string().nullable()))).toEqual([["null-allowed", "/oneOf/1/properties/value/type/1", "yes"]]);
    expect(told(event(z.string()), event(z.int()))).toEqual([["type-changed", "/oneOf/1/properties/value/type", "no"]]);
  });

  it("names rules that are listed", () => {
    expect([...differenceRules].sort()).toEqual([...differenceRules]);
  });
});

describe('"yes"', () => {
  const limit = fc.integer({ min: 0, max: 4 });
  const leaf: fc.Arbitrary<z.ZodType> = fc.oneof(
    fc.tuple(limit, limit).map(([a, b]) => z.string().min(Math.min(a, b)).max(Math.max(a, b))),
    fc.constantFrom<z.ZodType>(z.string(), z.int(), z.number(), z.boolean(), z.null(), z.unknown(), z.email(), z.iso.datetime(), z.literal("a"), z.literal(1)),
    fc.tuple(limit, limit).map(([a, b]) => z.int().min(Math.min(a, b)).max(Math.max(a, b))),
    limit.map((a) => z.number().gt(a)),
    limit.map((a) => z.number().multipleOf(a + 1)),
    fc.subarray(["a", "b", "c"], { minLength: 1 }).map((values) => z.enum(values)),
    fc.constantFrom<z.ZodType>(
      z.string().regex(/^a+$/),
      z.string().regex(/^a+$/i),
      z.string().trim().max(2),
      z.int().refine((n) => n % 2 === 0),
      z.coerce.number(),
    ),
  );
  const schema = fc.letrec<{ any: z.ZodType }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 3, depthSize: "small", withCrossShrink: true },
      leaf,
      fc
        .tuple(
          fc.dictionary(fc.constantFrom("a", "b", "c"), fc.tuple(tie("any"), fc.constantFrom("required", "optional", "default")), { noNullPrototype: true }),
          fc.constantFrom("strip", "strict", "loose", "catchall"),
        )
        .map(([members, kind]) => {
          const shape = Object.fromEntries(
            Object.entries(members).map(([name, [member, need]]) => [
              name,
              need === "optional" ? member.optional() : need === "default" ? member.default(null) : member,
            ]),
          );
          if (kind === "catchall") return z.object(shape).catchall(z.string());
          return kind === "strict" ? z.strictObject(shape) : kind === "loose" ? z.looseObject(shape) : z.object(shape);
        }),
      fc.tuple(tie("any"), limit).map(([item, min]) => z.array(item).min(min > 2 ? 1 : 0)),
      tie("any").map((inner) => inner.nullable()),
      fc.tuple(tie("any"), tie("any")).map(([a, b]) => z.union([a, b])),
      fc.tuple(tie("any"), tie("any")).map(([a, b]) => z.tuple([a, b])),
      tie("any").map((value) => z.record(z.string(), value)),
      tie("any").map((value) => z.record(z.enum(["a", "b"]), value)),
      tie("any").map((value) => z.partialRecord(z.enum(["a", "b"]), value)),
      fc.tuple(tie("any"), tie("any"), fc.boolean()).map(([a, b, strict]) => {
        const make = strict ? z.strictObject : z.object;
        return z.intersection(make({ a }), make({ b }));
      }),
      fc
        .tuple(tie("any"), tie("any"))
        .map(([a, b]) => z.discriminatedUnion("kind", [z.object({ kind: z.literal("x"), a }), z.object({ kind: z.literal("y"), b })])),
    ),
  })).any;

  /** What the first takes: made for it, and for the second, and changed at single places. */
  function payloads(...schemas: readonly z.ZodType[]): readonly Json[] {
    return schemas.flatMap((each) => {
      const shape = described(each).jsonSchema as Shape;
      return [...payloadsOf(shape).values()].flatMap((payload) => [
        payload,
        ...changesOf(shape, payload).flatMap((change) => changed(payload, change)?.data ?? []),
      ]);
    });
  }

  function holds(before: z.ZodType, after: z.ZodType): void {
    const found = diff(before, after);
    if (survival(found) !== "yes") return;
    for (const payload of payloads(before, after)) {
      if (!before.safeParse(payload).success) continue;
      const result = after.safeParse(payload);
      if (!result.success) throw new Error(`${JSON.stringify(payload)} does not survive: ${JSON.stringify(found)}`);
    }
  }

  it("is never said of a payload that the other version refuses", () => {
    fc.assert(fc.property(schema, schema, holds), { numRuns: 300 });
  });

  it("is not said either where one member of an object was changed", () => {
    const objects = fc.dictionary(fc.constantFrom("a", "b", "c"), schema, { noNullPrototype: true });
    fc.assert(
      fc.property(objects, fc.constantFrom("a", "b", "c"), schema, fc.boolean(), fc.boolean(), (shape, name, member, strict, optional) => {
        const edited = { ...shape, [name]: optional ? member.optional() : member };
        const make = (members: Record<string, z.ZodType>) => (strict ? z.strictObject(members) : z.object(members));
        holds(make(shape), make(edited));
        holds(make(edited), make(shape));
      }),
      { numRuns: 300 },
    );
  });
});
