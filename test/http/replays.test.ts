import { describe, expect, it } from "vitest";
import { RepriseError } from "../../src/errors.ts";
import { discardBatchReply } from "../../src/http/wire/dead-letters-replies.ts";
import { planReply } from "../../src/http/wire/plans.ts";
import { replayActReply, replayReply, replayReportReply, replayStartedReply, replaysReply } from "../../src/http/wire/replays-replies.ts";
import { eventId, makeFakeStore, planId, replayId } from "../support/fake-store.ts";
import { expectProblem, serverOver } from "../support/http.ts";

const ask = (method: "GET" | "POST" | "PATCH", url: string, payload?: object, store = makeFakeStore()) =>
  serverOver(store).inject({ method, url, ...(payload === undefined ? {} : { payload }) });
const plan = (selection: unknown, more: object = {}, store = makeFakeStore()) => ask("POST", "/replays/plan", { selection, ...more }, store);

describe("POST /replays/plan", () => {
  it("takes the three selections, and answers with what would happen", async () => {
    const store = makeFakeStore();
    const answer = await plan({ dead_letters: { handler: "mail", since: "2026-01-01T00:00:00Z" } }, { rate_per_second: 5 }, store);
    expect(answer.statusCode).toBe(200);
    expect(planReply.parse(answer.json())).toMatchObject({ plan_id: planId, deliveries: 1, releases: 2, invalid_total: 1, estimated_seconds: 1 });
    expect(store.last("planReplay")).toMatchObject([
      { kind: "dead_letters", filter: { handler: "mail", sinceMs: Date.UTC(2026, 0, 1) } },
      { tenant: "default", actor: "local", ratePerSecond: 5 },
    ]);
    await plan({ dead_letters: { filter: { error: "TypeError" } } }, {}, store);
    expect(store.last("planReplay")).toMatchObject([{ kind: "dead_letters", filter: { error: "TypeError" } }, {}]);
    await plan({ ids: [eventId, eventId] }, { target_handler: "sandbox" }, store);
    expect(store.last("planReplay")).toMatchObject([{ kind: "ids", ids: [eventId] }, { targetHandler: "sandbox" }]);
    await plan({ history: { handler: "mail", entity: { type: "order", id: "o-1" }, from_position: "3" } }, {}, store);
    expect(store.last("planReplay")).toMatchObject([
      { kind: "history", handler: "mail", filter: { entityType: "order", entityId: "o-1", fromPosition: 3n } },
      {},
    ]);
  });

  it.each([
    undefined,
    {},
    { dead_letters: {} },
    { dead_letters: { filter: {} } },
    { ids: [] },
    { ids: ["nope"] },
    { history: {} },
    { dead_letters: { handler: "a" }, ids: [eventId] },
    { dead_letters: { colour: "red" } },
  ])("refuses the selection %o", async (selection) => {
    const store = makeFakeStore();
    expectProblem(await plan(selection, {}, store), 400, "REQUEST_INVALID");
    expect(store.calls).toEqual([]);
  });

  it("is read again by its id", async () => {
    expect(planReply.parse((await ask("GET", `/replays/plans/${planId}`)).json())).toMatchObject({ plan_id: planId });
  });
});

describe("POST /replays", () => {
  const body = { plan_id: planId, reason: "mended", mode: "run" };

  it("answers 202 with the place of the report", async () => {
    const store = makeFakeStore();
    const answer = await ask("POST", "/replays", { ...body, stop_when: { failure_ratio: 0.5 } }, store);
    expect(answer.statusCode).toBe(202);
    expect(answer.headers.location).toBe(`/replays/${replayId}`);
    expect(replayStartedReply.parse(answer.json())).toEqual({ replay_id: replayId, plan_id: planId, status: "running", total: 1, position: "8" });
    expect(store.last("startReplay")).toMatchObject([
      planId,
      { terms: { mode: "run", effects: "once", canary: null, stopWhen: { failureRatio: 0.5, failuresInARow: null } } },
    ]);
  });

  it.each([
    { reason: "" },
    { mode: "walk" },
    { rate_per_second: 0 },
    { canary: { entities: 0, hold_seconds: 1 } },
    { canary: { entities: 1 } },
    { stop_when: {} },
    { stop_when: { failure_ratio: 2 } },
    { effects: "twice" },
    { plan_id: "x" },
    { colour: "red" },
  ])("refuses %o", async (more) => {
    expectProblem(await ask("POST", "/replays", { ...body, ...more }), 400, "REQUEST_INVALID");
  });

  it("tells the second of two operators who runs the plan, and what changed in a stale one", async () => {
    const failing = (error: RepriseError) => makeFakeStore({ store: { startReplay: () => Promise.reject(error) } });
    const used = new RepriseError("PLAN_USED", "ann started it.", { fields: { replayId, actor: "ann" } });
    expect(expectProblem(await ask("POST", "/replays", body, failing(used)), 409, "PLAN_USED")).toMatchObject({ replay_id: replayId, actor: "ann" });
    const stale = new RepriseError("PLAN_STALE", "It changed.", { fields: { changed: [{ reason: "failed again", count: 1, event_ids: [eventId] }] } });
    expect(expectProblem(await ask("POST", "/replays", body, failing(stale)), 409, "PLAN_STALE").changed).toEqual([
      { reason: "failed again", count: 1, event_ids: [eventId] },
    ]);
  });
});

