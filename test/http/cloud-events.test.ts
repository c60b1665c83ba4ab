/**
 * CloudEvents in batches and in binary mode, in and out, with the examples of the specification (HTTP binding and JSON format 1.0.2). Theirs have no subject, which
 * Reprise asks for.
 */
import type { InjectOptions } from "fastify";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent, defineUpcasters, drop, split } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { idFromCloudEvent, newId, partId } from "../../src/event/ids.ts";
import type { Store } from "../../src/store/store.ts";
import { expectProblem, serverOver } from "../support/http.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";

const cut = defineEvent("order.cut", { 1: z.object({ into: z.int() }), 2: z.object({ piece: z.int() }) });
const config = defineConfig({
  events: [defineEvent("com.example.someevent", { 1: z.unknown() }), defineEvent("com.example.someotherevent", { 1: z.unknown() }), cut],
  upcasters: [
    defineUpcasters(
      cut,
      {
        1: ({ into }) => {
          if (into === 0) return drop("was a test");
          if (into < 0) throw new Error("cannot be cut");
          return split(...Array.from({ length: into }, (_, piece) => ({ type: "order.cut" as const, schemaVersion: 2, data: { piece } })));
        },
      },
      { into: [cut] },
    ),
  ],
  handlers: [],
});
const batchType = "application/cloudevents-batch+json";

let store: Store;
let server: ReturnType<typeof serverOver>;
beforeEach(async () => {
  store = await startStore(config, temporaryFolder());
  server = serverOver(store);
});

const post = (contentType: string | undefined, payload: unknown, headers: InjectOptions["headers"] = {}, query = "") =>
  server.inject({
    method: "POST",
    url: `/events${query}`,
    headers: { ...(contentType === undefined ? {} : { "content-type": contentType }), ...headers },
    payload: typeof payload === "string" ? payload : JSON.stringify(payload),
  });

const appended = (answer: { json(): unknown }) => (answer.json() as { events: readonly { id: string; duplicate: boolean; position: string }[] }).events;

async function last(type: string, id: string) {
  const { events } = await store.readEntity({ type, id });
  return events.at(-1)!;
}

/** The format's example with JSON data. */
const stated = {
  ...{ specversion: "1.0", type: "com.example.someevent", source: "/mycontext", id: "C234-1234-1234", time: "2018-04-05T17:31:00Z" },
  ...{ comexampleextension1: "value", subject: "order/1" },
};
const inHeaders = (attributes: object) => Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, String(value)]));

