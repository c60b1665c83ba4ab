import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { cloudEventOf } from "../../src/delivery/attempt/cloud-event.ts";
import { RepriseError } from "../../src/errors.ts";
import { idFromCloudEvent } from "../../src/event/ids.ts";
import { appendReply } from "../../src/http/wire/events.ts";
import { eventId, eventView, makeFakeStore } from "../support/fake-store.ts";
import { expectProblem, serverOver } from "../support/http.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";

const event = { type: "order.placed", entity: { type: "order", id: "o-1" }, data: { orderId: "o-1", totalCents: 995 } };
const full = {
  ...event,
  id: eventId,
  schema_version: 1,
  source: "intake",
  occurred_at: "2026-01-31T13:00:00+01:00",
  priority: "high",
  correlation_id: "c",
  causation_id: "k",
  traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  call_chain: ["web", "intake"],
  context_refs: [{ kind: "doc", ref: "https://example.com/a,b" }],
};

function post(payload: unknown, { url = "/events", type = "application/json", store = makeFakeStore() } = {}) {
  return { store, answer: serverOver(store).inject({ method: "POST", url, headers: { "content-type": type }, payload: JSON.stringify(payload) }) };
}

describe("POST /events", () => {
  it("appends one event with all its members and answers 201 in wire names", async () => {
    const { store, answer } = post(full, { url: "/events?expected_revision=12" });
    expect((await answer).statusCode).toBe(201);
    expect(appendReply.parse((await answer).json()).events).toEqual([
      { id: eventId, entity: event.entity, revision: 0, position: "10", recorded_at: "2026-01-31T12:00:00.000Z", duplicate: false },
    ]);
    const [input, options] = store.last("append") as [unknown, { expectedRevision: unknown; tenant: unknown; pointer: (index: number) => string }];
    expect(input).toEqual({
      id: eventId,
      type: "order.placed",
      schemaVersion: 1,
      entity: event.entity,
      data: event.data,
      source: "intake",
      occurredAt: "2026-01-31T13:00:00+01:00", // brought to UTC by the store, with all its digits
      priority: "high",
      correlationId: "c",
      causationId: "k",
      traceparent: full.traceparent,
      callChain: ["web", "intake"],
      contextRefs: full.context_refs,
    });
    expect(options).toMatchObject({ tenant: "default", expectedRevision: 12 });
    expect(options.pointer(0)).toBe("#");
  });

  it("appends a batch in request order, with places that name the event", async () => {
    const { store, answer } = post({ expected_revision: "none", events: [event, event] });
    expect((await answer).statusCode).toBe(201);
    const [input, options] = store.last("append") as [unknown[], { expectedRevision: unknown; pointer: (index: number) => string }];
    expect(input).toHaveLength(2);
    expect(options.expectedRevision).toBe("none");
    expect(options.pointer(1)).toBe("#/events/1");
  });

  it("keeps data exactly as sent: any JSON value, any key order, null", async () => {
    for (const data of [null, 0, "x", [], { b: 1, a: { camelCase: [1.5e-7, 1e15] } }]) {
      const { store, answer } = post({ ...event, data });
      expect((await answer).statusCode).toBe(201);
      expect(JSON.stringify((store.last("append")[0] as { data: unknown }).data)).toBe(JSON.stringify(data));
    }
  });

  it.each([
    ["an unknown member", { ...event, note: 1 }, "#/note"],
    ["a missing type", { entity: event.entity, data: 1 }, "#/type"],
    ["missing data", { type: "a", entity: event.entity }, "#/data"],
    ["an entity id with two dots", { ...event, entity: { type: "order", id: "a..b" } }, "#/entity/id"],
    ["an entity type in capitals", { ...event, entity: { type: "Order", id: "a" } }, "#/entity/type"],
    ["an id that is no UUID", { ...event, id: "1" }, "#/id"],
    ["version 0", { ...event, schema_version: 0 }, "#/schema_version"],
    ["a time without a zone", { ...event, occurred_at: "2026-01-31T12:00:00" }, "#/occurred_at"],
    ["a date that does not exist", { ...event, occurred_at: "2026-02-30T12:00:00Z" }, "#/occurred_at"],
    ["an unknown priority", { ...event, priority: "urgent" }, "#/priority"],
    ["an empty call chain", { ...event, call_chain: [] }, "#/call_chain"],
    ["a call chain of 33", { ...event, call_chain: Array(33).fill("a") }, "#/call_chain"],
    ["half a surrogate pair", { ...event, source: "\ud800" }, "#/source"],
    ["extensions", { ...event, extensions: { a: 1 } }, "#/extensions"],
    ["an empty batch", { events: [] }, "#/events"],
    ["a batch of 1001", { events: Array(1001).fill(event) }, "#/events"],
    ["an unknown member beside the events", { events: [event], tenant: "x" }, "#/tenant"],
    ["a fault in the second event", { events: [event, { ...event, type: "" }] }, "#/events/1/type"],
    ["a negative revision", { expected_revision: -1, events: [event] }, "#/expected_revision"],
    ["a list", [event], "#"],
    ["null", null, "#"],
  ])("refuses %s", async (_what, payload, pointer) => {
    const { store, answer } = post(payload);
    const problem = expectProblem(await answer, 400, "REQUEST_INVALID");
    expect((problem.errors as { pointer: string }[]).map((place) => place.pointer)).toContain(pointer);
    expect(store.calls).toEqual([]);
  });

  it.each([
    ["?expected_revision=-1", "?expected_revision"],
    ["?expected_revision=1&expected_revision=2", "?expected_revision"],
    ["?tenant=Acme", "?tenant"],
    ["?__proto__=x", "?__proto__"],
  ])("refuses the query %s", async (query, pointer) => {
    const problem = expectProblem(await post(event, { url: "/events" + query }).answer, 400, "REQUEST_INVALID");
    expect(problem.errors).toMatchObject([{ pointer }]);
  });

  it("refuses expected_revision in query and body at once", async () => {
    const { answer } = post({ expected_revision: 1, events: [event] }, { url: "/events?expected_revision=1" });
    expectProblem(await answer, 400, "REQUEST_INVALID");
  });

  it.each([
    [409, new RepriseError("REVISION_CONFLICT", "The entity is elsewhere.", { fields: { expected: 1, actual: 4 } }), { expected: 1, actual: 4 }],
    [409, new RepriseError("EVENT_ID_REUSED", "Known.", { fields: { eventIds: [eventId] } }), { event_ids: [eventId] }],
    [413, new RepriseError("APPEND_TOO_LARGE", "Too large."), {}],
    [
      422,
      new RepriseError("EVENT_TYPE_UNKNOWN", "Unknown.", { errors: [{ pointer: "#/type", detail: "x" }] }),
      { errors: [{ pointer: "#/type", detail: "x" }] },
    ],
    [422, new RepriseError("SCHEMA_VERSION_UNKNOWN", "Unknown."), {}],
    [422, new RepriseError("DATA_INVALID", "Invalid."), {}],
    [422, new RepriseError("CALL_CHAIN_BROKEN", "Broken."), {}],
    [429, new RepriseError("RATE_LIMITED", "Slow down.", { retryAfterMs: 1200 }), {}],
    [503, new RepriseError("LOG_UNAVAILABLE", "Away.", { fields: { eventIds: [eventId] } }), { event_ids: [eventId] }],
    [503, new RepriseError("LOG_FULL", "Full."), {}],
    [503, new RepriseError("CLOSED", "Closed."), {}],
  ])("answers %i for what the store refuses: %s", async (status, error, fields) => {
    const store = makeFakeStore({ store: { append: () => Promise.reject(error) } });
    expect(expectProblem(await post(event, { store }).answer, status, error.code)).toMatchObject(fields);
  });

  it("answers 500 without a word of the cause", async () => {
    const ofAProcess = Object.assign(new Error("secret"), { code: 1 });
    for (const cause of [new Error("SELECT secret FROM events"), new RepriseError("FENCED", "secret journal."), ofAProcess, { code: null }, null, "secret"]) {
      const store = makeFakeStore({ store: { append: () => Promise.reject(cause) } });
      const problem = expectProblem(await post(event, { store }).answer, 500, "INTERNAL");
      expect(JSON.stringify(problem)).not.toMatch(/secret|SELECT/);
    }
  });
});

