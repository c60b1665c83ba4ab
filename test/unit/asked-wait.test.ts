/** What receivers ask for: whatever stands in their headers, the wait is within 10 ms and a day, and nothing spins. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultPolicy } from "../../src/config/make-policy.ts";
import { type AnswerHeaders, askedWaitMs, retryAfterMs } from "../../src/delivery/attempt/asked-wait.ts";
import { judge } from "../../src/delivery/attempt/judge.ts";
import { noDeferrals } from "../../src/delivery/policy/waits.ts";
import type { Deferrals } from "../../src/records/attempt.ts";

const dayMs = 86_400_000;
const nowMs = Date.parse("2026-11-29T02:00:00Z");
const date = new Date(nowMs).toUTCString();
/** The receiver's clock is a year behind ours. */
const behindMs = nowMs - 365 * dayMs;
const behind = new Date(behindMs).toUTCString();

describe("askedWaitMs", () => {
  it.each<{ readonly name: string; readonly headers: AnswerHeaders; readonly expected: number | null }>([
    { name: "nothing", headers: {}, expected: null },
    { name: "Retry-After in seconds", headers: { "retry-after": "7" }, expected: 7000 },
    {
      name: "Retry-After as a date, from the answer's own Date",
      headers: { "retry-after": new Date(behindMs + 7000).toUTCString(), date: behind },
      expected: 7000,
    },
    { name: "Retry-After as a time, which somebody took for seconds", headers: { "retry-after": String(nowMs / 1000 + 60), date }, expected: 60_000 },
    { name: "Retry-After before the others", headers: { "retry-after": "3", ratelimit: '"a";r=0;t=9', "x-ratelimit-reset": "99" }, expected: 3000 },
    { name: "Retry-After that is neither gives way", headers: { "retry-after": "soon", ratelimit: '"a";r=0;t=9', "x-ratelimit-reset": "99" }, expected: 9000 },
    { name: "several of one name: the longest", headers: { "retry-after": ["3", "-1", "8"] }, expected: 8000 },
    { name: "RateLimit", headers: { ratelimit: '"default";r=0;t=30' }, expected: 30_000 },
    { name: "RateLimit with spaces", headers: { ratelimit: '"default" ; r=0 ; t=30' }, expected: 30_000 },
    { name: "RateLimit: the policies that are used up", headers: { ratelimit: '"day";r=900;t=80000, "minute";r=0;t=20, "second";r=0;t=1' }, expected: 20_000 },
    { name: "RateLimit: none is used up", headers: { ratelimit: '"day";r=900;t=80000, "minute";r=2;t=20' }, expected: 20_000 },
    { name: "RateLimit: a policy whose name looks like one", headers: { ratelimit: '"a;t=5,";r=0;t=9' }, expected: 9000 },
    { name: "RateLimit before X-RateLimit-Reset", headers: { ratelimit: '"a";r=0;t=9', "x-ratelimit-reset": "99" }, expected: 9000 },
    { name: "RateLimit without t gives way", headers: { ratelimit: '"a";r=0', "x-ratelimit-reset": "99" }, expected: 99_000 },
    { name: "X-RateLimit-Reset: a time span", headers: { "x-ratelimit-reset": "999999" }, expected: dayMs },
    { name: "X-RateLimit-Reset: seconds since 1970", headers: { "x-ratelimit-reset": String(nowMs / 1000 + 12), date }, expected: 12_000 },
    { name: "X-RateLimit-Reset: milliseconds since 1970", headers: { "x-ratelimit-reset": String(nowMs + 1500), date }, expected: 1500 },
    { name: "X-RateLimit-Reset: by the receiver's own clock", headers: { "x-ratelimit-reset": String(behindMs / 1000 + 12), date: behind }, expected: 12_000 },
    { name: "X-RateLimit-Reset: by ours where it has none", headers: { "x-ratelimit-reset": String(nowMs / 1000 + 12) }, expected: 12_000 },
    { name: "X-RateLimit-Reset: past", headers: { "x-ratelimit-reset": "1000000000", date }, expected: 0 },
    { name: "X-RateLimit-Reset: huge", headers: { "x-ratelimit-reset": "9".repeat(400) }, expected: dayMs },
    { name: "X-RateLimit-Reset: negative", headers: { "x-ratelimit-reset": "-5" }, expected: null },
  ])("$name", ({ headers, expected }) => {
    expect(askedWaitMs(headers, nowMs)).toBe(expected);
  });

  it("of a 503 is what Retry-After says, because the others come with every answer", () => {
    expect(retryAfterMs({ ratelimit: '"a";r=0;t=9', "x-ratelimit-reset": "99" }, nowMs)).toBeNull();
  });
});

