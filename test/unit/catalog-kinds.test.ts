import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { defineEvent, defineUpcasters, drop, part, split } from "../../src/catalog/define.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import type { Json, NewEvent } from "../../src/event/event.ts";
import { partId } from "../../src/event/ids.ts";
import { storedAs } from "../support/stored-as.ts";

const paid = defineEvent("order.paid", { 1: z.object({ cents: z.int() }), 2: z.object({ cents: z.int(), by: z.string() }) }, { formerly: ["order.payed"] });
const shipped = defineEvent("order.shipped", { 1: z.object({ carrier: z.string() }) });
const fulfilled = defineEvent("order.fulfilled", { 1: z.object({ cents: z.int(), carrier: z.string() }), 2: z.never() });
const paidSteps = defineUpcasters(paid, { 1: (data) => ({ ...data, by: "card" }) });

/** A catalog in which version 1 of order.fulfilled becomes what `step` says. */
function fulfilledBy(step: (data: { cents: number; carrier: string }) => unknown, into = [paid, shipped]): Catalog {
  return makeCatalog({
    events: [paid, shipped, fulfilled],
    upcasters: [paidSteps, { event: fulfilled, steps: { 1: step as never }, into }],
  });
}
const stored = storedAs("order.fulfilled", 1, { cents: 5, carrier: "post" });

