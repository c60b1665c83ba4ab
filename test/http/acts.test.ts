import { describe, expect, it } from "vitest";
import { RepriseError } from "../../src/errors.ts";
import { letterActReply, replayBatchReply, replayedReply } from "../../src/http/wire/dead-letters-replies.ts";
import { escalationActReply, escalationsReply } from "../../src/http/wire/escalations.ts";
import { rebuildReply } from "../../src/http/wire/service.ts";
import type { Store } from "../../src/store/store.ts";
import { deliveryId, eventId, makeFakeStore, replayId } from "../support/fake-store.ts";
import { expectProblem, serverOver } from "../support/http.ts";

const post = (url: string, payload?: object, store = makeFakeStore()) =>
  serverOver(store).inject({ method: "POST", url, ...(payload === undefined ? {} : { payload }) });
const replayUrl = `/admin/dlq/${eventId}/replay`;
const amendUrl = `/admin/dlq/${eventId}/amend`;
const discardUrl = `/admin/dlq/${eventId}/discard`;
const failing = (method: keyof Store, error: Error) => makeFakeStore({ store: { [method]: () => Promise.reject(error) } });

describe("POST /admin/dlq/{id}/replay", () => {
  it("replays without a body, and with all it takes", async () => {
    const store = makeFakeStore();
    const answer = await post(replayUrl, undefined, store);
    expect(answer.statusCode).toBe(200);
    expect(replayedReply.parse(answer.json())).toEqual({
      status: "replayed",
      replay_id: replayId,
      delivery_id: deliveryId,
      original_event_id: eventId,
      error: null,
      position: "12",
    });
    expect(store.last("replay")).toEqual([eventId, { tenant: "default", actor: "local" }]);
    await post(replayUrl, { reason: "mail is back", handler: "mail" }, store);
    expect(store.last("replay")).toEqual([eventId, { tenant: "default", actor: "local", reason: "mail is back", handler: "mail" }]);
    await post(replayUrl + "?handler=mail", {}, store);
    expect(store.last("replay")).toEqual([eventId, { tenant: "default", actor: "local", handler: "mail" }]);
  });

  it("answers 202 with the place of the report when it is not over in time", async () => {
    const pending = { status: "processing", replayId, deliveryId, originalEventId: eventId, error: null, position: "12" } as const;
    const answer = await post(replayUrl, undefined, makeFakeStore({ store: { replay: async () => pending } }));
    expect(answer.statusCode).toBe(202);
    expect(answer.headers.location).toBe(`/replays/${replayId}`);
    expect(replayedReply.parse(answer.json()).status).toBe("processing");
  });

  it.each([{ reason: "x".repeat(501) }, { target_handler: "" }, { migration: {} }, { reason: 1 }, []])("refuses %o", async (body) => {
    const store = makeFakeStore();
    expectProblem(await post(replayUrl, body, store), 400, "REQUEST_INVALID");
    expect(store.calls).toEqual([]);
  });

  it("refuses a handler in query and body at once", async () => {
    expectProblem(await post(replayUrl + "?handler=mail", { handler: "mail" }), 400, "REQUEST_INVALID");
  });

  it.each([
    [400, "NOT_DEAD_LETTERED"],
    [404, "NOT_FOUND"],
    [409, "HANDLER_AMBIGUOUS"],
    [409, "DELIVERY_RUNNING"],
    [422, "UPCAST_FAILED"],
  ] as const)("answers %i %s", async (status, code) => {
    const error = new RepriseError(code, "It cannot be replayed.", { fields: { handlers: ["a", "b"] } });
    expect(expectProblem(await post(replayUrl, undefined, failing("replay", error)), status, code).handlers).toEqual(["a", "b"]);
  });
});

describe("POST /admin/dlq/{id}/discard", () => {
  it("discards with a reason and answers with the entry", async () => {
    const store = makeFakeStore();
    const answer = await post(discardUrl, { reason: "sent by hand", resolution: "done_by_hand" }, store);
    expect(answer.statusCode).toBe(200);
    expect(letterActReply.parse(answer.json())).toMatchObject({ id: eventId, position: "15" });
    expect(store.last("discard")).toEqual([eventId, { tenant: "default", actor: "local", reason: "sent by hand", resolution: "done_by_hand" }]);
  });

  it.each([undefined, {}, { reason: "" }, { reason: "  " }, { reason: "x", resolution: "lost" }])("refuses %o", async (body) => {
    const store = makeFakeStore();
    expectProblem(await post(discardUrl, body, store), 400, "REQUEST_INVALID");
    expect(store.calls).toEqual([]);
  });
});

