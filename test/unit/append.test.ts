import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent, defineUpcasters } from "../../src/catalog/define.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import { type ErrorCode, RepriseError } from "../../src/errors.ts";
import type { Json, StoredEvent } from "../../src/event/event.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { type AppendInputs, makeAppender } from "../../src/store/append/append.ts";
import type { AppendOptions, EventInput } from "../../src/store/append/event-input.ts";
import { event, takeTyped } from "../../src/store/append/typed.ts";

const orderPlaced = defineEvent(
  "order.placed",
  { 1: z.object({ orderId: z.string(), total: z.number() }), 2: z.object({ orderId: z.string(), totalCents: z.int() }) },
  { formerly: ["order.created"] },
);
const noteAdded = defineEvent("note.added", { 1: z.unknown() });
const catalog = makeCatalog({
  events: [orderPlaced, noteAdded],
  upcasters: [defineUpcasters(orderPlaced, { 1: (data) => ({ orderId: data.orderId, totalCents: Math.round(data.total * 100) }) })],
});

const uuid = (n: number) => `0197f3a0-0000-7000-8000-${String(n).padStart(12, "0")}`;
const onOrder = (id: string, more: Partial<EventInput> = {}): EventInput => ({
  type: "order.placed",
  entity: { type: "order", id },
  data: { orderId: id, totalCents: 1 },
  ...more,
});
const note = (data: Json): EventInput => ({ type: "note.added", entity: { type: "order", id: "7" }, data });

let log: EventLog;
let append: AppendInputs;
beforeEach(() => {
  let made = 0;
  log = openMemoryLog();
  append = makeAppender({ catalog, log, newId: () => uuid(1000 + ++made) });
});

it("hands appends that nobody awaits to the log in the order of the calls, although a large one gives way while it is checked", async () => {
  // Of ten entities, because one append of one has less room than can be checked before others have their turn. The last one is also the small one's.
  const large = Array.from(
    { length: 1000 },
    (_, index): EventInput => ({ ...note(Array.from({ length: 2000 }, () => 1)), entity: { type: "order", id: index === 999 ? "7" : `other-${index % 9}` } }),
  );
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const [first, second] = await Promise.all([append(large), append(note("small"))]);
  clearInterval(timer);
  expect(turns).toBeGreaterThan(0);
  expect(second!.map(({ revision }) => revision)).toEqual([1]);
  expect(first!).toHaveLength(1000);
});

describe("typed", () => {
  const typed = () => takeTyped(append);
  const order = { type: "order", id: "7" };

  it("stores the data under the definition's type and current version, with what the options say of the event", async () => {
    const [appended] = await typed()(
      orderPlaced,
      order,
      { orderId: "7", totalCents: 1 },
      { id: uuid(1), source: "shop", tenant: "acme", expectedRevision: "none" },
    );
    expect(appended).toMatchObject({ id: uuid(1), entity: order, revision: 0, duplicate: false });
    expect(await storedEvents()).toMatchObject([
      { type: "order.placed", schemaVersion: 2, tenant: "acme", source: "shop", data: { orderId: "7", totalCents: 1 } },
    ]);
  });

  it("takes lists of events, typed and untyped", async () => {
    await typed()([event(orderPlaced, order, { orderId: "7", totalCents: 1 }, { priority: "high" }), note("text")], { expectedRevision: "none" });
    expect((await storedEvents()).map(({ type, metadata }) => [type, metadata.priority])).toEqual([
      ["order.placed", "high"],
      ["note.added", "normal"],
    ]);
  });

  it.each(["schemaVersion", "type", "entity", "data", "expectedRevison"])("refuses the option %s, also when no compiler was asked", async (name) => {
    const wrong = { [name]: 1 } as object;
    await expect(typed()(orderPlaced, order, { orderId: "7", totalCents: 1 }, wrong)).rejects.toMatchObject({
      code: "REQUEST_INVALID",
      errors: [{ pointer: `#/${name}` }],
    });
    expect(await storedEvents()).toEqual([]);
  });
});

async function storedEvents(of: EventLog = log): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const batch of of.readAll()) events.push(...batch);
  return events.filter(({ tenant }) => tenant !== "reprise");
}

/** The error of an append; nothing may be stored by it. */
async function refused(input: unknown, options?: AppendOptions): Promise<RepriseError> {
  const before = (await storedEvents()).length;
  const error = await append(input as EventInput, options).then(
    () => null,
    (error: unknown) => error,
  );
  expect((await storedEvents()).length).toBe(before);
  if (!(error instanceof RepriseError)) throw new Error(`Not refused as it should be: ${String(error)}`);
  return error;
}