describe("a CloudEvent in binary mode", () => {
  it.each<[string, string, unknown]>([
    ["a JSON object", '{ "appinfoA" : "abc", "appinfoB" : 123, "appinfoC" : true }', { appinfoA: "abc", appinfoB: 123, appinfoC: true }],
    ["a JSON number", "1.5", 1.5],
    ["a JSON string", '"I\'m just a string"', "I'm just a string"],
    ["null", "null", null],
    ["a list with the name of a batch's member", '{"events":[]}', { events: [] }],
  ])("has %s as its data, and is the event that the structured one is", async (_, body, data) => {
    const answer = await post("application/json", body, inHeaders({ ...stated, comexampleothervalue: 5 }));
    expect(answer.statusCode).toBe(201);
    expect(await last("order", "1")).toMatchObject({
      id: idFromCloudEvent("/mycontext", "C234-1234-1234"),
      type: "com.example.someevent",
      source: "/mycontext",
      occurredAt: "2018-04-05T17:31:00Z",
      data,
      extensions: { comexampleextension1: "value", comexampleothervalue: "5", originalid: "C234-1234-1234" },
    });
    const again = await post("application/cloudevents+json; charset=utf-8", { ...stated, comexampleothervalue: 5, data });
    expect(appended(again)).toMatchObject([{ duplicate: true, id: appended(answer)[0]!.id }]);
  });

  it("has the content-type as its datacontenttype: the binding's example", async () => {
    const attributes = {
      specversion: "1.0",
      type: "com.example.someevent",
      time: "2018-04-05T03:56:24Z",
      id: "1234-1234-1234",
      source: "/mycontext/subcontext",
    };
    const answer = await post("application/json; charset=utf-8", "{}", inHeaders({ ...attributes, subject: "order/1" }));
    expect(answer.statusCode).toBe(201);
    expect(await last("order", "1")).toMatchObject({ extensions: { datacontenttype: "application/json; charset=utf-8" } });
    for (const type of ["application/vnd.example.some+json", "text/json"]) {
      expect((await post(type, "{}", inHeaders({ ...stated, id: type, subject: "order/1" }))).statusCode).toBe(201);
      expect(await last("order", "1")).toMatchObject({ extensions: { datacontenttype: type } });
    }
  });

  it.each([
    ["Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"],
    ["euro%20%e2%82%ac", "euro €"],
    ["%41%62c", "Abc"],
    ["100%25", "100%"],
    ["%2541", "%41"],
    ['"two words"', "two words"],
    ['"a \\"b\\" \\\\ c"', 'a "b" \\ c'],
    ['"%20"', " "],
    ["%22", '"'],
  ])("reads the header value %s as %s", async (value, text) => {
    expect((await post("application/json", "1", { ...inHeaders(stated), "ce-dataref": value })).statusCode).toBe(201);
    expect(await last("order", "1")).toMatchObject({ extensions: { dataref: text } });
  });

  it.each([["%C0%A0"], ["%"], ["%4"], ["%zz"], ["%ED%A0%80"], ["100%"], ['"open'], ['"open\\"'], ["caf\u00e9"], ["a\tb"]])(
    "refuses the header value %s, which is not well encoded",
    async (value) => {
      const problem = expectProblem(await post("application/json", "1", { ...inHeaders(stated), "ce-dataref": value }), 400, "REQUEST_INVALID");
      expect(problem.errors).toEqual([{ pointer: "ce-dataref", detail: expect.stringContaining("percent-encoded") }]);
    },
  );

  it("names in its refusals the headers, and places in the body", async () => {
    const pointers = async (headers: object, body = "1") => {
      const problem = expectProblem(await post("application/json", body, { ...inHeaders(stated), ...headers }), 400, "REQUEST_INVALID");
      return (problem.errors as readonly { pointer: string }[]).map(({ pointer }) => pointer);
    };
    expect(await pointers({ "ce-specversion": "0.3" })).toEqual(["ce-specversion"]);
    expect(await pointers({ "ce-source": "two%0Alines", "ce-subject": "order" })).toEqual(["ce-source", "ce-subject"]);
    expect(await pointers({ "ce-id": ["1", "2"] })).toEqual(["ce-id"]);
    expect(await pointers({ "ce-data": "1", "ce-datacontenttype": "application/json" })).toEqual(["ce-data", "ce-datacontenttype"]);
    expect(await pointers({ "ce-data_base64": "eyAieHl6IjogMTIzIH0=", "ce-": "x", "ce-__proto__": "x" })).toEqual(["ce-data_base64", "ce-", "ce-__proto__"]);
    const broken = await post("application/json", "1", { ...inHeaders(stated), "ce-callchain": "web,desk" });
    expect(expectProblem(broken, 422, "CALL_CHAIN_BROKEN").errors).toMatchObject([{ pointer: "ce-callchain" }]);
    expect(await pointers({}, '{"a":{"__proto__":1}}')).toEqual(["#/a/__proto__"]);
    const unsafe = expectProblem(await post("application/json", "9007199254740993", inHeaders(stated)), 422, "NUMBER_UNSAFE");
    expect(unsafe.errors).toMatchObject([{ pointer: "#" }]);
    const invalid = await post("application/json", '{"into":"two"}', inHeaders({ ...stated, type: "order.cut", schemaversion: "1" }));
    expect(expectProblem(invalid, 422, "DATA_INVALID").errors).toMatchObject([{ pointer: "#/into" }]);
  });

  it("is refused where its data is not JSON, or is not there", async () => {
    expectProblem(await post("application/vnd.apache.thrift.binary", "raw bytes", inHeaders(stated)), 415, "MEDIA_TYPE_UNSUPPORTED");
    expectProblem(await post("application/xml", '<much wow="xml"/>', inHeaders(stated)), 415, "MEDIA_TYPE_UNSUPPORTED");
    expectProblem(await post(undefined, '{ "xyz": 123 }', inHeaders(stated)), 415, "MEDIA_TYPE_UNSUPPORTED");
    expectProblem(await post("application/json", "I'm just a string", inHeaders(stated)), 400, "JSON_MALFORMED");
    expectProblem(await server.inject({ method: "POST", url: "/events", headers: inHeaders(stated) }), 400, "JSON_MALFORMED");
  });

  it("is not one when its content-type is that of a CloudEvent: the attributes are in the body", async () => {
    expect((await post("Application/CloudEvents+JSON", { ...stated, data: 1 }, { "ce-id": "other", "ce-source": "%zz" })).statusCode).toBe(201);
    expect((await last("order", "1")).source).toBe("/mycontext");
  });

  it("takes an expected revision, and the id of another source's event as one of its own", async () => {
    const id = newId();
    const send = (source: string, query = "") => post("application/json", "1", inHeaders({ ...stated, id, source }), query);
    expect((await send("/a", "?expected_revision=none")).statusCode).toBe(201);
    expectProblem(await post("application/json", "1", inHeaders(stated), "?expected_revision=none"), 409, "REVISION_CONFLICT");
    expect(appended(await send("/b"))).toMatchObject([{ id: idFromCloudEvent("/b", id), duplicate: false }]);
  });
});