describe("POST /admin/dlq/{id}/amend", () => {
  it("takes data and a reason, and answers with the entry as it is now", async () => {
    const store = makeFakeStore();
    const answer = await post(amendUrl, { data: { orderId: "o-1", total: 9.99 }, reason: "typo", handler: "mail" }, store);
    expect(answer.statusCode).toBe(200);
    expect(letterActReply.parse(answer.json())).toMatchObject({
      ...{ id: eventId, position: "13", data: { totalCents: 999 }, stored: { data: { total: 9.95 } } },
      amendment: { actor: "local", reason: "typo", migration: null, data: { total: 9.99 }, changes_total: 1 },
      amendments: [{ reason: "typo" }],
    });
    expect(store.last("amend")).toEqual([
      eventId,
      { tenant: "default", actor: "local", data: { orderId: "o-1", total: 9.99 }, reason: "typo", handler: "mail" },
    ]);
    await post(amendUrl, { data: null, reason: "null is data, too" }, store);
    expect(store.last("amend")).toMatchObject([eventId, { data: null }]);
  });

  it.each([undefined, {}, { data: {} }, { reason: "typo" }, { data: {}, reason: " " }, { data: {}, reason: "x", schema_version: 2 }])(
    "refuses %o",
    async (body) => {
      const store = makeFakeStore();
      expectProblem(await post(amendUrl, body, store), 400, "REQUEST_INVALID");
      expect(store.calls).toEqual([]);
    },
  );

  it("says where data is wrong, and keeps numbers to the digit", async () => {
    const error = new RepriseError("DATA_INVALID", "The data does not fit.", { errors: [{ pointer: "#/data/total", detail: "Invalid input" }] });
    const problem = expectProblem(await post(amendUrl, { data: {}, reason: "typo" }, failing("amend", error)), 422, "DATA_INVALID");
    expect(problem.errors).toEqual([{ pointer: "#/data/total", detail: "Invalid input" }]);
    const server = serverOver(makeFakeStore());
    const unsafe = await server.inject({
      ...{ method: "POST", url: amendUrl, headers: { "content-type": "application/json" } },
      payload: '{"reason":"x","data":{"total":12345678901234567890}}',
    });
    expectProblem(unsafe, 422, "NUMBER_UNSAFE");
  });
});

describe("a migration", () => {
  it("is named on a replay and on a batch, in query or body", async () => {
    const store = makeFakeStore();
    await post(replayUrl, { migration: "cents", reason: "mend" }, store);
    expect(store.last("replay")).toEqual([eventId, { tenant: "default", actor: "local", reason: "mend", migration: "cents" }]);
    await post("/admin/dlq/replay-batch?migration=cents", { handler: "mail" }, store);
    expect(store.last("replayBatch")).toEqual([{ handler: "mail" }, { tenant: "default", actor: "local", migration: "cents" }]);
    const failed = new RepriseError("MIGRATION_FAILED", 'Migration "cents": it threw Error: no total.');
    expectProblem(await post(replayUrl, { migration: "cents" }, failing("replay", failed)), 422, "MIGRATION_FAILED");
  });
});

describe("POST /admin/dlq/replay-batch", () => {
  const url = "/admin/dlq/replay-batch";
  const noon = "2026-01-31T12:00:00Z";
  const expected = [
    { handler: "mail", error: "Error: down", sinceMs: Date.parse(noon) },
    { tenant: "default", actor: "local", reason: "back", maxEvents: 500, ratePerSecond: 2.5 },
  ];

  it("takes its filter as query, as body, or some of each", async () => {
    const store = makeFakeStore();
    const answer = await post(`${url}?handler=mail&error=Error:%20down&since=${noon}&max_events=500&rate_per_second=2.5&reason=back`, undefined, store);
    expect(answer.statusCode).toBe(200);
    expect(replayBatchReply.parse(answer.json())).toEqual({
      ...{ replay_id: replayId, total: 2, succeeded: 2, failed: 0, skipped: 0, skips: [], remaining: 0, position: "14" },
    });
    expect(store.last("replayBatch")).toEqual(expected);
    await post(url, { handler: "mail", error: "Error: down", since: noon, max_events: 500, rate_per_second: 2.5, reason: "back" }, store);
    expect(store.last("replayBatch")).toEqual(expected);
    await post(`${url}?handler=mail&since=${noon}`, { error: "Error: down", max_events: 500, rate_per_second: 2.5, reason: "back" }, store);
    expect(store.last("replayBatch")).toEqual(expected);
    await post(url, undefined, store);
    expect(store.last("replayBatch")).toEqual([{}, { tenant: "default", actor: "local" }]);
  });

  it("refuses one name in both, unknown names and numbers out of range", async () => {
    const store = makeFakeStore();
    const problem = expectProblem(await post(`${url}?handler=mail`, { handler: "mail" }, store), 400, "REQUEST_INVALID");
    expect(problem.errors).toMatchObject([{ pointer: "?handler" }]);
    for (const body of [{ max_events: 0 }, { max_events: 1001 }, { max_events: "5" }, { rate_per_second: 0 }, { limit: 5 }, { filter: {} }, { cause: "bad" }])
      expectProblem(await post(url, body, store), 400, "REQUEST_INVALID");
    for (const query of ["max_events=0", "max_events=1.5", "rate_per_second=0", "rate_per_second=-1", "rate_per_second=NaN", "offset=1"])
      expectProblem(await post(`${url}?${query}`, undefined, store), 400, "REQUEST_INVALID");
    expect(store.calls).toEqual([]);
  });

  it("answers 202 with the place of the report while some remain", async () => {
    const store = makeFakeStore({
      store: { replayBatch: async () => ({ replayId, total: 5, succeeded: 1, failed: 1, skipped: 0, skips: [], remaining: 3, position: "14" }) },
    });
    const answer = await post(url, undefined, store);
    expect(answer.statusCode).toBe(202);
    expect(answer.headers.location).toBe(`/replays/${replayId}`);
  });
});