describe("what is stored", () => {
  it("fills in id, version, tenant and priority", async () => {
    const [appended] = await append(onOrder("7"));
    expect(appended).toEqual({
      id: uuid(1001),
      entity: { type: "order", id: "7" },
      revision: 0,
      position: expect.stringMatching(/^\d+$/),
      recordedAt: expect.any(String),
      duplicate: false,
    });
    expect(await storedEvents()).toMatchObject([
      { id: uuid(1001), stream: "default.order-7", type: "order.placed", schemaVersion: 2, source: null, occurredAt: null, metadata: { priority: "normal" } },
    ]);
  });

  it("keeps the whole envelope and the data as they were given", async () => {
    const given = onOrder("7", {
      id: uuid(1).toUpperCase(),
      type: "order.created",
      schemaVersion: 1,
      data: { orderId: "7", total: 12.5, extra: null },
      occurredAt: "2026-07-01T14:00:00.123456+02:00",
      priority: "high",
      correlationId: "c-1",
      causationId: "c-0",
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      callChain: ["planner", "intake"],
      contextRefs: [{ kind: "document", ref: "s3://bucket/7" }],
      extensions: { dataschema: "x", sampledrate: 3, traced: true },
    });
    await append(given, { tenant: "acme" });
    const { correlationId, causationId, traceparent, callChain, priority, contextRefs, extensions } = given;
    expect(await storedEvents()).toMatchObject([
      {
        id: uuid(1),
        tenant: "acme",
        type: "order.created",
        schemaVersion: 1,
        source: "intake",
        occurredAt: "2026-07-01T12:00:00.123456Z",
        data: given.data,
        metadata: { correlationId, causationId, traceparent, callChain, priority, contextRefs, extensions },
      },
    ]);
  });

  it.each([
    ["2026-07-01T12:00:00Z", "2026-07-01T12:00:00Z"],
    ["2026-07-01T00:30:00-01:00", "2026-07-01T01:30:00Z"],
    ["2026-01-01T00:30:00.5+05:45", "2025-12-31T18:45:00.5Z"],
  ])("stores the time %s as %s", async (occurredAt, utc) => {
    await append(onOrder("7", { occurredAt }));
    expect((await storedEvents())[0]!.occurredAt).toBe(utc);
  });

  it("stores any JSON data just as it is, and answers in request order", async () => {
    const plainKey = fc.string().filter((key) => key !== "__proto__" && key !== "constructor");
    const { tree } = fc.letrec<{ tree: Json }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        fc.constant(null),
        fc.boolean(),
        fc.maxSafeInteger(),
        fc.string(),
        fc.array(tie("tree")),
        fc.dictionary(plainKey, tie("tree"), { noNullPrototype: true }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), tree), { minLength: 1, maxLength: 20 }), async (wanted) => {
        const fresh = openMemoryLog();
        let made = 0;
        const events = wanted.map(([id, data]): EventInput => ({ type: "note.added", entity: { type: "order", id }, data }));
        const appended = await makeAppender({ catalog, log: fresh, newId: () => uuid(++made) })(events);
        expect(appended.map(({ id, entity }) => [id, entity.id])).toEqual(wanted.map(([id], index) => [uuid(index + 1), id]));
        const stored = new Map((await storedEvents(fresh)).map((event) => [event.id, event]));
        for (const [index, { id, revision, position }] of appended.entries())
          expect(stored.get(id)).toMatchObject({ data: wanted[index]![1], revision, position: BigInt(position) });
      }),
    );
  });
});

