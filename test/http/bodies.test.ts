import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { maxJsonDepth } from "../../src/event/json-data.ts";
import { maxBodyBytes } from "../../src/http/body.ts";

import { makeFakeStore } from "../support/fake-store.ts";
import { expectProblem, serverOver } from "../support/http.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { logHead, startStore } from "../support/test-store.ts";

const head = '{"type":"order.placed","entity":{"type":"order","id":"o-1"},"data":';
const withData = (data: string) => `${head}${data}}`;

async function post(payload: string | Buffer | undefined, headers: Record<string, string> = { "content-type": "application/json" }, url = "/events") {
  const store = makeFakeStore();
  const answer = await serverOver(store).inject({ method: "POST", url, headers, ...(payload === undefined ? {} : { payload }) });
  return { store, answer };
}

describe("request bodies", () => {
  it.each([
    ["cut off", withData('{"a":').slice(0, -1)],
    ["empty", ""],
    ["two documents", withData("1") + withData("1")],
    ["NaN", withData("NaN")],
    ["bad UTF-8", Buffer.concat([Buffer.from(head + '"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')])],
    ["an encoded surrogate", Buffer.concat([Buffer.from(head + '"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')])],
  ])("that are %s are JSON_MALFORMED", async (_what, payload) => {
    const { store, answer } = await post(payload);
    expectProblem(answer, 400, "JSON_MALFORMED");
    expect(store.calls).toEqual([]);
  });

  it("that are missing are JSON_MALFORMED", async () => {
    expectProblem((await post(undefined, {})).answer, 400, "JSON_MALFORMED");
  });

  it.each([
    ['{"a":9007199254740993}', ["#/data/a"]],
    ['{"a":[1,-9007199254740992]}', ["#/data/a/1"]],
    ['{"a~b/c":12345678901234567890.0}', ["#/data/a~0b~1c"]],
    ["1e400", ["#/data"]],
    ['[1e309, 2, {"b":-1E+999}]', ["#/data/0", "#/data/2/b"]],
    ["[100000000000000000000000, 1e300]", ["#/data/0", "#/data/1"]],
    ['{"a":90071992547409.999,"b":1e-400}', ["#/data/a", "#/data/b"]],
  ])("with the number in %s are NUMBER_UNSAFE", async (data, pointers) => {
    const { store, answer } = await post(withData(data));
    const problem = expectProblem(answer, 422, "NUMBER_UNSAFE");
    expect((problem.errors as { pointer: string }[]).map(({ pointer }) => pointer)).toEqual(pointers);
    expect(store.calls).toEqual([]);
  });

  it.each(["9007199254740991", "-9007199254740991", '"9007199254740993"', "0.12345678901234568", "1.5e15", "1e-7", '{"a":" 12345678901234567890"}'])(
    "with %s are stored",
    async (data) => {
      const { store, answer } = await post(withData(data));
      expect(answer.statusCode).toBe(201);
      expect((store.last("append")[0] as { data: unknown }).data).toEqual(JSON.parse(data));
    },
  );

  it.each([
    [withData('{"amount":100,"amount":1}'), "#/data/amount"],
    [withData('{"amount":100,"\\u0061mount":1}'), "#/data/amount"],
    [`{"type":"order.cancelled",${withData("1").slice(1)}`, "#/type"],
    [`{"events":[${withData("1")}],"events":[]}`, "#/events"],
  ])("with a member that comes twice are MEMBER_REPEATED: %s", async (payload, pointer) => {
    for (const type of ["application/json", "application/cloudevents+json"]) {
      const { store, answer } = await post(payload, { "content-type": type });
      expect(expectProblem(answer, 400, "MEMBER_REPEATED").errors).toMatchObject([{ pointer }]);
      expect(store.calls).toEqual([]);
    }
    expectProblem((await post(payload, undefined, "/admin/dlq/x/amend")).answer, 400, "MEMBER_REPEATED");
  });

  it.each([
    ["2026-07-01T12:00:00.123456789Z", "2026-07-01T12:00:00.123456789Z"],
    ["2026-07-01T00:30:00.000000001+02:00", "2026-06-30T22:30:00.000000001Z"],
    ["2026-07-01T12:00:00.1-05:30", "2026-07-01T17:30:00.1Z"],
    ["2026-07-01T12:00:00+00:00", "2026-07-01T12:00:00Z"],
  ])("with the time %s keep its digits", async (sent, kept) => {
    const folder = temporaryFolder();
    const store = await startStore(defineConfig({ events: [defineEvent("order.placed", { 1: z.unknown() })], handlers: [] }), folder);
    const server = serverOver(store);
    const send = (type: string, body: object) =>
      server.inject({ method: "POST", url: "/events", headers: { "content-type": type }, payload: JSON.stringify(body) });
    const id = "01936d0e-8f6a-7c1b-9a57-6d1d3a0c7b42";
    const cloud = "01936d0e-8f6a-7c1b-9a57-6d1d3a0c7b43";
    await send("application/json", { id, ...JSON.parse(withData("1")), occurred_at: sent });
    await send("application/cloudevents+json", { specversion: "1.0", id: cloud, source: "s", type: "order.placed", subject: "order/o-1", data: 1, time: sent });
    await store.views.waitFor(logHead(folder));
    for (const each of [id, cloud]) expect((await server.inject({ method: "GET", url: `/events/${each}` })).json()).toMatchObject({ occurred_at: kept });
  });

  it.each([
    ["unknown members of an event", () => `{${Array.from({ length: 200_000 }, (_, index) => `"m${index}":1`).join()}}`],
    ["unknown members of an event's entity", () => `{"entity":{${Array.from({ length: 200_000 }, (_, index) => `"m${index}":1`).join()}}}`],
    ["events that are none", () => `{"events":[${"1,".repeat(2_000_000)}1]}`],
    [
      "events with a fault each, of unknown members",
      () =>
        `{"events":[${Array(1000)
          .fill(`{${Array.from({ length: 200 }, (_, index) => `"m${index}":1`).join()}}`)
          .join()}]}`,
    ],
    ["agents that are none", () => `{"call_chain":[${"1,".repeat(2_000_000)}1]}`],
    ["references that are none", () => `{"context_refs":[${"1,".repeat(2_000_000)}1]}`],
    ["attributes of a CloudEvent that cannot be kept", () => `{${Array.from({ length: 200_000 }, (_, index) => `"M${index}":1`).join()}}`],
    ["attributes of a CloudEvent that are objects", () => `{${Array.from({ length: 200_000 }, (_, index) => `"m${index}":{}`).join()}}`],
  ])("with hundreds of thousands of %s are REQUEST_INVALID, with the first hundred places", async (_what, body) => {
    for (const type of ["application/json", "application/cloudevents+json"]) {
      const { store, answer } = await post(body(), { "content-type": type });
      const { errors } = expectProblem(answer, 400, "REQUEST_INVALID");
      expect((errors as unknown[]).length).toBeLessThanOrEqual(100);
      expect(store.calls).toEqual([]);
    }
  });

  it.each(["/replays/plan", "/admin/dlq/x/replay", "/admin/dlq/x/amend", "/admin/dlq/replay-batch"])(
    "of POST %s with 200,000 unknown members, ids or types are REQUEST_INVALID",
    async (url) => {
      const many = Array.from({ length: 200_000 }, (_, index) => `"m${index}":1`).join();
      const bodies = [
        `{${many}}`,
        `{"selection":{${many}}}`,
        `{"selection":{"ids":[${"1,".repeat(200_000)}1]}}`,
        `{"selection":{"history":{"handler":"h","event_types":[${"1,".repeat(200_000)}1]}}}`,
      ];
      for (const body of bodies) {
        const { errors } = expectProblem((await post(body, undefined, url)).answer, 400, "REQUEST_INVALID");
        expect((errors as unknown[]).length).toBeLessThanOrEqual(100);
      }
    },
  );

  it.each([
    ["an event", (many: string) => `{${many}}`, "#"],
    ["an event's entity", (many: string) => `{"entity":{${many}}}`, "#/entity"],
    ["an event of many", (many: string) => `{"events":[${"1,".repeat(200)}{"entity":{${many}}}]}`, undefined],
    ["a reference", (many: string) => `{"context_refs":[{${many}}]}`, "#/context_refs/0"],
  ])("with two thousand members of %s are refused before they are named", async (_what, body, pointer) => {
    const many = Array.from({ length: 2000 }, (_, index) => `"m${index}":1`).join();
    const { errors } = expectProblem((await post(body(many))).answer, 400, "REQUEST_INVALID");
    if (pointer !== undefined) expect(errors).toEqual([{ pointer, detail: "has more than 1000 members" }]);
  });

  it("with more members in one object than an append has room for are refused, also in data", async () => {
    const { errors } = expectProblem(
      (await post(withData(`{${Array.from({ length: 100_001 }, (_, index) => `"m${index}":1`).join()}}`))).answer,
      400,
      "REQUEST_INVALID",
    );
    expect(errors).toEqual([{ pointer: "#/data", detail: "has more than 100000 members" }]);
  });

  it("whose data has a million faults for its schema are DATA_INVALID", async () => {
    const folder = temporaryFolder();
    const schema = z.object({ list: z.array(z.object({ of: z.array(z.string()) })) });
    const store = await startStore(defineConfig({ events: [defineEvent("order.placed", { 1: schema })], handlers: [] }), folder);
    for (const data of [`{"list":[{"of":[${"1,".repeat(300_000)}1]}]}`, `{"list":[${"1,".repeat(300_000)}1]}`]) {
      const answer = await serverOver(store).inject({
        method: "POST",
        url: "/events",
        headers: { "content-type": "application/json" },
        payload: withData(data),
      });
      const { errors } = expectProblem(answer, 422, "DATA_INVALID");
      expect((errors as unknown[]).length).toBeLessThanOrEqual(100);
    }
  });

  it("with names as long as the body get an answer that is short", async () => {
    const { answer } = await post(withData(`{"${"n".repeat(2_000_000)}":[${"1e400,".repeat(200)}1]}`));
    expect(expectProblem(answer, 422, "NUMBER_UNSAFE").errors).toHaveLength(100);
    expect(answer.rawPayload.length).toBeLessThan(200_000);
  });

  it.each([
    ["__proto__ in data", withData('{"__proto__":{"admin":true}}'), "#/data/__proto__"],
    ["an escaped __proto__", withData('{"a":[{"\\u005f_proto__":1}]}'), "#/data/a/0/__proto__"],
    ["constructor in data", withData('{"constructor":{"prototype":{}}}'), "#/data/constructor"],
    ["__proto__ beside data", head.replace('"type"', '"__proto__":{"x":1},"type"') + "1}", "#/__proto__"],
  ])("with the key %s are refused", async (_what, payload, pointer) => {
    const { store, answer } = await post(payload);
    expect(expectProblem(answer, 400, "REQUEST_INVALID").errors).toMatchObject([{ pointer }]);
    expect(store.calls).toEqual([]);
  });

  it("nested deeper than the limit are refused, also by the hundred thousand", async () => {
    for (const depth of [maxJsonDepth, 100_000, 2_000_000])
      expectProblem((await post(withData("[".repeat(depth) + "]".repeat(depth)))).answer, 400, "REQUEST_INVALID");
    expect((await post(withData("[".repeat(maxJsonDepth - 1) + "]".repeat(maxJsonDepth - 1)))).answer.statusCode).toBe(201);
  });

  it("of 4 MiB are read, of a byte more are BODY_TOO_LARGE", async () => {
    const padding = maxBodyBytes - withData('""').length;
    expect((await post(withData(`"${"x".repeat(padding)}"`))).answer.statusCode).toBe(201);
    const { store, answer } = await post(withData(`"${"x".repeat(padding + 1)}"`));
    expectProblem(answer, 413, "BODY_TOO_LARGE");
    expect(store.calls).toEqual([]);
  });

  it("shorter or longer than their content-length are refused", async () => {
    const body = withData("1");
    for (const length of [body.length + 10, body.length - 10]) {
      const { store, answer } = await post(body, { "content-type": "application/json", "content-length": String(length) });
      expectProblem(answer, 400, "JSON_MALFORMED");
      expect(store.calls).toEqual([]);
    }
    expectProblem((await post(body, { "content-type": "application/json", "content-length": "99999999999" })).answer, 413, "BODY_TOO_LARGE");
  });

  it.each([
    ["text/plain", {}],
    ["application/x-www-form-urlencoded", {}],
    ["application/cloudevents+avro", {}],
    ["application/cloudevents-batch+avro", { "ce-id": "1" }],
    ["application/vnd.shop+json", {}],
    ["text/plain", { "ce-id": "1" }],
    ["application/json; charset=latin1", {}],
    ["not a type", {}],
    ["application/json", { "content-encoding": "gzip" }],
    ["application/json; charset=latin1", { "ce-id": "1" }],
  ])("as %s %o are MEDIA_TYPE_UNSUPPORTED", async (type, headers) => {
    const { store, answer } = await post(withData("1"), { "content-type": type, ...headers });
    expectProblem(answer, 415, "MEDIA_TYPE_UNSUPPORTED");
    expect(store.calls).toEqual([]);
  });

  it("without a content-type are MEDIA_TYPE_UNSUPPORTED", async () => {
    const { answer } = await post(undefined, { "content-length": "5" });
    expectProblem(answer, 415, "MEDIA_TYPE_UNSUPPORTED");
  });

  it("of a GET are ignored", async () => {
    const answer = await serverOver(makeFakeStore()).inject({ method: "GET", url: "/handlers", headers: { "content-type": "text/plain" }, payload: "{" });
    expect(answer.statusCode).toBe(200);
  });

  it("with a byte order mark or charset=UTF-8 are read", async () => {
    const { answer } = await post(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(withData("1"))]), {
      "content-type": 'application/json; charset="UTF-8"',
    });
    expect(answer.statusCode).toBe(201);
  });
});
