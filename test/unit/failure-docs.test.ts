/** docs/failure.md: each example behaves as the lines below it say. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { checkConfig } from "../../src/config/config.ts";
import type { AttemptOutcome } from "../../src/delivery/attempt/attempt.ts";
import { FunctionAttempt } from "../../src/delivery/attempt/function-attempt.ts";
import { judge } from "../../src/delivery/attempt/judge.ts";
import { noDeferrals } from "../../src/delivery/policy/waits.ts";
import type { CurrentEvent } from "../../src/event/event.ts";
import { defineHandler, type HandlerDefinition, presets, RetryAfter, skip } from "../../src/index.ts";
import { makeFakeClock } from "../support/fake-clock.ts";
import { noAppend } from "../support/no-appends.ts";
import { storedAs } from "../support/stored-as.ts";

const page = readFileSync(new URL("../../docs/failure.md", import.meta.url), "utf8");
const examples = [...page.matchAll(/^```ts\n([^`]+)```$/gm)].map(([, code]) => code!).filter((code) => code.includes("→"));
const orderPlaced = defineEvent("order.placed", { 1: z.object({ total: z.number() }) });

/** What the receiver does, call by call: `fails`, `busy for 7 s`, `answers`. Words of the page. */
function receiverOf(script: string): { call(): Promise<{ readonly status: number; readonly waitMs?: number }> } {
  const steps = script.split(", ").flatMap((step) => {
    const [, what, times] = /^(.+?)(?: (\d+) times)?$/.exec(step)!;
    return Array.from({ length: Number(times ?? 1) }, () => what!);
  });
  return {
    async call() {
      const step = steps.shift();
      if (step === "fails") throw new Error("the receiver does not answer");
      const seconds = /^busy for (\d+) s$/.exec(step ?? "")?.[1];
      if (seconds !== undefined) return { status: 429, waitMs: Number(seconds) * 1000 };
      if (step !== "answers") throw new Error(`The example has no call that is "${step}".`);
      return { status: 200 };
    },
  };
}

/** Calls the example's handler until it is over. @returns the claim that would be true. */
async function play(code: string, script: string): Promise<string> {
  const name = /^const (\w+) =/m.exec(code)![1]!;
  const words = { defineHandler, RetryAfter, skip, receiver: receiverOf(script) };
  const definition = new Function(...Object.keys(words), `${code}\nreturn ${name};`)(...Object.values(words)) as Extract<
    HandlerDefinition,
    { kind: "function" }
  >;
  const { handlers, catalog } = checkConfig({ events: [orderPlaced], handlers: [definition] });
  const spec = handlers[0]!;
  const lifted = catalog.current(storedAs("order.placed", 1, { total: script === "nothing to pay" ? 0 : 900 }));
  if (!lifted.ok) throw new Error(lifted.error.message);
  const event: CurrentEvent = lifted.parts[0]!;
  const clock = makeFakeClock();
  const attempt = new FunctionAttempt(definition, clock);
  const policy = spec.policies.of(event.type);
  const times: number[] = [];
  let [failed, deferred, now] = [0, noDeferrals, 0];
  for (;;) {
    times.push(now / 1000);
    const called = attempt.call({
      ...{ event, attempt: failed + 1, deliveryId: "1", replay: null, timeoutMs: policy.timeoutMs, nonRetryable: policy.nonRetryable },
      ...{ effect: async (_key, effect) => effect(), append: noAppend, signal: new AbortController().signal },
    });
    const outcome: AttemptOutcome = called.kind === "running" ? await called.outcome : called;
    const call = { policy, timing: () => ({ durationMs: 0, startedAtMs: now, nowMs: now }), asked: () => [], fingerprintOf: () => "v1:0" };
    const delivery = { attempt: failed + 1, round: failed, deferred, replay: null, loan: null };
    const verdict = judge(delivery, outcome, { call, unknownOutcome: spec.unknownOutcome, random: () => 0 });
    if (verdict.kind === "retry" || verdict.kind === "defer") {
      now += verdict.waitMs;
      deferred = verdict.deferrals ?? deferred;
      if (verdict.kind === "retry") failed++;
      continue;
    }
    const words = { dead_letter: "dead_lettered", skip: "skipped", escalate: "escalated" };
    const end = verdict.kind === "give_up" ? words[verdict.becomes] : verdict.kind === "dropped" ? "skipped" : verdict.kind;
    return `called at ${times.join(", ")} s: ${end}`;
  }
}

describe("docs/failure.md", () => {
  const claims = examples.flatMap((code) =>
    [...code.matchAll(/^\/\/ (.+) → (.+)$/gm)].map(([line, script, claim]) => ({ code, line, script: script!, claim: claim! })),
  );

  it("has examples", () => {
    expect(claims.length).toBeGreaterThanOrEqual(8);
  });

  it.each(claims)("$line", async ({ code, script, claim }) => {
    expect(await play(code, script)).toBe(claim);
  });

  it("shows a preset as it is, and names each", () => {
    const [, shown] = /`presets\.payment` is `(.+?)`\./.exec(page)!;
    expect(new Function(`return (${shown})`)()).toEqual(presets.payment);
    for (const name of Object.keys(presets)) expect(page).toContain(`| \`"${name}"\` |`);
  });
});