describe("a structured CloudEvent", () => {
  const cloudEvent = { specversion: "1.0", id: "42", source: "https://shop.example/orders", type: "order.placed", subject: "order/a/b", data: { a: 1 } };
  const send = (payload: unknown) => post(payload, { type: "application/cloudevents+json; charset=utf-8" });
  const postTo = (store: Awaited<ReturnType<typeof startStore>>, payload: unknown) =>
    serverOver(store).inject({ method: "POST", url: "/events", headers: { "content-type": "application/cloudevents+json" }, payload: JSON.stringify(payload) });

  it("becomes an event: id derived and kept, subject split at its first slash, unknown attributes kept", async () => {
    const { store, answer } = send({
      ...cloudEvent,
      time: "2026-01-31T12:00:00Z",
      datacontenttype: "application/json; charset=utf-8",
      schemaversion: "1",
      priority: "low",
      correlationid: "c",
      causationid: "k",
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      callchain: "web,https://shop.example/orders",
      contextrefs: "doc:https://example.com/a%2Cb,trace:7",
      partitionkey: "p",
      sampled: true,
      unset: null,
    });
    expect((await answer).statusCode).toBe(201);
    expect(store.last("append")[0]).toEqual({
      id: idFromCloudEvent("https://shop.example/orders", "42"),
      type: "order.placed",
      schemaVersion: 1,
      entity: { type: "order", id: "a/b" },
      data: { a: 1 },
      source: "https://shop.example/orders",
      occurredAt: "2026-01-31T12:00:00Z",
      priority: "low",
      correlationId: "c",
      causationId: "k",
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      callChain: ["web", "https://shop.example/orders"],
      contextRefs: [
        { kind: "doc", ref: "https://example.com/a,b" },
        { kind: "trace", ref: "7" },
      ],
      extensions: { partitionkey: "p", sampled: true, datacontenttype: "application/json; charset=utf-8", originalid: "42" },
    });
  });

  it("keeps an id that is a UUID, and null as data", async () => {
    const { store, answer } = send({ ...cloudEvent, id: eventId, data: null });
    expect((await answer).statusCode).toBe(201);
    expect(store.last("append")[0]).toMatchObject({ id: eventId, data: null });
    expect(store.last("append")[0]).not.toHaveProperty("extensions");
    expect(store.last("append")[1]).toMatchObject({ perSource: { id: idFromCloudEvent(cloudEvent.source, eventId), extensions: { originalid: eventId } } });
  });

  it("keeps an `originalid` that the producer has set", async () => {
    const { store, answer } = send({ ...cloudEvent, originalid: "theirs", originalid2: "theirs, too" });
    expect((await answer).statusCode).toBe(201);
    expect(store.last("append")[0]).toMatchObject({ extensions: { originalid: "theirs", originalid2: "theirs, too", originalid3: "42" } });
  });

  it("may have an entity id of 256 characters, and 32 attributes of its own", async () => {
    const attributes = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`a${index}`, index]));
    const subject = `${"t".repeat(64)}/${"i".repeat(256)}`;
    const folder = temporaryFolder();
    const store = await startStore(defineConfig({ events: [defineEvent("order.placed", { 1: z.unknown() })], handlers: [] }), folder);
    const sent = { ...cloudEvent, ...attributes, subject, datacontenttype: "application/vnd.shop+json; charset=utf-8" };
    const answer = await postTo(store, sent);
    expect([answer.statusCode, answer.json()]).toMatchObject([201, { events: [{ entity: { type: "t".repeat(64), id: "i".repeat(256) } }] }]);
    expectProblem(await postTo(store, { ...sent, a33: 1 }), 400, "REQUEST_INVALID");
  });

  it("says what a subject must be, whatever is wrong with it", async () => {
    for (const subject of [undefined, "", "order", "/1", "Order/1", 7, `order/${"i".repeat(257)}`]) {
      const problem = expectProblem(await send({ ...cloudEvent, subject }).answer, 400, "REQUEST_INVALID");
      expect(problem.errors).toEqual([{ pointer: "#/subject", detail: expect.stringContaining("must be <entity type>/<entity id>") }]);
    }
  });

  it.each([
    ["application/json", "application/json"],
    ["application/vnd.shop.order+json", "application/vnd.shop.order+json"],
    ["application/vnd.shop+json; charset=utf-8", "application/vnd.shop+json; charset=utf-8"],
    ["text/json", "text/json"],
    [undefined, "application/json"],
  ])("is sent on with the datacontenttype that it came with: %s", async (sent, passedOn) => {
    const { store, answer } = send({ ...cloudEvent, datacontenttype: sent });
    expect((await answer).statusCode).toBe(201);
    const { extensions } = store.last("append")[0] as { extensions: Record<string, string> };
    const event = { ...eventView, metadata: { priority: "normal", extensions } } as never;
    expect(cloudEventOf(event, {})).toMatchObject({ datacontenttype: passedOn });
  });

  it("has an id that is unique per source: another source's event of that id is another event", async () => {
    const folder = temporaryFolder();
    const store = await startStore(defineConfig({ events: [defineEvent("order.placed", { 1: z.unknown() })], handlers: [] }), folder);
    const send = async (source: string, subject: string) => {
      const answer = await postTo(store, { ...cloudEvent, id: eventId, source, subject });
      const [event] = (answer.json() as { events: { id: string; duplicate: boolean }[] }).events;
      return { status: answer.statusCode, ...event! };
    };
    const first = await send("shop", "order/1");
    expect(first).toMatchObject({ status: 201, id: eventId, duplicate: false });
    // With another subject the log says that the id is in use, with the same one that it is a repetition.
    for (const subject of ["order/2", "order/1"]) {
      const other = await send(`store of ${subject}`, subject);
      expect(other).toMatchObject({ status: 201, id: idFromCloudEvent(`store of ${subject}`, eventId), duplicate: false });
      expect(await send(`store of ${subject}`, subject)).toEqual({ ...other, duplicate: true });
    }
    expect(await send("shop", "order/1")).toEqual({ ...first, duplicate: true });
    expectProblem(await postTo(store, { ...cloudEvent, id: eventId, source: "shop", subject: "order/2" }), 409, "EVENT_ID_REUSED");
    const { events } = await store.readEntity({ type: "order", id: "1" });
    expect(events.map(({ source, extensions }) => [source, extensions])).toEqual([
      ["shop", null],
      ["store of order/1", { originalid: eventId }],
    ]);
  });

  it.each([
    ["another specversion", { ...cloudEvent, specversion: "0.3" }, "#/specversion"],
    ["no subject", { ...cloudEvent, subject: undefined }, "#/subject"],
    ["a subject without an entity", { ...cloudEvent, subject: "order" }, "#/subject"],
    ["data that is no JSON", { ...cloudEvent, datacontenttype: "text/xml" }, "#/datacontenttype"],
    ["binary data", { ...cloudEvent, data_base64: "AA==" }, "#/data_base64"],
    ["no data", { ...cloudEvent, data: undefined }, "#/data"],
    ["an attribute in capitals", { ...cloudEvent, partitionKey: "p" }, "#/partitionKey"],
    ["an attribute that is an object", { ...cloudEvent, nested: {} }, "#/nested"],
    ["a reference without a kind", { ...cloudEvent, contextrefs: "doc" }, "#/contextrefs/0/kind"],
  ])("is refused with %s", async (_what, payload, pointer) => {
    const { store, answer } = send(payload);
    const problem = expectProblem(await answer, 400, "REQUEST_INVALID");
    expect((problem.errors as { pointer: string }[]).map((place) => place.pointer)).toContain(pointer);
    expect(store.calls).toEqual([]);
  });
});
