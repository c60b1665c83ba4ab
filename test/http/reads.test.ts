import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { RepriseError } from "../../src/errors.ts";
import { deadLetterDetailReply, deadLetterStatsReply, deadLettersReply } from "../../src/http/wire/dead-letters-replies.ts";
import { entitiesReply, entityEventsReply, entityReply } from "../../src/http/wire/entities.ts";
import { errorGroupDetailReply } from "../../src/http/wire/error-groups.ts";
import { eventReply, eventsReply } from "../../src/http/wire/events.ts";
import { replayReply } from "../../src/http/wire/replays-replies.ts";
import { handlersReply, healthReply, readyReply, schemasReply } from "../../src/http/wire/service.ts";
import { deadLetter, deliveryId, errorGroup, eventId, makeFakeStore, replayId } from "../support/fake-store.ts";
import { expectProblem, serverOver } from "../support/http.ts";

const get = (url: string, store = makeFakeStore()) => serverOver(store).inject({ method: "GET", url });

async function read<S extends z.ZodType>(schema: S, url: string, store = makeFakeStore()): Promise<z.output<S>> {
  const answer = await get(url, store);
  expect(answer.statusCode).toBe(200);
  expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
  return schema.parse(answer.json());
}

const gets = [
  "/events",
  `/events/${eventId}`,
  "/entities",
  "/entities/order/o-1",
  "/entities/order/o-1/events",
  "/admin/dlq",
  "/admin/dlq/stats",
  `/admin/dlq/${eventId}`,
  `/replays/${replayId}`,
  "/handlers",
  "/schemas",
  "/schemas/order.placed/1",
  "/healthz",
  "/readyz",
];

describe("every GET", () => {
  it.each(gets)("%s answers, and HEAD too", async (url) => {
    expect((await get(url)).statusCode).toBe(200);
    expect((await serverOver(makeFakeStore()).inject({ method: "HEAD", url })).statusCode).toBe(200);
  });

  it.each(gets)("%s waits for a position, and says so when the views do not come", async (url) => {
    const store = makeFakeStore();
    expect((await get(`${url}?after=9`, store)).statusCode).toBe(200);
    expect(store.last("views.waitFor")).toEqual([9n]);
    const answer = await get(`${url}?after=10`, store);
    expectProblem(answer, 503, "VIEW_BEHIND");
    expect(answer.headers["retry-after"]).toBe("2");
  });

  it.each(gets)("%s refuses members that it does not know, and positions that are none", async (url) => {
    expect(expectProblem(await get(`${url}?nope=1`), 400, "REQUEST_INVALID").errors).toMatchObject([{ pointer: "?nope" }]);
    for (const after of ["x", "-1", "9223372036854775808", ""])
      expect(expectProblem(await get(`${url}?after=${after}`), 400, "REQUEST_INVALID").errors).toMatchObject([{ pointer: "?after" }]);
  });
});

describe("events", () => {
  it("GET /events/{id} shows data as it is today beside what is stored, with deliveries and their history", async () => {
    const event = await read(eventReply, `/events/${eventId}`);
    expect(event).toMatchObject({
      position: "7",
      schema_version: 2,
      data: { totalCents: 995 },
      stored: { type: "order.placed", schema_version: 1, data: { total: 9.95 } },
      call_chain: ["web", "intake"],
      extensions: { camelCase: "kept" },
      deliveries: [{ delivery_id: deliveryId, retry_count: 3, history: [{ duration_ms: 12, http_status: 500, replay_id: null, actor: null, log: [] }] }],
    });
  });

  it("GET /events passes its filters on", async () => {
    const store = makeFakeStore();
    const page = await read(
      eventsReply,
      "/events?status=held&handler=mail&event_type=order.placed&source=a&entity_type=order&entity_id=o-1&correlation_id=c&since=2026-01-31T12:00:00Z&until=2026-01-31T13:00:00%2B01:00&limit=7&cursor=abc",
      store,
    );
    expect(page).toMatchObject({ events: [{ id: eventId }], next_cursor: "next" });
    const noon = Date.parse("2026-01-31T12:00:00Z");
    expect(store.last("views.events")).toEqual([
      {
        tenant: "default",
        status: "held",
        handler: "mail",
        eventType: "order.placed",
        source: "a",
        entityType: "order",
        entityId: "o-1",
        correlationId: "c",
        sinceMs: noon,
        untilMs: noon,
      },
      { limit: 7, cursor: "abc" },
      expect.any(Function),
    ]);
  });

  it("an unknown id is 404, and a cursor that the views refuse 400", async () => {
    expectProblem(await get("/events/nope"), 404, "NOT_FOUND");
    const store = makeFakeStore({ views: { events: () => Promise.reject(new RepriseError("REQUEST_INVALID", "The cursor is malformed.")) } });
    expectProblem(await get("/events?cursor=x", store), 400, "REQUEST_INVALID");
  });
});