describe("what is refused", () => {
  const deep = (levels: number): Json => (levels === 0 ? 1 : [deep(levels - 1)]);

  it.each<[string, unknown, string]>([
    ["no event", null, "#"],
    ["an unknown member", { ...onOrder("7"), schema_version: 1 }, "#/schema_version"],
    ["an id that is no UUID", onOrder("7", { id: "7" }), "#/id"],
    ["a type that is none", onOrder("7", { type: "1 2" }), "#/type"],
    ["version 0", onOrder("7", { schemaVersion: 0 }), "#/schemaVersion"],
    ["no entity", { ...onOrder("7"), entity: undefined }, "#/entity"],
    ["an entity type with a capital", { ...onOrder("7"), entity: { type: "Order", id: "7" } }, "#/entity/type"],
    ["an entity id that is a path", onOrder("a/../b"), "#/entity/id"],
    ["an entity id of 257 characters", onOrder("a".repeat(257)), "#/entity/id"],
    ["an entity with more", { ...onOrder("7"), entity: { type: "order", id: "7", tenant: "x" } }, "#/entity/tenant"],
    ["no data", { ...onOrder("7"), data: undefined }, "#/data"],
    ["an empty source", onOrder("7", { source: "" }), "#/source"],
    ["a source with a line break", onOrder("7", { source: "a\nb" }), "#/source"],
    ["half a surrogate pair", onOrder("7", { correlationId: "\ud800" }), "#/correlationId"],
    ["a time without an offset", onOrder("7", { occurredAt: "2026-07-01T12:00:00" }), "#/occurredAt"],
    ["a time without seconds", onOrder("7", { occurredAt: "2026-07-01T12:00Z" }), "#/occurredAt"],
    ["a day that does not exist", onOrder("7", { occurredAt: "2026-02-30T12:00:00Z" }), "#/occurredAt"],
    ["a time before the year 0", onOrder("7", { occurredAt: "0000-01-01T00:00:00+01:00" }), "#/occurredAt"],
    ["a priority that is none", onOrder("7", { priority: "urgent" as never }), "#/priority"],
    ["a traceparent of zeros", onOrder("7", { traceparent: `00-${"0".repeat(32)}-00f067aa0ba902b7-01` }), "#/traceparent"],
    ["an empty call chain", onOrder("7", { callChain: [] }), "#/callChain"],
    ["a call chain of 33", onOrder("7", { callChain: Array.from({ length: 33 }, () => "a") }), "#/callChain"],
    ["an agent with a comma", onOrder("7", { callChain: ["a,b"] }), "#/callChain/0"],
    ["33 references", onOrder("7", { contextRefs: Array.from({ length: 33 }, () => ({ kind: "a", ref: "b" })) }), "#/contextRefs"],
    ["a reference with more", onOrder("7", { contextRefs: [{ kind: "a", ref: "b", x: 1 } as never] }), "#/contextRefs/0/x"],
    ["an extension that is an object", onOrder("7", { extensions: { a: {} as never } }), "#/extensions/a"],
    ["an extension with a capital", onOrder("7", { extensions: { aB: 1 } }), "#/extensions"],
    ["a key __proto__", note(JSON.parse('{"a":[{"__proto__":{"x":1}}]}')), "#/data/a/0/__proto__"],
    ["a key constructor", note({ constructor: 1 } as never), "#/data/constructor"],
    ["data 129 levels deep", note(deep(129)), `#/data${"/0".repeat(128)}`],
    ["a Date", note({ at: new Date(0) } as never), "#/data/at"],
    ["a bigint", note({ n: 1n } as never), "#/data/n"],
    ["an undefined member", note({ "a/b": undefined } as never), "#/data/a~1b"],
  ])("%s", async (_, input, pointer) => {
    const error = await refused(input);
    expect([error.code, error.errors[0]?.pointer]).toEqual(["REQUEST_INVALID", pointer]);
    expect(error.message).toContain(pointer);
  });

  it("takes data 128 levels deep", async () => {
    await append(note(deep(128)));
    expect(await storedEvents()).toHaveLength(1);
  });

  it.each([[0], [1001]])("%i events", async (count) => {
    expect((await refused(Array.from({ length: count }, () => onOrder("7")))).code).toBe("REQUEST_INVALID");
  });

  it.each<[AppendOptions, string]>([
    [{ tenant: "reprise" }, "#/tenant"],
    [{ tenant: "Acme" }, "#/tenant"],
    [{ expectedRevision: -1 }, "#/expectedRevision"],
    [{ expectedRevision: "all" as never }, "#/expectedRevision"],
    [{ revision: 1 } as never, "#/revision"],
  ])("options %j", async (options, pointer) => {
    expect(await refused(onOrder("7"), options)).toMatchObject({ code: "REQUEST_INVALID", errors: [{ pointer }] });
  });

  it("an expected revision for several entities", async () => {
    for (const expectedRevision of [0, "none"] as const) {
      const error = await refused([onOrder("7"), onOrder("8")], { expectedRevision });
      expect(error).toMatchObject({ code: "REQUEST_INVALID", errors: [{ pointer: "#/events/1/entity" }] });
    }
  });

  it.each([2 ** 53, -(2 ** 53), 1e300, Number.NaN, Number.POSITIVE_INFINITY])("the number %d", async (number) => {
    expect(await refused([note(1), note({ a: [number] })])).toMatchObject({ code: "NUMBER_UNSAFE", errors: [{ pointer: "#/events/1/data/a/0" }] });
  });

  it("what the catalog does not know, with every place of the first kind", async () => {
    const unknownType = onOrder("7", { type: "order.lost" });
    const unknownVersion = onOrder("7", { schemaVersion: 3 });
    const badData = onOrder("7", { data: { orderId: "secret", totalCents: "secret" } });
    const codes = async (...events: EventInput[]) => {
      const error = await refused(events, { pointer: (index) => `#/events/${index}`, place: (path) => path.replace("schemaVersion", "schema_version") });
      expect(`${error.message} ${JSON.stringify(error.errors)}`).not.toContain("secret");
      return [error.code, ...error.errors.map(({ pointer }) => pointer)];
    };
    expect(await codes(onOrder("7"), badData, unknownVersion, unknownType, unknownType)).toEqual(["EVENT_TYPE_UNKNOWN", "#/events/3/type", "#/events/4/type"]);
    expect(await codes(badData, unknownVersion)).toEqual(["SCHEMA_VERSION_UNKNOWN", "#/events/1/schema_version"]);
    expect(await codes(onOrder("7"), badData, badData)).toEqual(["DATA_INVALID", "#/events/1/data/totalCents", "#/events/2/data/totalCents"]);
  });

  it("a call chain that does not end with the source", async () => {
    const broken = onOrder("7", { source: "intake", callChain: ["intake", "planner"] });
    expect(await refused(broken)).toMatchObject({ code: "CALL_CHAIN_BROKEN", errors: [{ pointer: "#/callChain" }] });
    await append(onOrder("7", { source: "planner", callChain: ["intake", "planner"] }));
  });

  it("too much for one entity, also when another one comes first", async () => {
    const large = note("x".repeat(480_000));
    expect((await refused([onOrder("1"), large, large])).code).toBe("APPEND_TOO_LARGE");
    expect((await refused([large, large])).code).toBe("APPEND_TOO_LARGE");
    await append([large, { ...large, entity: { type: "order", id: "8" } }]);
  });

  it("a revision that is not the entity's", async () => {
    await append(onOrder("7"));
    expect((await refused(onOrder("7"), { expectedRevision: "none" })).code).toBe("REVISION_CONFLICT");
    await append(onOrder("7"), { expectedRevision: 0 });
  });
});

