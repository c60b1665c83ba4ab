import { describe, expect, it } from "vitest";
import { RepriseError } from "../../src/errors.ts";
import { laneActReply } from "../../src/http/wire/entities.ts";
import { handlerActReply } from "../../src/http/wire/service.ts";
import { makeFakeStore } from "../support/fake-store.ts";
import { expectProblem, serverOver } from "../support/http.ts";

const post = (url: string, payload?: object, store = makeFakeStore()) =>
  serverOver(store).inject({ method: "POST", url, ...(payload === undefined ? {} : { payload }) });
const caller = { tenant: "default", actor: "local" };

describe("POST /handlers/{name}/pause and resume", () => {
  it("take a reason or no body, and answer with the state and a position", async () => {
    const store = makeFakeStore();
    expect(handlerActReply.parse((await post("/handlers/mail/pause", { reason: "look first" }, store)).json())).toEqual({
      name: "mail",
      state: "paused",
      position: "17",
    });
    expect(store.last("pauseHandler")).toEqual(["mail", { ...caller, reason: "look first" }]);
    expect(handlerActReply.parse((await post("/handlers/mail/resume", undefined, store)).json())).toEqual({ name: "mail", state: "running", position: "18" });
    expect(store.last("resumeHandler")).toEqual(["mail", caller]);
  });

  it("refuse unknown members, and answer 404 and 409", async () => {
    expectProblem(await post("/handlers/mail/pause", { handler: "mail" }), 400, "REQUEST_INVALID");
    expectProblem(await post("/handlers/mail/pause?reason=x"), 400, "REQUEST_INVALID");
    const failing = (code: "NOT_FOUND" | "NOT_PAUSED") => makeFakeStore({ store: { resumeHandler: () => Promise.reject(new RepriseError(code, "No.")) } });
    expectProblem(await post("/handlers/mail/resume", {}, failing("NOT_FOUND")), 404, "NOT_FOUND");
    expectProblem(await post("/handlers/mail/resume", {}, failing("NOT_PAUSED")), 409, "NOT_PAUSED");
  });
});

describe("POST /entities/{type}/{id}/pause, resume and retry", () => {
  it.each([
    ["pause", "pauseEntity", ["mail", "ledger"], "19"],
    ["resume", "resumeEntity", ["mail"], "20"],
    ["retry", "retryEntity", ["mail"], "21"],
  ] as const)("%s takes a handler and a reason, or neither", async (verb, method, handlers, position) => {
    const store = makeFakeStore();
    const answer = await post(`/entities/order/a%2Fb/${verb}`, { handler: "mail", reason: "look first" }, store);
    expect(answer.statusCode).toBe(200);
    expect(laneActReply.parse(answer.json())).toEqual({ entity: { type: "order", id: "a/b" }, handlers, position });
    expect(store.last(method)).toEqual([
      { type: "order", id: "a/b" },
      { ...caller, handler: "mail", reason: "look first" },
    ]);
    await post(`/entities/order/a/${verb}?handler=mail`, undefined, store);
    expect(store.last(method)).toEqual([
      { type: "order", id: "a" },
      { ...caller, handler: "mail" },
    ]);
    await post(`/entities/order/a/${verb}`, undefined, store);
    expect(store.last(method)).toEqual([{ type: "order", id: "a" }, caller]);
    expectProblem(await post(`/entities/order/a/${verb}?handler=mail`, { handler: "mail" }, store), 400, "REQUEST_INVALID");
    expectProblem(await post(`/entities/order/a/${verb}`, { lane: 1 }, store), 400, "REQUEST_INVALID");
    expectProblem(await post(`/entities/Order/a/${verb}`, {}, store), 404, "NOT_FOUND");
    expectProblem(await serverOver(store).inject({ method: "GET", url: `/entities/order/a/${verb}` }), 405, "METHOD_NOT_ALLOWED");
  });
});