describe("a batch of CloudEvents", () => {
  const second = {
    ...{ specversion: "1.0", type: "com.example.someotherevent", source: "/mycontext/9", id: "C234-1234-1234", time: "2018-04-05T17:31:05Z" },
    ...{ comexampleextension1: "value", comexampleothervalue: 5, datacontenttype: "application/json" },
    data: { appinfoA: "abc", appinfoB: 123, appinfoC: true },
  };

  it("is appended in its order, whatever entities it is about", async () => {
    const batch = [
      { ...second, subject: "order/1" },
      { ...second, id: "2", subject: "order/2", data: null },
      { ...second, id: "3", subject: "order/1" },
    ];
    const answer = await post(`${batchType}; charset=UTF-8`, batch);
    expect([answer.statusCode, answer.json()]).toMatchObject([
      201,
      {
        events: [
          { entity: { id: "1" }, revision: 0 },
          { entity: { id: "2" }, revision: 0 },
          { entity: { id: "1" }, revision: 1 },
        ],
      },
    ]);
    expect(appended(await post(batchType, batch)).map(({ duplicate }) => duplicate)).toEqual([true, true, true]);
  });

  it("may be empty", async () => {
    const answer = await post(batchType, []);
    expect([answer.statusCode, answer.json()]).toEqual([201, { events: [] }]);
    expectProblem(await post(batchType, [], {}, "?expected_revision=3"), 400, "REQUEST_INVALID");
    expectProblem(await post(batchType, ""), 400, "JSON_MALFORMED");
  });

  it("is refused whole, with each fault's place: the format's example has data that is not JSON", async () => {
    const first = { ...stated, subject: "order/1", datacontenttype: "application/vnd.apache.thrift.binary", data_base64: "... base64 encoded string ..." };
    const problem = expectProblem(await post(batchType, [first, second, null, { ...second, subject: "order/1", time: "noon" }]), 400, "REQUEST_INVALID");
    expect(problem.errors).toEqual([
      { pointer: "#/0/data_base64", detail: "is for what is not JSON: send JSON, as `data`" },
      { pointer: "#/1/subject", detail: expect.stringContaining("must be <entity type>/<entity id>") },
      { pointer: "#/2", detail: "must be an object" },
      { pointer: "#/3/time", detail: expect.stringContaining("RFC 3339") },
    ]);
    expectProblem(await server.inject("/entities/order/1"), 404, "NOT_FOUND");
    expectProblem(
      await post(batchType, [{ ...second, subject: "order/1", datacontenttype: "application/xml", data: '<much wow="xml"/>' }]),
      400,
      "REQUEST_INVALID",
    );
    for (const body of [{ ...second, subject: "order/1" }, { events: [] }, null, 1, "[]"].map((each) => JSON.stringify(each)))
      expectProblem(await post(batchType, body), 400, "REQUEST_INVALID");
    const many = expectProblem(await post(batchType, Array(1001).fill({})), 400, "REQUEST_INVALID");
    expect(many.errors).toMatchObject([{ pointer: "#" }]);
    expect(expectProblem(await post(batchType, Array(1000).fill({})), 400, "REQUEST_INVALID").errors).toHaveLength(100);
    const later = await post(batchType, [
      { ...second, subject: "order/1" },
      { ...second, id: "2", subject: "order/1", type: "order.cut", schemaversion: 7 },
    ]);
    expect(expectProblem(later, 422, "SCHEMA_VERSION_UNKNOWN").errors).toMatchObject([{ pointer: "#/1/schemaversion" }]);
  });

  it("keeps ids apart by source: within the request, and against what is stored", async () => {
    const [id, other, free] = [newId(), newId(), newId()];
    const event = (source: string, of: string, subject = "order/1") => ({ ...second, source, id: of, subject });
    expect((await post(batchType, [event("/a", id), event("/a", other)])).statusCode).toBe(201);
    const batch = [event("/b", free), event("/b", id), event("/c", free), event("/c", other, "order/2"), event("/d", "no uuid")];
    const ids = [free, idFromCloudEvent("/b", id), idFromCloudEvent("/c", free), idFromCloudEvent("/c", other), idFromCloudEvent("/d", "no uuid")];
    expect(appended(await post(batchType, batch))).toMatchObject(ids.map((each) => ({ id: each, duplicate: false })));
    expect(appended(await post(batchType, batch))).toMatchObject(ids.map((each) => ({ id: each, duplicate: true })));
    expectProblem(await post(batchType, [event("/b", free, "order/3")]), 409, "EVENT_ID_REUSED");
  });
});