describe("ids", () => {
  it("answers a repeat with the first revisions, whatever the expected revision", async () => {
    const events = [onOrder("7", { id: uuid(1) }), onOrder("7", { id: uuid(2) })];
    const first = await append(events, { expectedRevision: "none" });
    const again = await append(events, { expectedRevision: "none" });
    expect(again).toEqual(first.map((event) => ({ ...event, duplicate: true })));
    expect(await storedEvents()).toHaveLength(2);
  });

  it("does not mind the order of members, or a repeat inside the request", async () => {
    const [first, second] = await append([onOrder("7", { id: uuid(1) }), onOrder("7", { id: uuid(1), data: { totalCents: 1, orderId: "7" } })]);
    expect([first!.duplicate, second!.duplicate, second!.revision]).toEqual([false, true, 0]);
    const [again] = await append(onOrder("7", { id: uuid(1), data: { totalCents: 1, orderId: "7" } }));
    expect(again).toEqual({ ...first, duplicate: true });
  });

  it.each<[string, EventInput]>([
    ["data", onOrder("7", { id: uuid(1), data: { orderId: "7", totalCents: 2 } })],
    ["entity", { ...onOrder("8", { id: uuid(1) }), data: { orderId: "7", totalCents: 1 } }],
    ["version", onOrder("7", { id: uuid(1), schemaVersion: 1, data: { orderId: "7", totalCents: 1, total: 1 } })],
    ["type", onOrder("7", { id: uuid(1), type: "order.created" })],
  ])("refuses a known id with another %s, in the log and in the request", async (_, other) => {
    expect((await refused([onOrder("7", { id: uuid(1) }), other])).code).toBe("EVENT_ID_REUSED");
    await append(onOrder("7", { id: uuid(1) }));
    expect((await refused(other)).code).toBe("EVENT_ID_REUSED");
  });

  it("refuses known and new events of one entity, and stores nothing of the others", async () => {
    await append(onOrder("7", { id: uuid(1) }));
    for (const id of [uuid(2), undefined]) {
      const error = await refused([onOrder("8"), onOrder("7", { id: uuid(1) }), onOrder("7", id === undefined ? {} : { id })]);
      expect(error.code).toBe("EVENT_ID_REUSED");
    }
  });

  it("keeps the ids of tenants apart", async () => {
    await append(onOrder("7", { id: uuid(1) }), { tenant: "acme" });
    const [other] = await append(onOrder("7", { id: uuid(1), data: { orderId: "7", totalCents: 9 } }), { tenant: "other" });
    expect(other!.duplicate).toBe(false);
  });

  it.each<ErrorCode>(["LOG_UNAVAILABLE", "LOG_FULL"])("names all ids when %s comes half way; with them a repeat finishes the request", async (code) => {
    const failing: Pick<EventLog, "append" | "findByIds"> = {
      findByIds: (...of) => log.findByIds(...of),
      append: async (stream, ...of) => {
        if (stream === "default.order-8") throw new RepriseError(code, "The log does not answer.", { retryAfterMs: 500 });
        return log.append(stream, ...of);
      },
    };
    let made = 0;
    const events = [onOrder("7"), onOrder("8"), onOrder("7"), onOrder("9")];
    const error: unknown = await makeAppender({ catalog, log: failing, newId: () => uuid(++made) })(events).catch((error: unknown) => error);
    const eventIds = [uuid(1), uuid(2), uuid(3), uuid(4)];
    expect(error).toMatchObject({ code, retryAfterMs: 500, fields: { eventIds } });
    expect((await storedEvents()).map(({ stream }) => stream)).not.toContain("default.order-8");

    const again = await append(events.map((event, index) => ({ ...event, id: eventIds[index]! })));
    expect(again.map(({ id, revision, duplicate }) => [id, revision, duplicate])).toEqual([
      [uuid(1), 0, true],
      [uuid(2), 0, false],
      [uuid(3), 1, true],
      [uuid(4), 0, true],
    ]);
  });
});

