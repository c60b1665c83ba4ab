/** Presets, schedules and budgets as the config makes policies of them, and as a failed call is judged by them. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { checkConfig } from "../../src/config/config.ts";
import { presets } from "../../src/config/presets.ts";
import type { AttemptOutcome } from "../../src/delivery/attempt/attempt.ts";
import { judge } from "../../src/delivery/attempt/judge.ts";
import { defineHandler, type HandlerOptions, type PresetName } from "../../src/delivery/handler.ts";
import type { RetryPolicy } from "../../src/delivery/handler-spec.ts";
import { noDeferrals } from "../../src/delivery/policy/waits.ts";
import type { Deferrals } from "../../src/records/attempt.ts";

const happened = defineEvent("thing.happened", { 1: z.object({}) });

function specOf(options: Partial<HandlerOptions>) {
  const { handlers } = checkConfig({ events: [happened], handlers: [defineHandler({ name: "bank", ...options, on: { "thing.happened": () => {} } })] });
  return handlers[0]!;
}

const policyOf = (options: Partial<HandlerOptions>) => specOf(options).policies.of("thing.happened");

describe("a preset", () => {
  it.each<{ readonly preset: PresetName; readonly policy: Partial<RetryPolicy>; readonly record: string; readonly unknownOutcome: string }>([
    { preset: "readOnly", policy: { maxAttempts: 10, jitter: "full", onExhausted: "dead_letter" }, record: "batch", unknownOutcome: "repeat" },
    { preset: "notification", policy: { maxAttempts: 5, jitter: "none", onExhausted: "dead_letter" }, record: "batch", unknownOutcome: "repeat" },
    { preset: "mutation", policy: { maxAttempts: 3, onExhausted: "dead_letter" }, record: "each", unknownOutcome: "repeat" },
    { preset: "payment", policy: { maxAttempts: 1, onExhausted: "escalate" }, record: "each", unknownOutcome: "escalate" },
    { preset: "bestEffort", policy: { maxAttempts: 1, onExhausted: "skip" }, record: "batch", unknownOutcome: "repeat" },
  ])("$preset sets what its task can bear", ({ preset, policy, record, unknownOutcome }) => {
    expect(policyOf({ preset })).toMatchObject({ timeoutMs: 15_000, ...policy });
    expect(specOf({ preset })).toMatchObject({ record, unknownOutcome });
  });

  it("is data that nobody can change, and that can be spread into a handler", () => {
    expect(Object.keys(presets)).toEqual(["readOnly", "notification", "mutation", "payment", "bestEffort"]);
    for (const part of [presets, ...Object.values(presets), ...Object.values(presets).map(({ retry }) => retry)]) expect(Object.isFrozen(part)).toBe(true);
    const { policies: _, definition: __, ...named } = specOf({ preset: "payment" });
    const { policies: ___, definition: ____, ...spread } = specOf({ ...presets.payment });
    expect(spread).toEqual(named);
  });

  it("gives way to what stands beside it, field by field", () => {
    const own = { preset: "payment", retry: { maxAttempts: 2 }, record: "batch", unknownOutcome: "repeat", timeoutMs: 99 } as const;
    expect(specOf(own)).toMatchObject({ record: "batch", unknownOutcome: "repeat" });
    expect(policyOf(own)).toMatchObject({ maxAttempts: 2, onExhausted: "escalate", timeoutMs: 99 });
    expect(policyOf({ preset: "payment", retryByType: { "thing.happened": { onExhausted: "skip" } } })).toMatchObject({ maxAttempts: 1, onExhausted: "skip" });
    expect(policyOf({ preset: "readOnly", retry: { jitter: "none", maxAttempts: 3 } })).toMatchObject({ maxAttempts: 3, jitter: "none" });
  });

  it("of another name is refused with the names there are", () => {
    expect(() => policyOf({ preset: "pament" as PresetName })).toThrow(
      'handlers[0].preset is "pament": it must be "readOnly" or "notification" or "mutation" or "payment" or "bestEffort"',
    );
  });
});

describe("a schedule in the config", () => {
  it("has one attempt more than waits, unless maxAttempts says otherwise, and takes the place of a back-off below it", () => {
    expect(policyOf({ retry: { schedule: [1000, 5000, 60_000] } })).toMatchObject({ schedule: [1000, 5000, 60_000], maxAttempts: 4, jitter: "none" });
    expect(policyOf({ retry: { schedule: [1000], maxAttempts: 9 } })).toMatchObject({ schedule: [1000], maxAttempts: 9 });
    expect(policyOf({ preset: "readOnly", retry: { schedule: [1, 2] } })).toMatchObject({ maxAttempts: 3, jitter: "none" });
    expect(policyOf({ retry: { schedule: [1000] }, retryByType: { "thing.happened": { factor: 3 } } })).toMatchObject({ schedule: null, factor: 3 });
    expect(policyOf({ retry: { schedule: [1000] }, retryByType: { "thing.happened": { maxAttempts: 1 } } })).toMatchObject({
      schedule: [1000],
      maxAttempts: 1,
    });
    expect(policyOf({ retry: { factor: 3 }, retryByType: { "thing.happened": { schedule: [7, 8] } } })).toMatchObject({ schedule: [7, 8], maxAttempts: 3 });
  });

  it.each(["initialDelayMs", "factor", "maxDelayMs"] as const)("never stands beside %s", (field) => {
    expect(() => policyOf({ retry: { schedule: [1000], [field]: 2 } })).toThrow(
      `handlers[0].retry.schedule stands beside ${field}: give the waits one by one as \`schedule\`, or as a back-off (initialDelayMs, factor, maxDelayMs).`,
    );
    expect(() => policyOf({ retryByType: { "thing.happened": { schedule: [1000], [field]: 2 } } })).toThrow(
      `handlers[0].retryByType["thing.happened"].schedule stands beside ${field}`,
    );
  });

  it.each([[[]], [Array.from({ length: 101 }, () => 1)], [5], [[-1]], [[1.5]], [[7 * 86_400_000 + 1]], [["1"]]])("%j is refused", (schedule) => {
    expect(() => policyOf({ retry: { schedule: schedule as number[] } })).toThrow(/^handlers\[0\]\.retry\.schedule.* must be a /);
  });

  it.each([0, -1, 1.5, 366 * 86_400_000 + 1])("maxElapsedMs of %d is refused", (maxElapsedMs) => {
    expect(() => policyOf({ retry: { maxElapsedMs } })).toThrow(/^handlers\[0\]\.retry\.maxElapsedMs is .*: it must be a whole number from 1 to /);
  });
});

describe("a budget of time", () => {
  /** Calls that take 100 ms each, judged one after another. @returns the waits, and what ended them. */
  function round(options: Partial<HandlerOptions>, outcome: AttemptOutcome) {
    const policy = policyOf(options);
    const call = { policy, timing: () => ({ durationMs: 100, startedAtMs: 0, nowMs: 0 }), asked: () => [], fingerprintOf: () => "v1:0" };
    const waits: number[] = [];
    let deferred: Deferrals = noDeferrals;
    for (let failed = 0; ; ) {
      const delivery = { attempt: failed + 1, round: failed, deferred, replay: null, loan: null };
      const verdict = judge(delivery, outcome, { call, unknownOutcome: "repeat", random: () => 0 });
      if (verdict.kind !== "retry" && verdict.kind !== "defer") return { waits, verdict };
      waits.push(verdict.waitMs);
      if (verdict.kind === "retry") failed++;
      deferred = verdict.deferrals ?? deferred;
    }
  }
  const failure: AttemptOutcome = { kind: "failed", class: "transient", error: { type: "Error", message: "down" } };

  it("ends before an attempt that would begin beyond it, calls and waits counted", () => {
    const schedule = [1000, 1000, 1000, 1000, 1000];
    expect(round({ retry: { schedule, maxElapsedMs: 3300 } }, failure)).toMatchObject({
      waits: [1000, 1000, 1000],
      verdict: { kind: "give_up", cause: "exhausted", error: { message: "down" }, becomes: "dead_letter" },
    });
    expect(round({ retry: { schedule, maxElapsedMs: 3299 } }, failure).waits).toHaveLength(2);
    expect(round({ retry: { schedule } }, failure).waits).toHaveLength(5);
    expect(round({ retry: { maxElapsedMs: 1 } }, failure).waits).toHaveLength(0);
  });

  it("counts deferrals, too, and says so", () => {
    const busy = { kind: "deferred", error: { type: "HttpError", message: "HTTP 429" }, retryAfterMs: 7000, by: "receiver" } as const;
    expect(round({ retry: { maxElapsedMs: 15_000 } }, busy)).toMatchObject({
      waits: [7000, 7000],
      verdict: {
        cause: "exhausted",
        error: { type: "DeferredTooLong", message: "put off beyond maxElapsedMs, which is 15000; the last time: HttpError: HTTP 429" },
      },
    });
  });
});
