import { describe, expect, it } from "vitest";
import { z } from "zod";
import { acceptanceOf } from "../../src/catalog/acceptance.ts";
import { defineEvent } from "../../src/catalog/define.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";

const person = z.looseObject({ name: z.string(), age: z.int().optional() });
const hasOther = (value: object) => "other" in value;

const schemas = {
  loose: person,
  "inside of others": z.strictObject({ list: z.array(person), maybe: person.nullable().optional() }),
  "with a check": person.refine(hasOther),
  "in an object with a check": z.object({ inner: person }).refine(({ inner }) => hasOther(inner)),
  "in a list with a check": z.object({ list: z.array(person).refine((list) => list.every(hasOther)) }),
  "with others of a kind": z.object({ name: z.string() }).catchall(z.int()),
  "with others that are checked": z.object({}).catchall(z.unknown().refine((value) => value !== 1)),
  recursive: z.looseObject({
    name: z.string(),
    get below() {
      return z.array(person).optional();
    },
  }),
  "one of two": z.union([person, z.object({ list: z.array(person) })]),
  "never undefined": z.looseObject({ name: z.exactOptional(z.string()), inner: z.exactOptional(person) }),
  default: z.looseObject({ name: z.string().default("none"), inner: person.default({ name: "none" }) }),
};

const ada = { name: "Ada" };
const data: readonly unknown[] = [
  ...[null, 1, [], {}, ada, { ...ada, other: 1 }, { ...ada, other: 2 }, { ...ada, age: "1" }, { ...ada, age: 1.5 }, { name: undefined }, { other: 1 }],
  ...[
    { list: [] },
    { list: [ada] },
    { list: [ada, 1] },
    { list: [{ ...ada, other: [1] }], maybe: null },
    { list: [ada], maybe: {} },
    { list: [ada], other: 1 },
  ],
  ...[{ inner: ada }, { inner: { ...ada, other: 1 } }, { ...ada, inner: undefined }, { ...ada, below: [{ ...ada, below: 1 }] }, { ...ada, below: [1] }],
];

describe("the acceptance of a schema", () => {
  it.each(Object.entries(schemas))("takes and refuses what the schema does: %s", (_, schema) => {
    for (const value of data) expect([value, acceptanceOf(schema).safeParse(value).success]).toEqual([value, schema.safeParse(value).success]);
  });

  it("reads no member that no shape lists", () => {
    const read: PropertyKey[] = [];
    const get = (target: object, name: PropertyKey): unknown => {
      read.push(name);
      return Reflect.get(target, name);
    };
    const watched = (value: object) => new Proxy(value, { get });
    const list = z.looseObject({ people: z.array(person) });
    expect(acceptanceOf(list).safeParse(watched({ people: [watched({ ...ada, other: 1 })], other: 2 })).success).toBe(true);
    expect(read).not.toContain("other");
    expect(read).toContain("name");
  });

  it("is the schema itself where nothing is loose, and made once", () => {
    const strict = z.strictObject({ list: z.array(z.object({ name: z.string() })) });
    expect(acceptanceOf(strict)).toBe(strict);
    expect(acceptanceOf(person)).toBe(acceptanceOf(person));
    expect(person.parse({ ...ada, other: 1 })).toEqual({ ...ada, other: 1 });
  });

  it("leaves it to the schema to say why an append is refused", () => {
    const catalog = makeCatalog({ events: [defineEvent("person.met", { 1: z.looseObject({ people: z.array(person) }) })] });
    expect(() => catalog.validate("person.met", 1, { people: [{ name: "Ada", other: 1 }], other: 2 })).not.toThrow();
    expect(() => catalog.validate("person.met", 1, { people: [{ name: 1, other: 1 }] })).toThrow(
      expect.objectContaining({ code: "DATA_INVALID", errors: [{ pointer: "#/data/people/0/name", detail: expect.stringContaining("string") }] }),
    );
  });
});