describe("entities", () => {
  it("GET /entities and /entities/{type}/{id} show lanes", async () => {
    const store = makeFakeStore();
    const page = await read(entitiesReply, "/entities?lane_state=blocked&handler=mail&entity_type=order", store);
    expect(store.last("views.entities")).toEqual([
      { tenant: "default", laneState: "blocked", handler: "mail", entityType: "order" },
      { limit: 100 },
      expect.any(Function),
    ]);
    expect(await read(entityReply, "/entities/order/o-1")).toEqual(page.entities[0]);
  });

  it("ids are percent-decoded, up to their full length", async () => {
    const store = makeFakeStore();
    await get("/entities/file/a%2Fb%23c", store);
    expect(store.last("views.entity")).toEqual(["default", { type: "file", id: "a/b#c" }]);
    const long = "a" + "/".repeat(255);
    await get(`/entities/file/${encodeURIComponent(long)}`, store);
    expect(store.last("views.entity")).toEqual(["default", { type: "file", id: long }]);
    expectProblem(await get("/entities/file/%zz", store), 400, "REQUEST_INVALID");
    expectProblem(await get(`/entities/file/${"a".repeat(5000)}`, store), 404, "NOT_FOUND");
    expectProblem(await get("/entities/file/a..b", store), 404, "NOT_FOUND");
  });

  it("GET /entities/{type}/{id}/events reads by revision, lifted or as stored", async () => {
    const store = makeFakeStore();
    const page = await read(entityEventsReply, "/entities/order/o-1/events?from=3&limit=5&direction=backward", store);
    expect(store.last("readEntity")).toEqual([
      { type: "order", id: "o-1" },
      { tenant: "default", from: 3, limit: 5, direction: "backward" },
    ]);
    expect(page).toMatchObject({ next_from: 1, events: [{ schema_version: 2, data: { totalCents: 995 } }] });
    const stored = await read(entityEventsReply, "/entities/order/o-1/events?as=stored");
    expect(stored.events[0]).toMatchObject({ schema_version: 1, data: { total: 9.95 }, data_error: null, stored: { schema_version: 1 } });
    expectProblem(await get("/entities/order/o-2"), 404, "NOT_FOUND");
    expectProblem(await get("/entities/order/o-2/events"), 404, "NOT_FOUND");
  });
});

describe("dead letters", () => {
  it("GET /admin/dlq lists entries with total, limit and offset", async () => {
    const store = makeFakeStore();
    const page = await read(
      deadLettersReply,
      "/admin/dlq?event_type=a&source=b&handler=c&entity_type=d&entity_id=e&error=Error:%20down&error_like=%25o&error_group=v1:0&cause=schema&replay_id=r&since=2026-01-31T12:00:00Z&until=2026-01-31T12:00:00Z&offset=10&data=false",
      store,
    );
    expect(page).toMatchObject({ total: 1, limit: 50, offset: 10, next_cursor: null, events: [{ id: eventId, delivery_id: deliveryId, waiting: 2 }] });
    expect(Object.keys(page.events[0]!)).not.toContain("stream");
    const noon = Date.parse("2026-01-31T12:00:00Z");
    expect(store.last("views.deadLetters")).toEqual([
      {
        tenant: "default",
        eventType: "a",
        source: "b",
        handler: "c",
        entityType: "d",
        entityId: "e",
        error: "Error: down",
        errorLike: "%o",
        errorGroup: "v1:0",
        cause: "schema",
        replayId: "r",
        sinceMs: noon,
        untilMs: noon,
      },
      { limit: 50, offset: 10, data: false },
    ]);
    expectProblem(await get("/admin/dlq?cursor=x&offset=1"), 400, "REQUEST_INVALID");
  });

  it("GET /admin/dlq/stats counts what the filter matches", async () => {
    const store = makeFakeStore();
    const stats = await read(deadLetterStatsReply, "/admin/dlq/stats?handler=mail", store);
    expect(store.last("views.deadLetterStats")).toEqual([{ tenant: "default", handler: "mail" }]);
    expect(stats).toMatchObject({ total: 1, by_source: [{ source: null, count: 1 }], top_errors: [{ error: "Error: mail server down", count: 1 }] });
  });

  it("GET /admin/dlq/{id} shows steps, followers and history; by event id only when it is one handler's", async () => {
    const entry = await read(deadLetterDetailReply, `/admin/dlq/${deliveryId}`);
    expect(entry).toMatchObject({ steps: [{ from: 1, to: 2 }], waiting_events: [{ revision: 1 }], history: [{ attempt: 3 }] });
    const store = makeFakeStore({ views: { findDeadLetters: async () => [deadLetter, { ...deadLetter, handler: "audit" }] } });
    expect(expectProblem(await get(`/admin/dlq/${eventId}`, store), 409, "HANDLER_AMBIGUOUS").handlers).toEqual(["mail", "audit"]);
    expect((await read(deadLetterDetailReply, `/admin/dlq/${eventId}?handler=audit`, store)).handler).toBe("audit");
    expectProblem(await get(`/admin/dlq/${eventId}?handler=other`, store), 404, "NOT_FOUND");
    expectProblem(await get("/admin/dlq/nope"), 404, "NOT_FOUND");
  });

  it("GET /admin/errors/{fingerprint} takes any fingerprint that a handler may make", async () => {
    for (const fingerprint of ["€/".repeat(64), "%", "a b?c#d", "v1:0123456789abcdef"]) {
      const store = makeFakeStore({ views: { findErrorGroups: async (_tenant, asked) => (asked === fingerprint ? [{ ...errorGroup, fingerprint }] : []) } });
      const shown = await read(errorGroupDetailReply, `/admin/errors/${encodeURIComponent(fingerprint)}`, store);
      expect(store.last("views.errorGroup")).toEqual([{ tenant: "default", handler: "mail", fingerprint }]);
      expect([shown.letters.length, shown.before]).toEqual([1, 1]);
    }
    const two = makeFakeStore({ views: { findErrorGroups: async () => [errorGroup, { ...errorGroup, handler: "audit" }] } });
    expect(expectProblem(await get(`/admin/errors/${errorGroup.fingerprint}`, two), 409, "HANDLER_AMBIGUOUS").handlers).toEqual(["mail", "audit"]);
    expectProblem(await get("/admin/errors/v1:nope"), 404, "NOT_FOUND");
    expectProblem(await get("/admin/errors?state=gone"), 400, "REQUEST_INVALID");
  });

  it("GET /replays/{id} reports", async () => {
    expect(await read(replayReply, `/replays/${replayId}`)).toMatchObject({ replay_id: replayId, status: "completed", remaining: 0 });
    expectProblem(await get("/replays/nope"), 404, "NOT_FOUND");
  });
});

