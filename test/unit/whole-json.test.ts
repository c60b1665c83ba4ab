import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent, defineUpcasters, drop, part, split } from "../../src/catalog/define.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import { defineMigration, makeMigrations } from "../../src/catalog/migration.ts";
import { mayGiveOther, otherThanJson } from "../../src/catalog/whole-json.ts";
import type { Json } from "../../src/event/event.ts";
import { someOf } from "../support/sizes.ts";
import { storedAs } from "../support/stored-as.ts";

const ring: Record<string, unknown> = {};
ring.self = ring;
const wide = Array.from({ length: 60 }).reduce((inner) => [inner, inner], "x");
class Money {
  readonly cents = 1;
}
const others: readonly (readonly [what: string, value: unknown])[] = [
  ["a bigint", 1n],
  ["a ring", ring],
  ["a Date", new Date(0)],
  ["a Map", new Map()],
  ["a Set", new Set()],
  ["a typed array", new Uint8Array(2)],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["a symbol", Symbol("x")],
  ["a function", () => 1],
  ["an instance", new Money()],
  ["a boxed number", Object(1)],
  ["a regular expression", /x/],
  ["an error", new Error("x")],
  ["a promise", Promise.resolve(1)],
  ["a sparse list", Object.assign([1], { length: 3 })],
  ["undefined in a list", [undefined]],
  ["a list with a name", Object.assign([1], { toJSON: 2 })],
  [
    "a toJSON that throws",
    {
      toJSON: () => {
        throw new Error("no");
      },
    },
  ],
  [
    "a getter",
    {
      get a() {
        return 1;
      },
    },
  ],
  [
    "a getter that throws",
    {
      get a(): number {
        throw new Error("no");
      },
    },
  ],
  ["a hidden member", Object.defineProperty({ a: 1 }, "b", { value: 1 })],
  ["a hidden toJSON", Object.defineProperty({ a: 1 }, "toJSON", { value: () => 1n })],
  ["a hidden toJSON of a list", Object.defineProperty([1], "toJSON", { value: () => 1n })],
  ["a setter", { set a(_value: number) {} }],
  ["a proxy", new Proxy({}, {})],
  [
    "a proxy that throws",
    new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("no");
        },
      },
    ),
  ],
  ["a symbol's member", { [Symbol("x")]: 1 }],
  ["the key __proto__", JSON.parse('{"__proto__":1}')],
  ["an inherited member", Object.create({ a: 1 })],
];
/** Half a million values are looked at before it is refused, which takes half a second: `npm test` has it in one place, `npm run test:long` in all. */
const wideNest = ["a wide nest of the same", wide] as const;
const note = { id: "n-1" };

function catalogOf(step: (data: { readonly id: string }) => unknown, next: z.ZodType = z.looseObject({})) {
  const type = defineEvent("note.taken", { 1: z.object({ id: z.string() }), 2: next });
  return makeCatalog({ events: [type], upcasters: [defineUpcasters(type, { 1: step as never })] });
}
const stored = (data: Json = note) => storedAs("note.taken", 1, data);

it("an object that holds one object many times over, in a step's result, is the schema's failure", () => {
  const lifted = catalogOf(() => ({ list: [{ deep: wide }] })).current(stored());
  expect(lifted).toMatchObject({ ok: false, reason: "schema", error: { type: "NotJson", message: expect.stringMatching(/\/list\/0\/deep.* 500000 /) } });
});

