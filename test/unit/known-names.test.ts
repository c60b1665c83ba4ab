import { describe, expect, it } from "vitest";
import { RepriseError } from "../../src/errors.ts";
import { canonicalId } from "../../src/event/ids.ts";
import { mustBeKnown } from "../../src/http/parse.ts";
import type { Views } from "../../src/views/model/views.ts";
import { fromCursor, toCursor } from "../../src/views/queries/cursor.ts";
import { makeFakeStore } from "../support/fake-store.ts";
import { expectProblem, serverOver } from "../support/http.ts";

describe("a filter that names nothing known", () => {
  const unknownName: Views["unknownName"] = ({ handler }) => (handler === "crm" ? { what: "handler", name: "crm", known: "mail, ledger" } : null);

  it.each([
    ["GET", "/events?handler=crm"],
    ["GET", "/entities?handler=crm"],
    ["GET", "/admin/dlq?handler=crm"],
    ["GET", "/admin/dlq/stats?handler=crm"],
    ["POST", "/admin/dlq/replay-batch?handler=crm"],
    ["POST", "/admin/dlq/discard-batch?handler=crm&reason=x"],
  ] as const)("is refused with what is known: %s %s", async (method, url) => {
    const store = makeFakeStore({ views: { unknownName } });
    const problem = await serverOver(store).inject({ method, url });
    expectProblem(problem, 400, "REQUEST_INVALID");
    expect(problem.json()).toMatchObject({ detail: expect.stringContaining("Known: mail, ledger"), errors: [{ pointer: "?handler" }] });
    expect(store.calls.filter(({ method }) => /Batch/.test(method))).toEqual([]);
  });

  it("is refused in plans, and what is known is not", async () => {
    const views = { unknownName } as Views;
    expect(() => mustBeKnown(views, "default", { handler: "crm" }, "#/selection/history/")).toThrow(RepriseError);
    expect(() => mustBeKnown(views, "default", { handler: "mail" })).not.toThrow();
    for (const selection of [{ dead_letters: { handler: "crm" } }, { history: { handler: "crm" } }])
      expectProblem(
        await serverOver(makeFakeStore({ views: { unknownName } })).inject({ method: "POST", url: "/replays/plan", payload: { selection } }),
        400,
        "REQUEST_INVALID",
      );
  });
});

it("a cursor of another list, or of another tenant's, is refused, however alike it looks", () => {
  expect(fromCursor("events", "acme", toCursor("events", "acme", 7), ["number"])).toEqual([7]);
  for (const cursor of [
    toCursor("entities", "acme", 7),
    toCursor("events", "*", 7),
    toCursor("events", "globex", 7),
    "WzdE",
    Buffer.from("[7]").toString("base64url"),
  ])
    expect(() => fromCursor("events", "acme", cursor, ["number"])).toThrow(expect.objectContaining({ code: "REQUEST_INVALID" }));
});

it("an id in upper case is the same UUID; a text that is no UUID stays as it is", () => {
  expect(canonicalId("018F2B2E-7C4A-7D3B-8A1E-0123456789AB")).toBe("018f2b2e-7c4a-7d3b-8a1e-0123456789ab");
  expect(canonicalId("Order-7")).toBe("Order-7");
});