describe("a replay", () => {
  it("is listed, shown and reported", async () => {
    expect(replaysReply.parse((await ask("GET", "/replays?limit=1")).json())).toMatchObject({
      replays: [{ replay_id: replayId }],
      next_cursor: "next",
    });
    expect(replayReply.parse((await ask("GET", `/replays/${replayId}`)).json())).toMatchObject({ replay_id: replayId, followers: 0 });
    expect(replayReportReply.parse((await ask("GET", `/replays/${replayId}/report`)).json()).items).toMatchObject([{ event_id: eventId }]);
  });

  it.each([
    ["pause", 200, "paused"],
    ["resume", 200, "running"],
    ["cancel", 200, "cancelled"],
  ] as const)("can %s", async (verb, status, is) => {
    const answer = await ask("POST", `/replays/${replayId}/${verb}`, { reason: "so" });
    expect(answer.statusCode).toBe(status);
    expect(replayActReply.parse(answer.json())).toMatchObject({ replay_id: replayId, status: is });
  });

  it("that is still cancelling answers 202", async () => {
    const store = makeFakeStore({ store: { actOnReplay: async () => ({ replayId, status: "cancelling", position: "1" }) } });
    const answer = await ask("POST", `/replays/${replayId}/cancel`, undefined, store);
    expect({ status: answer.statusCode, location: answer.headers.location }).toEqual({ status: 202, location: `/replays/${replayId}` });
  });

  it("takes another rate, or none", async () => {
    const store = makeFakeStore();
    expect((await ask("PATCH", `/replays/${replayId}`, { rate_per_second: 20, reason: "faster" }, store)).statusCode).toBe(200);
    expect(store.last("setReplayRate")).toEqual([replayId, 20, { tenant: "default", actor: "local", reason: "faster" }]);
    await ask("PATCH", `/replays/${replayId}`, { rate_per_second: null }, store);
    expect(store.last("setReplayRate")).toEqual([replayId, null, { tenant: "default", actor: "local" }]);
    for (const body of [{}, { rate_per_second: -1 }, { rate: 3 }]) expectProblem(await ask("PATCH", `/replays/${replayId}`, body), 400, "REQUEST_INVALID");
  });

  it("that has ended refuses", async () => {
    const error = new RepriseError("REPLAY_ENDED", "The replay is completed.", { fields: { status: "completed" } });
    const store = makeFakeStore({ store: { actOnReplay: () => Promise.reject(error) } });
    const problem = expectProblem(await ask("POST", `/replays/${replayId}/pause`, undefined, store), 409, "REPLAY_ENDED");
    expect(problem).toMatchObject({ status: 409 });
  });
});

describe("POST /admin/dlq/discard-batch", () => {
  it("takes filters, a reason and a limit", async () => {
    const store = makeFakeStore();
    const answer = await ask("POST", "/admin/dlq/discard-batch?handler=mail", { reason: "tidy", max_events: 5, resolution: "not_needed" }, store);
    expect(discardBatchReply.parse(answer.json())).toEqual({ total: 2, discarded: 1, skipped: 1, remaining: 3, position: "20" });
    expect(store.last("discardBatch")).toEqual([
      { handler: "mail" },
      { tenant: "default", actor: "local", reason: "tidy", maxEvents: 5, resolution: "not_needed" },
    ]);
  });

  it.each([{}, { reason: "  " }, { reason: "x", max_events: 1001 }, { reason: "x", colour: 1 }])("refuses %o", async (body) => {
    expectProblem(await ask("POST", "/admin/dlq/discard-batch?handler=mail", body), 400, "REQUEST_INVALID");
  });
});