describe("a split", () => {
  const catalog = fulfilledBy(({ cents, carrier }) => split(part(paid, { cents }, { version: 1 }), part(shipped, { carrier })));

  it("gives the parts in order, each lifted by its own chain, with an id and an origin of its own and the envelope of the event", () => {
    const lifted = catalog.current(stored);
    const { stream, ...bare } = stored;
    const envelope = { ...bare, position: String(bare.position) };
    expect(lifted).toEqual({
      ok: true,
      dropped: null,
      parts: [
        {
          ...envelope,
          type: "order.paid",
          schemaVersion: 2,
          data: { cents: 5, by: "card" },
          id: partId(stored.id, 0),
          origin: { id: stored.id, part: 0, of: 2 },
        },
        {
          ...envelope,
          type: "order.shipped",
          schemaVersion: 1,
          data: { carrier: "post" },
          id: partId(stored.id, 1),
          origin: { id: stored.id, part: 1, of: 2 },
        },
      ],
    });
    expect(stream).toBe("default.order-7");
  });

  it("shows the step with what it gave, then the steps of the parts", () => {
    expect(catalog.steps(stored)).toEqual([
      {
        from: 1,
        to: 2,
        type: "order.fulfilled",
        data: null,
        error: null,
        split: [
          { type: "order.paid", schemaVersion: 1, data: { cents: 5 } },
          { type: "order.shipped", schemaVersion: 1, data: { carrier: "post" } },
        ],
      },
      { from: 1, to: 2, type: "order.paid", data: { cents: 5, by: "card" }, error: null },
    ]);
  });

  it("makes its type a candidate for what it gives, former names and splits of splits included", () => {
    expect(catalog.candidates(["order.shipped"])).toEqual(["order.fulfilled", "order.shipped"]);
    expect(catalog.candidates(["order.paid"])).toEqual(["order.fulfilled", "order.paid", "order.payed"]);
    expect(catalog.candidates(["order.fulfilled"])).toEqual(["order.fulfilled"]);
    const bundle = defineEvent("order.bundled", { 1: z.object({}), 2: z.never() }, { formerly: ["order.packed"] });
    const nested = makeCatalog({
      events: [paid, shipped, fulfilled, bundle],
      upcasters: [
        paidSteps,
        defineUpcasters(fulfilled, { 1: () => split(part(shipped, { carrier: "a" })) }, { into: [shipped] }),
        defineUpcasters(bundle, { 1: () => split(part(fulfilled, { cents: 1, carrier: "a" }, { version: 1 })) }, { into: [fulfilled] }),
      ],
    });
    expect(nested.candidates(["order.shipped"])).toEqual(["order.bundled", "order.fulfilled", "order.packed", "order.shipped"]);
    expect(nested.current(storedAs("order.packed", 1, {}))).toMatchObject({ ok: true, parts: [{ type: "order.shipped", origin: { part: 0, of: 1 } }] });
  });

  it("into two of its own type at a later version", () => {
    const line = defineEvent("line.added", { 1: z.object({ skus: z.array(z.string()) }), 2: z.object({ sku: z.string() }) });
    const own = makeCatalog({
      events: [line],
      upcasters: [defineUpcasters(line, { 1: ({ skus }) => split(...skus.map((sku) => part(line, { sku }, { version: 2 }))) }, { into: [line] })],
    });
    expect(own.current(storedAs("line.added", 1, { skus: ["a", "b"] }))).toMatchObject({ ok: true, parts: [{ data: { sku: "a" } }, { data: { sku: "b" } }] });
    expect(own.current(storedAs("line.added", 1, { skus: [] }))).toMatchObject({ ok: false, reason: "schema", error: { type: "SplitEmpty" } });
    const many = Array.from({ length: 101 }, (_, index) => `${index}`);
    expect(own.current(storedAs("line.added", 1, { skus: many }))).toMatchObject({ ok: false, error: { type: "SplitTooLarge" } });
  });

  it.each<[string, (data: { cents: number; carrier: string }) => unknown, string, string]>([
    ["a type that `into` does not list", () => split({ type: "cart.filled", schemaVersion: 1, data: {} }), "SplitUndeclared", "cart.filled"],
    ["a version that is not there", () => split({ type: "order.paid", schemaVersion: 9, data: {} }), "SplitUnknown", "order.paid version 9"],
    ["data that its schema refuses", () => split(part(shipped, { carrier: 7 as never })), "SchemaInvalid", "order.shipped v1: /carrier"],
  ])("that gives %s is a failure of its step", (_, step, type, message) => {
    expect(fulfilledBy(step).current(stored)).toMatchObject({
      ok: false,
      reason: "schema",
      from: 1,
      to: 2,
      error: { type, message: expect.stringContaining(message) },
    });
  });

  it("that leads to itself for ever is a failure", () => {
    const a = defineEvent("a.a", { 1: z.object({}), 2: z.never() });
    const b = defineEvent("b.b", { 1: z.object({}), 2: z.never() });
    const loop = makeCatalog({
      events: [a, b],
      upcasters: [
        defineUpcasters(a, { 1: () => split(part(b, {} as never, { version: 1 })) }, { into: [b] }),
        defineUpcasters(b, { 1: () => split(part(a, {} as never, { version: 1 })) }, { into: [a] }),
      ],
    });
    expect(loop.current(storedAs("a.a", 1, {}))).toMatchObject({ ok: false, error: { type: "SplitTooDeep" } });
  });

  it("into a type that `events` does not list is refused at start", () => {
    const upcasters = [defineUpcasters(fulfilled, { 1: ({ carrier }) => split(part(shipped, { carrier })) }, { into: [shipped] })];
    expect(() => makeCatalog({ events: [fulfilled], upcasters })).toThrow(/split it into "order.shipped", which is not in `events`/);
  });
});

describe("a drop", () => {
  it("gives no event, and the reason", () => {
    const catalog = fulfilledBy(() => drop("not of interest"));
    expect(catalog.current(stored)).toEqual({ ok: true, parts: [], dropped: "not of interest" });
    expect(catalog.steps(stored)).toEqual([{ from: 1, to: 2, type: "order.fulfilled", data: null, error: null, dropped: "not of interest" }]);
  });

  it("of a part leaves the others; of all parts drops the event", () => {
    const note = defineEvent("note.added", { 1: z.object({ keep: z.boolean() }), 2: z.object({ keep: z.boolean() }) });
    const notes = defineEvent("notes.added", { 1: z.object({ keep: z.array(z.boolean()) }), 2: z.never() });
    const catalog = makeCatalog({
      events: [note, notes],
      upcasters: [
        defineUpcasters(note, { 1: (data) => (data.keep ? data : drop("unkept")) }),
        defineUpcasters(notes, { 1: (data) => split(...data.keep.map((keep) => part(note, { keep }, { version: 1 }))) }, { into: [note] }),
      ],
    });
    const lift = (...keep: boolean[]) => catalog.current(storedAs("notes.added", 1, { keep }));
    expect(lift(false, true, false)).toMatchObject({ ok: true, dropped: null, parts: [{ data: { keep: true }, origin: { part: 0, of: 1 } }] });
    expect(lift(true, false)).toMatchObject({ ok: true, dropped: null, parts: [{}] });
    expect(lift(false, false)).toEqual({ ok: true, dropped: "unkept", parts: [] });
  });
});