const number = fc.oneof(
  fc.integer({ min: -10, max: 100_000 }),
  fc.double({ min: -1e20, max: 1e20, noNaN: true }),
  fc.integer({ min: -2 * dayMs, max: 2 * dayMs }).map((ms) => nowMs + ms),
  fc.integer({ min: -2 * dayMs, max: 2 * dayMs }).map((ms) => Math.round((nowMs + ms) / 1000)),
  fc.constantFrom(0, -0, 1e9, 1e12, 999_999_999, 999_999_999_999, Number.MAX_SAFE_INTEGER),
);
const time = fc.integer({ min: -8_640_000_000_000, max: 8_640_000_000_000 }).map((ms) => new Date(ms).toUTCString());
const junk = fc.oneof(fc.string(), fc.constantFrom("", "NaN", "Infinity", "1e3", "0x10", "7, 8", " 7 ", "Thu, 99 Foo 2026 99:99:99 GMT", "9".repeat(2000)));
const value = fc.oneof(number.map(String), time, junk);
const values = fc.oneof(value, fc.array(value, { maxLength: 3 }));
const limit = fc
  .array(
    fc.tuple(junk, number, number).map(([name, r, t]) => `${JSON.stringify(name)};r=${r};t=${t}`),
    { maxLength: 3 },
  )
  .map((all) => all.join(", "));
const headers = fc.record({ "retry-after": values, ratelimit: fc.oneof(limit, values), "x-ratelimit-reset": values, date: values }, { requiredKeys: [] });

describe("1,000 fuzzed wait headers", () => {
  const call = { policy: defaultPolicy, timing: () => ({ durationMs: 1, startedAtMs: nowMs, nowMs }), asked: () => [], fingerprintOf: () => "v1:0" };
  const options = (random: () => number) => ({ call, unknownOutcome: "repeat", random }) as const;
  const delivery = (deferred: Deferrals) => ({ attempt: 1, round: 0, deferred, replay: null, loan: null });

  it("each give a wait from 0 to 24 h, no shorter than the policy's, and at most a tenth longer", () => {
    fc.assert(
      fc.property(headers, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (answer, random) => {
        const askedMs = askedWaitMs(answer, nowMs);
        if (askedMs !== null) {
          expect(askedMs).toBeGreaterThanOrEqual(0);
          expect(askedMs).toBeLessThanOrEqual(dayMs);
        }
        const outcome = { kind: "deferred", error: { type: "HttpError", message: "HTTP 429" }, retryAfterMs: askedMs, by: "receiver" } as const;
        const verdict = judge(
          delivery(noDeferrals),
          outcome,
          options(() => random),
        );
        if (verdict.kind !== "defer") return expect.fail(verdict.kind);
        const longerMs = Math.max(askedMs ?? 0, 2000);
        expect(verdict.waitMs).toBeGreaterThanOrEqual(longerMs);
        expect(verdict.waitMs).toBeLessThanOrEqual(Math.min(dayMs, Math.ceil(longerMs * 1.1)));
      }),
      { numRuns: 1000 },
    );
  });

  it("never spin: whatever is asked again and again, a delivery has fewer than 100 calls in its day", () => {
    fc.assert(
      fc.property(fc.array(headers, { minLength: 1, maxLength: 20 }), (answers) => {
        let deferred: Deferrals = noDeferrals;
        for (let calls = 0; ; calls++) {
          expect(calls).toBeLessThan(100);
          const retryAfter = askedWaitMs(answers[calls % answers.length]!, nowMs);
          const outcome = { kind: "deferred", error: { type: "HttpError", message: "HTTP 429" }, retryAfterMs: retryAfter, by: "receiver" } as const;
          const verdict = judge(
            delivery(deferred),
            outcome,
            options(() => 0.5),
          );
          if (verdict.kind !== "defer") break;
          deferred = verdict.deferrals;
        }
        expect(deferred.ms).toBeLessThanOrEqual(dayMs);
      }),
      { numRuns: 200 },
    );
  });
});
