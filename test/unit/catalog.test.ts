import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { z as z3 } from "zod/v3";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { defineEvent, defineUpcasters, type EventDefinition, type UpcasterChain } from "../../src/catalog/define.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import { RepriseError } from "../../src/errors.ts";
import type { Json, StoredEvent } from "../../src/event/event.ts";
import { storedAs } from "../support/stored-as.ts";

const orderPlaced = defineEvent(
  "order.placed",
  {
    1: z.object({ orderId: z.string(), total: z.number().min(0).max(1e9) }),
    2: z.object({ orderId: z.string(), totalCents: z.int() }),
    3: z.object({ orderId: z.string(), totalCents: z.int(), lines: z.array(z.object({ sku: z.string() })).default([]) }),
  },
  { formerly: ["order.created"] },
);
const orderPlacedUpcasters = defineUpcasters(orderPlaced, {
  1: (data) => ({ orderId: data.orderId, totalCents: Math.round(data.total * 100) }),
  2: (data) => data,
});
const noteAdded = defineEvent("note.added", { 1: z.looseObject({ text: z.string() }) });
const catalog = makeCatalog({ events: [orderPlaced, noteAdded], upcasters: [orderPlacedUpcasters] });

function caught(run: () => unknown): RepriseError {
  try {
    run();
  } catch (error) {
    if (error instanceof RepriseError) return error;
    throw error;
  }
  throw new Error("It did not throw.");
}

function failure(of: Catalog, stored: StoredEvent) {
  const lifted = of.current(stored);
  if (lifted.ok) throw new Error("It was lifted.");
  return lifted;
}