describe.each(someOf(others.length, [...others, wideNest]))("%s", (_what, value) => {
  it("in what a step gives is the schema's failure, with step and place", () => {
    for (const next of [z.looseObject({}), z.object({ list: z.array(z.unknown()) }), z.record(z.string(), z.any())]) {
      const lifted = catalogOf(() => ({ list: [{ deep: value }] }), next).current(stored());
      expect(lifted).toMatchObject({ ok: false, reason: "schema", from: 1, to: 2, error: { type: "NotJson" } });
      expect(lifted.ok || lifted.error.message).toMatch(/^note\.taken v1 → v2: \/list\/0\/deep/);
    }
  });

  it.each<[string, (value: unknown) => unknown, z.ZodType]>([
    ["a member with the name of an annotation", (description) => ({ id: "n", description }), z.object({ id: z.string(), description: z.any() })],
    ["a member among others, with words of its own", (at) => ({ id: "n", at }), z.object({ id: z.string(), at: z.unknown().meta({ unit: "cm" }) })],
    ["a member named default", (value) => ({ id: "n", default: value }), z.object({ id: z.string(), default: z.unknown().optional() })],
  ])("in %s is the schema's failure, too", (_name, data, next) => {
    expect(catalogOf(() => data(value), next).current(stored())).toMatchObject({ ok: false, reason: "schema", error: { type: "NotJson" } });
  });

  it("from a catch, an overwrite, a check or a refinement that writes is the schema's failure", () => {
    const text = z.string();
    for (const at of [
      text.overwrite(() => value as never),
      text.check((payload) => {
        payload.value = value as never;
      }),
      z.object({ b: text }).refine((part) => Object.assign(part, { b: value })),
      z.array(text).refine((list) => list.push(value as never)),
    ]) {
      const type = defineEvent("note.taken", { 1: z.object({ id: text, at }) });
      for (const at of ["x", { b: "x" }, ["x"]]) {
        const lifted = makeCatalog({ events: [type] }).current(stored({ ...note, at } as Json));
        expect(lifted).toMatchObject({ ok: false, reason: "schema" });
      }
    }
  });

  it("as the whole of what a step gives is a failure, too, and shown steps stay JSON", () => {
    const catalog = catalogOf(() => value, z.unknown());
    expect(catalog.current(stored())).toMatchObject({ ok: false, reason: "schema" });
    expect(() => JSON.stringify(catalog.steps(stored()))).not.toThrow();
  });

  it("in what a schema gives is a failure", () => {
    const type = defineEvent("note.taken", { 1: z.object({ id: z.string(), at: z.unknown().overwrite(() => value) }) });
    const lifted = makeCatalog({ events: [type] }).current(stored({ ...note, at: 1 }));
    expect(lifted).toMatchObject({
      ok: false,
      reason: "schema",
      from: 1,
      to: 1,
      error: { type: "NotJson", message: expect.stringMatching(/^note\.taken v1: \/at/) },
    });
  });

  it("between two steps is allowed where the chain ends with JSON", () => {
    const type = defineEvent("note.taken", { 1: z.object({ id: z.string() }), 2: z.looseObject({}), 3: z.object({ id: z.string() }) });
    const catalog = makeCatalog({ events: [type], upcasters: [defineUpcasters(type, { 1: (() => ({ value })) as never, 2: () => note })] });
    expect(() => JSON.stringify(catalog.steps(stored()))).not.toThrow();
  });

  it("from a downcast or a migration is refused", () => {
    const type = defineEvent("note.taken", { 1: z.looseObject({ id: z.string() }), 2: z.object({ id: z.string() }) }, {
      downcast: { version: 1, data: (data: object) => ({ ...data, value }) as never },
    } as never);
    const catalog = makeCatalog({ events: [type], upcasters: [defineUpcasters(type, { 1: ({ id }) => ({ id }) })] });
    expect(() => catalog.toStore({ ...stored(), schemaVersion: 2 })).toThrow(expect.objectContaining({ code: "DOWNCAST_FAILED" }));
    const migrations = makeMigrations(catalog, [defineMigration({ name: "m", event: type, version: 1, migrate: (() => ({ ...note, value })) as never })]);
    expect(() => migrations.run("m", stored())).toThrow(expect.objectContaining({ code: "MIGRATION_FAILED" }));
  });
});