describe("reading with Accept: application/cloudevents-batch+json", () => {
  const ask = async (url: string, accept: string = batchType) => {
    const answer = await server.inject({ url, headers: { accept } });
    return { type: String(answer.headers["content-type"]), vary: answer.headers.vary, link: answer.headers.link, body: answer.json() as unknown, answer };
  };
  const append = async (count: number): Promise<string> => {
    const events = Array.from({ length: count }, (_, index) => ({ ...stated, id: `${index}`, sampled: index === 0, data: { index } }));
    return appended(await post(batchType, events)).at(-1)!.position;
  };

  it("gives what a webhook gets, and JSON to everybody else", async () => {
    const after = await append(1);
    const id = idFromCloudEvent("/mycontext", "0");
    const event = {
      ...{ specversion: "1.0", id, type: "com.example.someevent", source: "/mycontext", subject: "order/1", time: "2018-04-05T17:31:00Z" },
      ...{ datacontenttype: "application/json", schemaversion: 1, revision: 0, recordedtime: expect.any(String), tenant: "default", priority: "normal" },
      ...{ comexampleextension1: "value", sampled: true, originalid: "0", data: { index: 0 } },
    };
    for (const url of [`/events?after=${after}`, `/events/${id}`, "/entities/order/1/events"]) {
      expect(await ask(url)).toMatchObject({ type: expect.stringMatching(/^application\/cloudevents-batch\+json(;|$)/), vary: "Accept", body: [event] });
      for (const accept of ["*/*", "application/json", "text/html", `${batchType};q=0.1, application/json`])
        expect(await ask(url, accept)).toMatchObject({
          type: "application/json; charset=utf-8",
          vary: "Accept",
          body: { [url.startsWith("/events/") ? "id" : "events"]: expect.anything() },
        });
    }
    expect((await ask("/events?event_type=com.example.someotherevent")).body).toEqual([]);
    const unknown = await server.inject({ url: `/events/${newId()}`, headers: { accept: batchType } });
    expectProblem(unknown, 404, "NOT_FOUND");
    expect(unknown.headers.vary).toBe("Accept");
  });

  it("can be sent back, and is the same event", async () => {
    await append(2);
    const { body } = await ask("/entities/order/1/events");
    const own = /^(?:revision|recordedtime|tenant|originalid)$/;
    const sent = (body as readonly object[]).map((event) => Object.fromEntries(Object.entries(event).filter(([name]) => !own.test(name))));
    expect(appended(await post(batchType, sent)).map(({ duplicate }) => duplicate)).toEqual([true, true]);
  });

  it("links to the next page, with all else of the query", async () => {
    const after = await append(5);
    for (const first of [
      `/events?after=${after}&limit=2&source=%2Fmycontext&tenant=default`.replace("&tenant=default", ""),
      "/entities/order/1/events?limit=2",
    ]) {
      const seen: unknown[] = [];
      let pages = 0;
      for (let url: string | undefined = first; url !== undefined; pages++) {
        const { body, link } = await ask(url);
        for (const event of body as readonly { data: { index: number } }[]) seen.push(event.data.index);
        url = /^<([^>]+)>; rel="next"$/.exec(String(link ?? ""))?.[1];
        if (url !== undefined) expect(url).toContain("limit=2");
      }
      expect([pages, seen.length, new Set(seen).size]).toEqual([3, 5, 5]);
    }
    expect((await ask("/entities/order/1/events?limit=2&direction=backward")).link).toBe(
      '</entities/order/1/events?limit=2&direction=backward&from=2>; rel="next"',
    );
  });

  it("gives a split event as its parts, and says why data is not there; as=stored gives what the log holds", async () => {
    const events = [2, 0, -1].map((into, index) => ({ ...stated, type: "order.cut", schemaversion: 1, id: `${index}`, data: { into } }));
    const after = appended(await post(batchType, events)).at(-1)!.position;
    const origin = idFromCloudEvent("/mycontext", "0");
    expect((await ask(`/entities/order/1/events?after=${after}`)).body).toMatchObject([
      { id: partId(origin, 0), originid: origin, partindex: 0, partcount: 2, schemaversion: 2, data: { piece: 0 } },
      { id: partId(origin, 1), originid: origin, partindex: 1, partcount: 2, data: { piece: 1 } },
      { data: null, dropped: "was a test" },
      { data: null, dataerror: expect.stringContaining("cannot be cut") },
    ]);
    expect((await ask("/entities/order/1/events?as=stored")).body).toMatchObject([2, 0, -1].map((into) => ({ schemaversion: 1, data: { into } })));
  });
});
