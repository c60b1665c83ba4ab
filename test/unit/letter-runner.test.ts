import { expect, it } from "vitest";
import { makeLetterRunner } from "../../src/replay/letter-runner.ts";
import type { JobRequest } from "../../src/replay/runner.ts";

const item = { handler: "mail", lane: "default.order-1", revision: 3, at: "4", eventId: "e", attempts: 1 };

it.each<[string, Partial<JobRequest>, boolean]>([
  ["none of it waits for outcomes", {}, true],
  ["it stops after failures in a row", { stopWhen: { failuresInARow: 3, failureRatio: null } }, false],
  ["it stops at a ratio of failures", { stopWhen: { failuresInARow: null, failureRatio: 0.5 } }, false],
  ["a canary goes first", { canary: { entities: 1, holdSeconds: 10 } }, false],
])("starts of a replay may be recorded ahead of their slots: %s", async (_when, terms, may) => {
  const asked: unknown[] = [];
  const replay = async (letter: object) => {
    asked.push("startsAhead" in letter && letter.startsAhead);
    return { end: { outcome: "replayed" }, position: 1n };
  };
  const runner = makeLetterRunner({
    delivery: { must: () => ({ letters: { replay } }) } as never,
    amendments: {} as never,
    request: { replayId: "r", kind: "batch", actor: "ann", reason: null, ratePerSecond: null, total: 1, filter: null, ...terms },
    handlers: ["mail"],
    nextTurn: () => null,
    signal: new AbortController().signal,
  });
  expect(await runner.run(0, item)).toMatchObject({ outcome: "succeeded" });
  expect(asked).toEqual([may]);
});