describe("a downcast", () => {
  const schemas = { 1: z.object({ total: z.number().nonnegative() }), 2: z.object({ cents: z.int() }) };
  const steps = { 1: ({ total }: { total: number }) => ({ cents: Math.round(total * 100) }) };
  const storing = (event: Parameters<typeof makeCatalog>[0]["events"][number], data: Json, schemaVersion = 2): NewEvent =>
    makeCatalog({ events: [event], upcasters: [defineUpcasters(event, steps as never)] }).toStore({ ...storedAs(event.type, schemaVersion, data) });

  const down = defineEvent("order.placed", schemas, { formerly: ["order.created"], downcast: { version: 1, data: ({ cents }) => ({ total: cents / 100 }) } });

  it("stores current data as the older version, and older data as it is", () => {
    expect(storing(down, { cents: 150 })).toMatchObject({ type: "order.placed", schemaVersion: 1, data: { total: 1.5 } });
    expect(storing(down, { total: 3 }, 1)).toMatchObject({ schemaVersion: 1, data: { total: 3 } });
    const plain = defineEvent("order.placed", schemas);
    expect(storing(plain, { cents: 150 })).toMatchObject({ schemaVersion: 2, data: { cents: 150 } });
  });

  it("may write a former name", () => {
    const renamed = defineEvent("order.placed", schemas, {
      formerly: ["order.created"],
      downcast: { version: 2, type: "order.created", data: (data) => data },
    });
    expect(storing(renamed, { cents: 1 })).toMatchObject({ type: "order.created", schemaVersion: 2, data: { cents: 1 } });
  });

  it.each<[string, (data: { cents: number }) => { total: number }, string]>([
    [
      "throws",
      () => {
        throw new RangeError("too much");
      },
      "too much",
    ],
    ["gives what the version refuses", () => ({ total: -1 }), "/total"],
    ["returns a promise", (() => Promise.resolve({ total: 1 })) as never, "promise"],
  ])("that %s stores nothing", (_, data, message) => {
    const event = defineEvent("order.placed", schemas, { downcast: { version: 1, data } });
    expect(() => storing(event, { cents: 1 })).toThrow(expect.objectContaining({ code: "DOWNCAST_FAILED", message: expect.stringContaining(message) }));
  });

  it.each<[string, object, RegExp]>([
    ["a version that is not there", { version: 3, data: () => ({}) }, /downcast to version 3: name one of its versions, 1 to 2/],
    ["a name that was never its own", { version: 1, type: "cart.filled", data: () => ({}) }, /"cart.filled": name one that `formerly` lists/],
    ["no function", { version: 1, data: 7 }, /downcast without `data`/],
  ])("to %s is refused at start", (_, downcast, message) => {
    const event = { ...defineEvent("order.placed", schemas), downcast: { type: undefined, ...downcast } as never };
    expect(() => storing(event, { cents: 1 })).toThrow(message);
  });
});

describe("an asynchronous step", () => {
  it("is refused at start", () => {
    const upcasters = [{ event: fulfilled, steps: { 1: (async () => ({})) as never }, into: [] }];
    expect(() => makeCatalog({ events: [fulfilled], upcasters })).toThrow(/asynchronous upcaster from version 1 to 2/);
  });
});
