import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, delayBeforeMs } from "../../src/delivery/policy/retry-policy.ts";

const defaults = { initialDelayMs: 2000, factor: 2, maxDelayMs: 60_000, jitter: "none", schedule: null } as const;
const never = (): number => {
  throw new Error("asked for randomness");
};

describe("delayBeforeMs", () => {
  it("doubles from 2 s up to a minute by default, without asking for randomness", () => {
    expect([1, 2, 3, 4, 5, 6, 7].map((failed) => delayBeforeMs(defaults, failed, never))).toEqual([2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  });

  it.each([
    { jitter: "full", least: 10, middle: 4000, most: 8000 },
    { jitter: "equal", least: 4000, middle: 6000, most: 8000 },
    { jitter: 0.1, least: 7200, middle: 8000, most: 8800 },
    { jitter: 0, least: 8000, middle: 8000, most: 8000 },
  ] as const)("spreads the wait with jitter $jitter", ({ jitter, least, middle, most }) => {
    const policy = { ...defaults, jitter };
    expect(delayBeforeMs(policy, 3, () => 0)).toBeCloseTo(least, 6);
    expect(delayBeforeMs(policy, 3, () => 0.5)).toBeCloseTo(middle, 6);
    expect(delayBeforeMs(policy, 3, () => 1 - Number.EPSILON)).toBeCloseTo(most, 6);
  });

  it.each([
    { name: "a first delay of 0 is 10 ms, however large the factor's power", policy: { ...defaults, initialDelayMs: 0 }, failed: 5000, expected: 10 },
    { name: "a power beyond all numbers is the longest delay", policy: defaults, failed: 1_000_000, expected: 60_000 },
    { name: "a factor of 1 repeats the first delay", policy: { ...defaults, factor: 1 }, failed: 9, expected: 2000 },
    { name: "a first delay beyond the longest is the longest", policy: { ...defaults, initialDelayMs: 90_000 }, failed: 1, expected: 60_000 },
    { name: "a longest delay of 0 is 10 ms, too", policy: { ...defaults, maxDelayMs: 0 }, failed: 3, expected: 10 },
    { name: "two days are two days", policy: { ...defaults, initialDelayMs: 2 * 86_400_000, maxDelayMs: 2 * 86_400_000 }, failed: 1, expected: 2 * 86_400_000 },
  ])("$name", ({ policy, failed, expected }) => {
    expect(delayBeforeMs(policy, failed, never)).toBe(expected);
  });

  const policies = fc.record({
    initialDelayMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
    factor: fc.double({ min: 0, max: 1000, noNaN: true }),
    maxDelayMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
    schedule: fc.constant(null),
    jitter: fc.oneof(fc.constantFrom("none" as const, "full" as const, "equal" as const), fc.double({ min: 0, max: 1, noNaN: true })),
  });
  const failures = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 2 ** 31 }));
  const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  it("is a number from 10 ms to the longest delay, whatever is random", () => {
    fc.assert(
      fc.property(policies, failures, randoms, (policy, failed, random) => {
        const delayMs = delayBeforeMs(policy, failed, () => random);
        expect(delayMs).toBeGreaterThanOrEqual(10);
        expect(delayMs).toBeLessThanOrEqual(Math.max(10, policy.maxDelayMs) * (1 + Number.EPSILON));
      }),
      { numRuns: 5000 },
    );
  });

  it("never shrinks from one failure to the next when the factor is 1 or more and nothing is random", () => {
    const growing = policies.filter(({ factor }) => factor >= 1).map((policy) => ({ ...policy, jitter: "none" as const }));
    fc.assert(
      fc.property(growing, failures, (policy, failed) => {
        expect(delayBeforeMs(policy, failed + 1, never)).toBeGreaterThanOrEqual(delayBeforeMs(policy, failed, never));
      }),
    );
  });
});

describe("a schedule", () => {
  const scheduled = { ...defaults, schedule: [1000, 5000, 60_000] };

  it("says the waits one by one, and its last one again and again", () => {
    expect([1, 2, 3, 4, 1000].map((failed) => delayBeforeMs(scheduled, failed, never))).toEqual([1000, 5000, 60_000, 60_000, 60_000]);
  });

  it("is spread where jitter is asked for, and no wait of it is below 10 ms", () => {
    expect(delayBeforeMs({ ...scheduled, jitter: "equal" }, 2, () => 0)).toBe(2500);
    expect(delayBeforeMs({ ...scheduled, schedule: [0, 1] }, 1, never)).toBe(10);
    expect(delayBeforeMs({ ...scheduled, schedule: [0, 1] }, 2, never)).toBe(10);
  });
});

describe("decide", () => {
  const policy = { maxAttempts: 3 };

  it.each(["transient", "timeout"] as const)("retries after %s until the attempts of the round are used up", (failure) => {
    expect([1, 2, 3, 4].map((failed) => decide(policy, { failed, class: failure }))).toEqual([
      { kind: "retry" },
      { kind: "retry" },
      { kind: "give_up", cause: "exhausted" },
      { kind: "give_up", cause: "exhausted" },
    ]);
  });

  it("gives up at once with one attempt", () => {
    expect(decide({ maxAttempts: 1 }, { failed: 1, class: "transient" })).toEqual({ kind: "give_up", cause: "exhausted" });
  });

  it("gives up at once what is terminal, also with the last attempt", () => {
    for (const failed of [1, 3]) expect(decide(policy, { failed, class: "terminal" })).toEqual({ kind: "give_up", cause: "terminal" });
  });
});