describe("current", () => {
  it("lifts every version to the newest one and keeps the envelope", () => {
    const stored = storedAs("order.placed", 1, { orderId: "a", total: 12.34 });
    const lifted = catalog.current(stored);
    const { stream, ...envelope } = stored;
    expect(lifted).toEqual({
      ok: true,
      parts: [{ ...envelope, position: String(stored.position), schemaVersion: 3, data: { orderId: "a", totalCents: 1234, lines: [] }, origin: null }],
      dropped: null,
    });
    expect(stream).toBe("default.order-7");
  });

  it("lifts what was stored under a former name, and answers with the current one", () => {
    const lifted = catalog.current(storedAs("order.created", 2, { orderId: "a", totalCents: 5 }));
    expect(lifted).toMatchObject({ ok: true, parts: [{ type: "order.placed", schemaVersion: 3 }] });
  });

  it.each([
    ["an unknown type", storedAs("order.lost", 1, {}), "EventTypeUnknown"],
    ["an unknown version", storedAs("order.placed", 4, {}), "SchemaVersionUnknown"],
  ])("says newer_build for %s", (_, stored, type) => {
    expect(failure(catalog, stored)).toMatchObject({ reason: "newer_build", error: { type } });
    expect(catalog.steps(stored)).toEqual([]);
  });

  it("names the version whose schema refused, and the place, but no value", () => {
    const found = failure(catalog, storedAs("order.placed", 1, { orderId: "secret-7", total: "secret-8" }));
    expect(found).toMatchObject({ reason: "schema", from: 1, to: 1, error: { type: "SchemaInvalid" } });
    expect(found.error.message).toContain("order.placed v1: /total: ");
    expect(JSON.stringify(found)).not.toContain("secret");
  });

  it.each([
    ["a step that throws", () => JSON.parse("{"), "SyntaxError", "v1 → v2: "],
    ["a step that throws no Error", () => throwValue("secret"), "Error", "threw a value of type string"],
    ["a step that gives what the next schema refuses", () => ({ total: "secret" }), "SchemaInvalid", "v1 → v2: /total: "],
    ["an asynchronous step", () => Promise.reject(new Error("late")), "UpcasterAsync", "v1 → v2: the step returned a promise"],
    ["a step that changes the stored event", (_: unknown, event: StoredEvent) => Object.assign(event.metadata, { source: "x" }), "TypeError", "v1 → v2: "],
  ])("reports %s, naming the step", (_, step, type, message) => {
    const event = defineEvent("a.b", { 1: z.object({ id: z.string() }), 2: z.object({ total: z.number() }) });
    const stored = storedAs("a.b", 1, { id: "1" });
    const found = failure(makeCatalog({ events: [event], upcasters: [{ event, steps: { 1: step as never }, into: [] }] }), stored);
    expect(found).toMatchObject({ reason: "schema", from: 1, to: 2, error: { type, message: expect.stringContaining(message) } });
    expect(found.error.message).not.toContain("secret");
    expect(stored).toEqual(storedAs("a.b", 1, { id: "1" }));
  });

  it("reports a schema whose own check throws or is asynchronous as a failure, and does not throw", () => {
    const throwing = z.object({ id: z.string().refine(() => throwValue(new TypeError("no such thing"))) });
    const later = z.object({ id: z.string().superRefine(async () => {}) });
    const of = makeCatalog({ events: [defineEvent("a.b", { 1: throwing }), defineEvent("c.d", { 1: later })] });
    expect(failure(of, storedAs("a.b", 1, { id: "1" }))).toMatchObject({ reason: "schema", error: { type: "TypeError" } });
    expect(failure(of, storedAs("c.d", 1, { id: "1" }))).toMatchObject({ reason: "schema" });
    expect(caught(() => of.validate("a.b", 1, { id: "1" })).code).toBe("DATA_INVALID");
  });

  const dataOf: Record<number, fc.Arbitrary<Json>> = {
    1: fc.record({ orderId: fc.string(), total: fc.double({ min: 0, max: 1e9, noNaN: true }) }),
    2: fc.record({ orderId: fc.string(), totalCents: fc.maxSafeInteger() }),
    3: fc.record({ orderId: fc.string(), totalCents: fc.maxSafeInteger(), lines: fc.array(fc.record({ sku: fc.string() })) }),
  };
  const anyStored = fc.constantFrom(1, 2, 3).chain((version) => dataOf[version]!.map((data) => storedAs("order.placed", version, data)));

  it("makes valid current data of any valid stored data, never changes the stored event, and is a fixpoint", () => {
    fc.assert(
      fc.property(anyStored, (stored) => {
        const before = structuredClone(stored);
        const lifted = catalog.current(stored);
        expect(stored).toEqual(before);
        if (!lifted.ok) throw new Error(lifted.error.message);
        expect(orderPlaced.schemas[3].safeParse(lifted.parts[0]!.data).success).toBe(true);
        const again = catalog.current({ ...stored, schemaVersion: 3, data: lifted.parts[0]!.data as Json });
        expect(again).toEqual(lifted);
      }),
    );
  });

  it("never throws, whatever is stored", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("order.placed", "order.created", "note.added", "x"),
        fc.integer({ min: -1, max: 5 }),
        fc.jsonValue(),
        (type, version, data) => {
          const stored = storedAs(type, version, data as Json);
          const before = structuredClone(stored);
          catalog.current(stored);
          catalog.steps(stored);
          expect(stored).toEqual(before);
        },
      ),
    );
  });
});

describe("steps", () => {
  it("shows each step, and none for current data", () => {
    expect(catalog.steps(storedAs("order.placed", 1, { orderId: "a", total: 2 }))).toEqual([
      { from: 1, to: 2, type: "order.placed", data: { orderId: "a", totalCents: 200 }, error: null },
      { from: 2, to: 3, type: "order.placed", data: { orderId: "a", totalCents: 200, lines: [] }, error: null },
    ]);
    expect(catalog.steps(storedAs("note.added", 1, { text: "x" }))).toEqual([]);
  });

  it("ends with the step that failed", () => {
    const steps = catalog.steps(storedAs("order.placed", 2, { orderId: "a" }));
    expect(steps).toMatchObject([{ from: 2, to: 2, data: null, error: { type: "SchemaInvalid" } }]);
  });
});