describe("a repeat whose schema judges otherwise now", () => {
  it("is a duplicate of what a downcast made of it, too", async () => {
    let open = true;
    const gated = defineEvent(
      "order.gated",
      { 1: z.object({ n: z.int() }), 2: z.object({ m: z.int() }).refine(() => open, "closed by now") },
      { downcast: { version: 1, data: ({ m }) => ({ n: m * 2 }) } },
    );
    const upcasters = [defineUpcasters(gated, { 1: ({ n }) => ({ m: n / 2 }) })];
    const gatedAppend = makeAppender({ catalog: makeCatalog({ events: [gated], upcasters }), log, newId: () => uuid(2100) });
    const one = { type: "order.gated", entity: { type: "order", id: "d1" }, data: { m: 1 }, id: uuid(11) };
    const [first] = await gatedAppend(one);
    open = false;
    expect(await gatedAppend(one)).toEqual([{ ...first, duplicate: true }]);
    await expect(gatedAppend({ ...one, data: { m: 2 } })).rejects.toMatchObject({ code: "DATA_INVALID" });
    await expect(gatedAppend({ ...one, id: uuid(12) })).rejects.toMatchObject({ code: "DATA_INVALID" });
    expect(await storedEvents()).toMatchObject([{ schemaVersion: 1, data: { n: 2 } }]);
  });

  it("is a duplicate, whatever a refinement says; other content or a new id is judged", async () => {
    let open = true;
    const gated = defineEvent("order.gated", { 1: z.object({ n: z.int() }).refine(() => open, "closed by now") });
    const gatedAppend = makeAppender({ catalog: makeCatalog({ events: [gated] }), log, newId: () => uuid(2000) });
    const one = { type: "order.gated", entity: { type: "order", id: "1" }, data: { n: 1 }, id: uuid(1) };
    const two = { ...one, entity: { type: "order", id: "2" }, id: uuid(2) };
    const first = await gatedAppend([one, two]);
    open = false;
    expect(await gatedAppend([one, two])).toEqual(first.map((event) => ({ ...event, duplicate: true })));
    expect(await gatedAppend(one)).toMatchObject([{ duplicate: true }]);
    await expect(gatedAppend([one, { ...two, data: { n: 2 } }])).rejects.toMatchObject({ code: "DATA_INVALID", errors: [{ pointer: "#/events/1/data" }] });
    await expect(gatedAppend([one, { ...two, id: uuid(3) }])).rejects.toMatchObject({ code: "DATA_INVALID" });
    await expect(gatedAppend({ ...one, entity: { type: "order", id: "9" } })).rejects.toMatchObject({ code: "DATA_INVALID" });
    const { id: _, ...nameless } = one;
    await expect(gatedAppend(nameless)).rejects.toMatchObject({ code: "DATA_INVALID" });
    const away = makeAppender({
      catalog: makeCatalog({ events: [gated] }),
      log: { append: log.append, findByIds: async () => Promise.reject(new RepriseError("LOG_UNAVAILABLE", "away")) },
      newId: () => uuid(2001),
    });
    await expect(away(one)).rejects.toMatchObject({ code: "DATA_INVALID" });
    expect((await storedEvents()).length).toBe(2);
  });
});