it.each<[string, z.ZodType, Json]>([
  ["a default that is NaN", z.object({ n: z.number().default(Number.NaN) }), {}],
  ["a caught number that is NaN", z.object({ n: z.number().catch(Number.NaN) }), { n: "x" }],
  ["a caught text that is a Date", z.object({ n: z.string().catch(() => new Date(0) as never) }), { n: 1 }],
  ["an item caught as undefined", z.object({ n: z.array(z.string().optional().catch(undefined)) }), { n: [1] }],
])("what a schema itself puts in is looked at: %s", (_what, schema, data) => {
  const lifted = makeCatalog({ events: [defineEvent("note.taken", { 1: schema })] }).current(stored(data));
  expect(lifted).toMatchObject({ ok: false, reason: "schema", error: { type: "NotJson", message: expect.stringMatching(/^note\.taken v1: \/n/) } });
});

it("what a step gives for a list of optional items has no hole", () => {
  const next = z.object({ list: z.array(z.string().optional()) });
  expect(catalogOf(() => ({ list: ["a", undefined] }), next).current(stored())).toMatchObject({ ok: false, error: { type: "NotJson" } });
  expect(catalogOf(() => undefined, z.string().optional()).current(stored())).toMatchObject({ ok: false, error: { type: "NotJson" } });
});

it("schemas of plain parts are not looked through at each event", () => {
  const node: z.ZodType = z.object({ name: z.string().min(1), next: z.lazy(() => node).optional() });
  const plain = z.object({
    id: z.uuid(),
    n: z.int().min(1),
    tags: z.array(z.enum(["a", "b"])),
    at: z.iso.datetime().nullable(),
    odd: z.number().refine((n) => n % 2 === 1),
    node,
  });
  expect(mayGiveOther(plain)).toBe(false);
  expect(mayGiveOther(z.strictObject({ kind: z.literal("x"), part: z.union([z.string(), z.record(z.string(), z.boolean())]) }))).toBe(false);
});

it("accepts JSON of every kind", () => {
  for (const data of [
    null,
    true,
    "",
    "\ud800",
    -0,
    1e300,
    [],
    [[]],
    {},
    { a: undefined },
    Object.assign(Object.create(null), { a: 1 }),
    { constructor: 1 },
    Object.freeze([1]),
  ])
    expect(otherThanJson(data)).toBeNull();
});

const hostile: readonly (readonly [what: string, thrown: unknown])[] = [
  [
    "an error whose message throws",
    Object.defineProperty(new Error("x"), "message", {
      get: () => {
        throw new Error("no");
      },
    }),
  ],
  [
    "an error whose name throws",
    Object.defineProperty(new Error("x"), "name", {
      get: () => {
        throw new Error("no");
      },
    }),
  ],
  [
    "an error whose stack throws",
    Object.defineProperty(new Error("x"), "stack", {
      get: () => {
        throw new Error("no");
      },
    }),
  ],
  [
    "an error whose code throws",
    Object.defineProperty(new Error("x"), "code", {
      get: () => {
        throw new Error("no");
      },
    }),
  ],
  ["a name that is a symbol", Object.assign(new Error("x"), { name: Symbol("x") })],
  [
    "a message that is an object",
    Object.assign(new Error("x"), {
      message: {
        toString: () => {
          throw new Error("no");
        },
      },
    }),
  ],
  ["undefined", undefined],
  ["null", null],
  ["a symbol", Symbol("x")],
  ["an object without a prototype", Object.create(null)],
  [
    "a proxy that throws",
    new Proxy(new Error("x"), {
      get: () => {
        throw new Error("no");
      },
      getPrototypeOf: () => {
        throw new Error("no");
      },
    }),
  ],
  [
    "a revoked proxy",
    (() => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    })(),
  ],
];

describe.each(hostile)("thrown: %s", (_what, thrown) => {
  const raise = (): never => {
    throw thrown;
  };

  it("by a step, a refinement, a downcast or a migration is a failure like any other", () => {
    expect(catalogOf(raise).current(stored())).toMatchObject({ ok: false, reason: "schema", error: { type: expect.any(String), message: expect.any(String) } });
    const refined = defineEvent("note.taken", { 1: z.looseObject({ id: z.string() }).refine(raise) });
    const catalog = makeCatalog({ events: [refined] });
    expect(catalog.current(stored())).toMatchObject({ ok: false, reason: "schema" });
    expect(() => catalog.validate("note.taken", 1, note)).toThrow(expect.objectContaining({ code: "DATA_INVALID" }));
    const plain = defineEvent("note.taken", { 1: z.looseObject({ id: z.string() }) });
    const migrations = makeMigrations(makeCatalog({ events: [plain] }), [defineMigration({ name: "m", event: plain, version: 1, migrate: raise })]);
    expect(() => migrations.run("m", stored())).toThrow(expect.objectContaining({ code: "MIGRATION_FAILED" }));
  });
});