describe("validate", () => {
  it("accepts every version and former names", () => {
    catalog.validate("order.placed", 1, { orderId: "a", total: 1 });
    catalog.validate("order.created", 2, { orderId: "a", totalCents: 1 });
  });

  it("refuses unknown types and versions", () => {
    expect(caught(() => catalog.validate("order.lost", 1, {})).code).toBe("EVENT_TYPE_UNKNOWN");
    for (const version of [0, 4, 1.5]) expect(caught(() => catalog.validate("order.placed", version, {})).code).toBe("SCHEMA_VERSION_UNKNOWN");
  });

  it("points at each wrong member, escaped as RFC 6901 wants it", () => {
    const strict = makeCatalog({ events: [defineEvent("a.b", { 1: z.strictObject({ "x/y~z": z.object({ list: z.array(z.int()) }) }) })] });
    const error = caught(() => strict.validate("a.b", 1, { "x/y~z": { list: [1, "two"] }, more: 1 }, "#/events/0/data"));
    expect(error.code).toBe("DATA_INVALID");
    expect(error.errors).toEqual([
      { pointer: "#/events/0/data/x~1y~0z/list/1", detail: expect.stringContaining("expected number, received string") },
      { pointer: "#/events/0/data/more", detail: "Unknown member." },
    ]);
  });
});

describe("what the catalog tells", () => {
  it("names types, versions and former names", () => {
    expect(catalog.types).toEqual(["note.added", "order.placed"]);
    expect(catalog.describe("order.placed")).toEqual({ type: "order.placed", versions: [1, 2, 3], current: 3, formerly: ["order.created"] });
    expect(catalog.describe("order.lost")).toBeUndefined();
    expect(catalog.resolve("order.created")).toBe("order.placed");
    expect(catalog.resolve("order.lost")).toBeUndefined();
    expect(catalog.candidates(["order.placed", "note.added"])).toEqual(["note.added", "order.created", "order.placed"]);
    expect(catalog.candidates(["order.lost"])).toEqual([]);
  });

  it("gives each version as JSON Schema 2020-12", () => {
    expect(catalog.jsonSchema("order.placed", 2)).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      required: ["orderId", "totalCents"],
    });
    expect(catalog.jsonSchema("order.placed", 4)).toBeUndefined();
  });

  it("has a fingerprint that changes with a step or a schema, and only for that type", () => {
    const changed = makeCatalog({
      events: [orderPlaced, noteAdded],
      upcasters: [defineUpcasters(orderPlaced, { ...orderPlacedUpcasters.steps, 1: () => ({ orderId: "", totalCents: 0 }) } as never)],
    });
    const same = makeCatalog({ events: [noteAdded, orderPlaced], upcasters: [orderPlacedUpcasters] });
    expect(catalog.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(same.fingerprint).toBe(catalog.fingerprint);
    expect(changed.fingerprint).not.toBe(catalog.fingerprint);
    expect(changed.chainFingerprint("order.placed")).not.toBe(catalog.chainFingerprint("order.placed"));
    expect(changed.chainFingerprint("note.added")).toBe(catalog.chainFingerprint("note.added"));
  });
});

