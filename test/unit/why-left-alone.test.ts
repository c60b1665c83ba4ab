import { describe, expect, it } from "vitest";
import { type ErrorCode, errorCatalog, RepriseError } from "../../src/errors.ts";
import { makeLetterRunner } from "../../src/replay/letter-runner.ts";
import { whyLeftAlone } from "../../src/replay/why-left-alone.ts";

describe("why a replay leaves an item alone", () => {
  it.each<[ErrorCode, string]>([
    ["LETTER_NOT_FIRST", "an earlier dead letter of its entity comes first"],
    ["NOT_DEAD_LETTERED", "not dead-lettered any more"],
    ["DELIVERY_RUNNING", "another replay of it is under way"],
    ["LANE_PAUSED", "its entity is paused"],
    ["NOT_FOUND", "its handler does not run here"],
    ["REQUEST_INVALID", "the detail"],
    ["MIGRATION_FAILED", "the detail"],
    ["UPCAST_FAILED", "the detail"],
  ])("%s: %s", (code, reason) => {
    expect(whyLeftAlone(new RepriseError(code, "the detail"))).toBe(reason);
  });

  it("has no answer where the service, the log or the program failed: then the replay itself fails", () => {
    for (const code of Object.keys(errorCatalog) as ErrorCode[])
      if (["unavailable", "defect", "config"].includes(errorCatalog[code].kind)) expect(whyLeftAlone(new RepriseError(code, "the detail"))).toBeNull();
    for (const error of [new TypeError("a defect"), undefined, null, "LETTER_NOT_FIRST", { code: "LETTER_NOT_FIRST" }]) expect(whyLeftAlone(error)).toBeNull();
  });
});

describe("a replay with a migration that the config no longer has", () => {
  it("says so for each item, and names no earlier dead letter", async () => {
    const runner = makeLetterRunner({
      delivery: {} as never,
      amendments: { migrate: () => Promise.reject(new RepriseError("REQUEST_INVALID", 'There is no migration "mend".')) } as never,
      request: { replayId: "r", kind: "batch", actor: "ann", reason: null, ratePerSecond: null, total: 1, filter: null, migration: "mend" },
      handlers: ["mail"],
      nextTurn: () => null,
      signal: new AbortController().signal,
    });
    const item = { handler: "mail", lane: "default.order-1", revision: 3, at: "4", eventId: "e", attempts: 1 };
    expect(await runner.run(0, item)).toEqual({ outcome: "skipped", reason: 'There is no migration "mend".' });
  });
});