it("what a step gives may throw as soon as it is looked at", () => {
  const bad = new Proxy(
    {},
    {
      get: () => {
        throw new Error("no");
      },
      getPrototypeOf: () => {
        throw new Error("no");
      },
    },
  );
  const line = defineEvent("line.added", { 1: z.object({ id: z.string() }) });
  for (const result of [
    bad,
    drop(bad as never),
    drop({
      toString: () => {
        throw new Error("no");
      },
    } as never),
    split(bad as never),
    split({ ...part(line, note, { version: 1 }), data: bad } as never),
    split({ ...part(line, note, { version: 1 }), type: bad } as never),
  ]) {
    const type = defineEvent("note.taken", { 1: z.object({ id: z.string() }), 2: z.looseObject({}) });
    const catalog = makeCatalog({ events: [type, line], upcasters: [defineUpcasters(type, { 1: (() => result) as never }, { into: [line] })] });
    expect(catalog.current(stored())).toMatchObject({ ok: false, reason: "schema" });
    expect(() => JSON.stringify(catalog.steps(stored()))).not.toThrow();
  }
});

it.each<[string, (data: { id: string }) => unknown]>([
  ["JSON.parse", ({ id }) => JSON.parse(id)],
  ["BigInt", ({ id }) => BigInt(id)],
  ["RegExp", ({ id }) => new RegExp(`(${id}`)],
  ["Intl", ({ id }) => new Intl.DateTimeFormat("en", { timeZone: id })],
  ["in", ({ id }) => "a" in (id as never)],
  ["a text's member", ({ id }) => Object.assign(id, { 0: "x" })],
  ["new Map", ({ id }) => new Map([id] as never)],
  ["normalize", ({ id }) => id.normalize(id)],
  [
    "an error of its own",
    ({ id }) => {
      throw new Error(`the card ${id} is blocked`);
    },
  ],
  [
    "an error that names a part in JSON",
    ({ id }) => {
      throw new Error(JSON.stringify({ id }));
    },
  ],
  ["in capitals", ({ id }) => raise(id.toUpperCase())],
  ["its beginning", ({ id }) => raise(`bad: ${id.slice(0, 9)}`)],
  [
    "as an error's name",
    ({ id }) => {
      throw Object.assign(new Error("x"), { name: id });
    },
  ],
  [
    "as a range",
    ({ id }) => {
      throw new RangeError(`${id} is no range`);
    },
  ],
  ["as a property", ({ id }) => Object.assign(Object.freeze({}), { [id]: 1 })],
  ["as a class", ({ id }) => class extends (id as unknown as typeof Object) {}],
  ["JSON in JSON", ({ id }) => raise(JSON.stringify(id))],
  [
    "an engine's words within others",
    ({ id }) => {
      try {
        JSON.parse(id);
      } catch (error) {
        throw new Error(`no order: ${(error as Error).message}`);
      }
    },
  ],
  [
    "a step that takes it away first",
    (data) => {
      const { id } = data;
      (data as { id: string }).id = "";
      raise(id);
    },
  ],
])("no message of a step holds a piece of the payload: %s", (_what, step) => {
  for (const canary of ["canary-4111 1111", 'canary4111\'s "quoted" value', "x canary4111\nline two", "canary4111"]) {
    const lifted = catalogOf(step).current(stored({ id: canary }));
    expect(lifted.ok).toBe(false);
    expect(JSON.stringify(lifted)).not.toMatch(/canary|4111/i);
  }
});

function raise(message: string): never {
  throw new Error(message);
}