describe("start", () => {
  const one = z.object({ a: z.string() });
  const event = (type: string, versions: Record<number, unknown> = { 1: one }, formerly: string[] = []): EventDefinition => ({
    type,
    schemas: versions as never,
    formerly,
    downcast: null,
  });
  const chain = (definition: EventDefinition, steps: Record<string, unknown>): UpcasterChain => ({ event: definition, steps: steps as never, into: [] });
  const two = event("a.b", { 1: one, 2: one });
  const step = (data: unknown) => data;

  it.each<[string, string, EventDefinition[], UpcasterChain[], RegExp]>([
    ["CONFIG_INVALID", "a name that is none", [event("1st")], [], /"1st"/],
    ["CONFIG_INVALID", "a former name that is none", [event("a.b", { 1: one }, ["ä"])], [], /"ä"/],
    ["CONFIG_INVALID", "a type twice", [event("a.b"), event("a.b")], [], /"a\.b" is defined twice/],
    ["CONFIG_INVALID", "a former name that is another's", [event("a.b"), event("c.d", { 1: one }, ["a.b"])], [], /"c\.d".*formerly "a\.b"/],
    ["CONFIG_INVALID", "a former name of two", [event("a.b", { 1: one }, ["x"]), event("c.d", { 1: one }, ["x"])], [], /formerly "x".*"a\.b"/],
    ["CONFIG_INVALID", "a type that was formerly itself", [event("a.b", { 1: one }, ["a.b"])], [], /formerly "a\.b"/],
    ["CONFIG_INVALID", "no version", [event("a.b", {})], [], /"a\.b" has no version/],
    ["CONFIG_INVALID", "version 0", [event("a.b", { 0: one })], [], /version "0"/],
    ["CONFIG_INVALID", "a gap", [event("a.b", { 1: one, 3: one })], [], /version 3 but no version 2/],
    ["CONFIG_INVALID", "33 versions", [event("a.b", Object.fromEntries(Array.from({ length: 33 }, (_, n) => [n + 1, one])))], [], /33 versions/],
    ["CONFIG_INVALID", "what is no schema", [event("a.b", { 1: { a: 1 } })], [], /Version 1 of event type "a\.b"/],
    ["CONFIG_INVALID", "two lists of steps", [two], [chain(two, { 1: step }), chain(two, { 1: step })], /two lists/],
    ["UPCASTER_MISSING", "no steps at all", [two], [], /"a\.b" has no upcaster from version 1 to 2/],
    ["UPCASTER_MISSING", "a step that is no function", [two], [chain(two, { 1: "x" })], /from version 1 to 2/],
    ["UPCASTER_UNEXPECTED", "a step too many", [two], [chain(two, { 1: step, 2: step })], /from version 2, but its newest version is 2/],
    ["UPCASTER_UNEXPECTED", "steps of a type that is not listed", [], [chain(two, { 1: step })], /"a\.b", which is not in `events`/],
    ["CONFIG_INVALID", "a schema of zod 3", [event("a.b", { 1: z3.object({}) as never })], [], /is a zod 3 schema: use z\.object/],
    [
      "CONFIG_INVALID",
      "33 versions",
      [event("a.b", Object.fromEntries(Array.from({ length: 33 }, (_, n) => [n + 1, one])))],
      [],
      /33 versions, more than 32: begin a new/,
    ],
    ["SCHEMA_NOT_JSON", "a Date", [event("a.b", { 1: z.object({ at: z.date() }) })], [], /Version 1 of event type "a\.b".*Date/],
    ["SCHEMA_NOT_JSON", "a bigint", [event("a.b", { 1: z.object({ n: z.bigint() }) })], [], /BigInt/],
    ["SCHEMA_NOT_JSON", "a transform", [event("a.b", { 1: one.transform((data) => data.a) })], [], /a transform/],
    ["SCHEMA_NOT_JSON", "an asynchronous check", [event("a.b", { 1: z.object({ a: z.string().refine(async () => true) }) })], [], /asynchronous/],
    ["SCHEMA_NOT_JSON", "a promise", [event("a.b", { 1: z.object({ a: z.promise(z.string()) }) })], [], /promise/],
  ])("refuses with %s: %s", (code, _, events, upcasters, message) => {
    const error = caught(() => makeCatalog({ events, upcasters }));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });
});

function throwValue(value: unknown): never {
  throw value;
}

describe("steps for showing", () => {
  it("have 4 MiB of data in all; what comes after is named without it", () => {
    const schema = z.object({ text: z.string() });
    const versions = [1, 2, 3, 4, 5, 6, 7, 8].map((version) => [version, schema]);
    const grown = defineEvent("order.grown", Object.fromEntries(versions) as { 1: typeof schema; 2: typeof schema });
    const steps = [1, 2, 3, 4, 5, 6, 7].map((version) => [version, (old: { text: string }) => old]);
    const chain = defineUpcasters(grown, Object.fromEntries(steps) as { 1: (old: { text: string }) => { text: string } });
    const shown = makeCatalog({ events: [grown], upcasters: [chain] }).steps(storedAs("order.grown", 1, { text: "x".repeat(900_000) }));
    expect(shown.map(({ from, data, leftOut }) => [from, data !== null, leftOut ?? false])).toEqual([
      ...[1, 2, 3, 4].map((from) => [from, true, false]),
      ...[5, 6, 7].map((from) => [from, false, true]),
    ]);
  });
});