describe("POST /views/rebuild", () => {
  it("answers 202 at once and takes a reason", async () => {
    const store = makeFakeStore();
    const answer = await post("/views/rebuild", { reason: "new build" }, store);
    expect(answer.statusCode).toBe(202);
    expect(rebuildReply.parse(answer.json())).toEqual({ status: "rebuilding", position: "16" });
    expect(store.last("rebuildViews")).toEqual([{ tenant: "default", actor: "local", reason: "new build" }]);
    expectProblem(await post("/views/rebuild?now=1"), 400, "REQUEST_INVALID");
    expectProblem(await post("/views/rebuild", { now: true }), 400, "REQUEST_INVALID");
  });
});

describe("every act", () => {
  it.each([replayUrl, amendUrl, discardUrl, "/admin/dlq/replay-batch", "/views/rebuild"])("%s takes JSON only", async (url) => {
    const store = makeFakeStore();
    for (const type of ["text/plain", "application/cloudevents+json"]) {
      const answer = await serverOver(store).inject({ method: "POST", url, headers: { "content-type": type }, payload: '{"reason":"x"}' });
      expectProblem(answer, 415, "MEDIA_TYPE_UNSUPPORTED");
    }
    expectProblem(
      await serverOver(store).inject({ method: "POST", url, headers: { "content-type": "application/json" }, payload: "{" }),
      400,
      "JSON_MALFORMED",
    );
    expect(store.calls).toEqual([]);
  });
});

describe("escalations", () => {
  const url = "/admin/escalations";
  const decide = `${url}/${deliveryId}/approve`;

  it("are listed by status, handler and delivery, and none other", async () => {
    const store = makeFakeStore();
    const app = serverOver(store);
    const answer = await app.inject({ method: "GET", url: `${url}?status=open&handler=mail&delivery_id=${deliveryId.toUpperCase()}&limit=7` });
    expect(answer.statusCode).toBe(200);
    expect(escalationsReply.parse(answer.json())).toMatchObject({
      escalations: [{ delivery_id: deliveryId, why: "a refund over 100", data: { totalCents: 20_000 } }],
    });
    expect(store.last("views.escalations")).toEqual([{ tenant: "default", status: "open", handler: "mail", deliveryId }, { limit: 7 }]);
    for (const query of ["status=refused", "state=open", "limit=0", "limit=1001"])
      expectProblem(await app.inject({ method: "GET", url: `${url}?${query}` }), 400, "REQUEST_INVALID");
  });

  it("are approved and rejected with a reason, once", async () => {
    const store = makeFakeStore();
    for (const [verb, method, status] of [
      ["approve", "approveEscalation", "approved"],
      ["reject", "rejectEscalation", "rejected"],
    ] as const) {
      const answer = await post(`${url}/${deliveryId}/${verb}`, { reason: "seen" }, store);
      expect(answer.statusCode).toBe(200);
      expect(escalationActReply.parse(answer.json())).toMatchObject({ status, decided_by: "anna", delivery_id: deliveryId });
      expect(store.last(method)).toEqual([deliveryId, { tenant: "default", actor: "local", reason: "seen" }]);
    }
    const error = new RepriseError("ALREADY_DECIDED", "The delivery is approved by anna.", { fields: { decision: "approved", decided_by: "anna" } });
    expect(expectProblem(await post(decide, { reason: "seen" }, failing("approveEscalation", error)), 409, "ALREADY_DECIDED")).toMatchObject({
      ...{ status: 409, decision: "approved" },
      decided_by: "anna",
    });
  });

  it.each([undefined, {}, { reason: "" }, { reason: "  " }, { reason: "x".repeat(501) }, { reason: "x", decision: "yes" }])(
    "refuses to decide with %o",
    async (body) => {
      const store = makeFakeStore();
      expectProblem(await post(decide, body, store), 400, "REQUEST_INVALID");
      expect(store.calls).toEqual([]);
    },
  );
});