describe("limits of lists", () => {
  it.each([
    ["/events", 1000],
    ["/entities", 1000],
    ["/entities/order/o-1/events", 1000],
    ["/admin/dlq", 200],
  ])("%s takes 1 to %i", async (url, max) => {
    for (const limit of [1, max]) expect((await get(`${url}?limit=${limit}`)).statusCode).toBe(200);
    for (const limit of ["0", max + 1, "-1", "1.5", "ten", "", "1e2", "%201"])
      expect(expectProblem(await get(`${url}?limit=${limit}`), 400, "REQUEST_INVALID").errors).toMatchObject([{ pointer: "?limit" }]);
    expectProblem(await get(`${url}?limit=1&limit=2`), 400, "REQUEST_INVALID");
  });

  it.each([
    "/events?status=lost",
    "/events?since=yesterday",
    "/entities?lane_state=hung",
    "/admin/dlq?cause=bad",
    "/admin/dlq?offset=10001",
    "/admin/dlq?data=no",
  ])("%s is refused", async (url) => {
    expectProblem(await get(url), 400, "REQUEST_INVALID");
  });
});

describe("the rest", () => {
  it("GET /handlers", async () => {
    expect((await read(handlersReply, "/handlers")).handlers[0]).toMatchObject({ name: "mail", by_status: { held: 2 }, lanes: { blocked: 1 } });
  });

  it("GET /schemas and one of them, also under a former name", async () => {
    expect((await read(schemasReply, "/schemas")).schemas).toEqual([
      { type: "order.placed", versions: [1, 2], current: 2, formerly: ["order.created"], stored: [] },
    ]);
    expect((await get("/schemas/order.placed/2")).json()).toMatchObject({ $schema: "https://json-schema.org/draft/2020-12/schema" });
    expect((await get("/schemas/order.created/2")).statusCode).toBe(200);
    for (const url of ["/schemas/order.placed/3", "/schemas/order.placed/x", "/schemas/nope/1"]) expectProblem(await get(url), 404, "NOT_FOUND");
  });

  it("GET /readyz says what it waits for", async () => {
    expect(await read(readyReply, "/readyz")).toEqual({ status: "ready", waits_for: null, warnings: [] });
    const answer = await get("/readyz", makeFakeStore({ store: { notReady: () => "the log", warnings: () => ["The clock is behind."] } }));
    expect(answer.statusCode).toBe(503);
    expect(answer.headers["retry-after"]).toBe("1");
    expect(readyReply.parse(answer.json())).toEqual({ status: "not_ready", waits_for: "the log", warnings: ["The clock is behind."] });
    expect(await read(healthReply, "/healthz")).toEqual({ status: "ok" });
  });
});
