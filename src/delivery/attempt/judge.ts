/** Judges the outcome of an attempt: what the partition has to do about it. */
import type { Lifted } from "../../catalog/catalog.ts";
import { toIso } from "../../event/clock.ts";
import type { AttemptClass, AttemptError, AttemptRecord } from "../../records/attempt.ts";
import type { HandlerCall } from "../dispatcher/handler-call.ts";
import type { AskedEffect } from "../effects/effect-scope.ts";
import type { RetryPolicy } from "../handler-spec.ts";
import type { Delivery } from "../partition/delivery.ts";
import type { Verdict } from "../partition/verdict.ts";
import { decide, delayBeforeMs } from "../policy/retry-policy.ts";
import { askedByReceiver, elapsedAfter, maxDeferredMs, putOff } from "../policy/waits.ts";
import type { AttemptOutcome } from "./attempt.ts";
import { clipChars } from "./attempt-error.ts";
import { becomes } from "./becomes.ts";

export interface JudgeOptions {
  /** The call that is over. */
  readonly call: Pick<HandlerCall, "policy" | "timing" | "asked" | "fingerprintOf">;
  /** `escalate`: a call that is abandoned is never repeated by itself. */
  readonly unknownOutcome: "repeat" | "escalate";
  readonly random: () => number;
}

type Judged = Pick<Delivery, "attempt" | "round" | "deferred" | "replay" | "loan">;

export function judge(delivery: Judged, outcome: AttemptOutcome, { call, unknownOutcome, random }: JudgeOptions): Verdict {
  const { round } = delivery;
  const { policy } = call;
  switch (outcome.kind) {
    case "completed":
      return new Completed(delivery, outcome, call);
    case "skipped":
      return { kind: "dropped", reason: outcome.reason, record: recordOf(delivery, outcome, call, "completed", null, null) };
    case "deferred":
      return judgeDeferred(delivery, outcome, call, random);
    case "failed": {
      const record = recordOf(delivery, outcome, call, "failed", outcome.class, outcome.error);
      const { durationMs, nowMs } = call.timing();
      const giveUp = { kind: "give_up", record, error: outcome.error, ...becomes(policy.onExhausted, outcome.error, { when: "after", nowMs }) } as const;
      const decision = decide(policy, { failed: round + 1, class: outcome.class });
      if (decision.kind === "give_up") return { ...giveUp, cause: decision.cause };
      const waitMs = delayBeforeMs(policy, round + 1, random);
      const elapsed = elapsedAfter(policy, delivery.deferred, durationMs, waitMs);
      if (elapsed?.isOver) return { ...giveUp, cause: "exhausted" };
      const deferrals = elapsed && { ...delivery.deferred, elapsedMs: elapsed.elapsedMs };
      return { kind: "retry", record, waitMs, retryAt: toIso(nowMs + waitMs), deferrals };
    }
    case "gone":
      return { kind: "put_back" };
    case "abandoned": {
      if (unknownOutcome === "repeat") return { kind: "put_back" };
      const error = { type: "UnknownOutcome", message: "the service stopped while the handler was called; what it did is unknown" };
      const record = recordOf(delivery, outcome, call, "failed", "crash", error);
      return { kind: "give_up", record, cause: "unknown_outcome", error, ...becomes("escalate", error, { when: "after", nowMs: call.timing().nowMs }) };
    }
    case "escalated": {
      const { when, error } = outcome;
      const record = when === "before" ? null : recordOf(delivery, outcome, call, "failed", "terminal", error);
      return { kind: "give_up", record, cause: "terminal", error, ...becomes("escalate", error, { when, nowMs: call.timing().nowMs }) };
    }
    case "rule_failed": {
      const { error } = outcome;
      return { kind: "give_up", record: null, cause: "terminal", error, ...becomes(policy.onExhausted, error, { when: "before", nowMs: call.timing().nowMs }) };
    }
  }
}

function judgeDeferred(delivery: Judged, outcome: Extract<AttemptOutcome, { kind: "deferred" }>, call: JudgeOptions["call"], random: () => number): Verdict {
  const { policy } = call;
  const { round, deferred } = delivery;
  const record = recordOf(delivery, outcome, call, "failed", "not_ready", outcome.error);
  const { durationMs, nowMs } = call.timing();
  const giveUp = (error: AttemptError) =>
    ({ kind: "give_up", record, cause: "exhausted", error, ...becomes(policy.onExhausted, error, { when: "after", nowMs }) }) as const;
  const next = putOff(askedOf(outcome, policy, { round, count: deferred.count, random }), deferred);
  if (next === null) return giveUp(deferredTooLong(outcome.error, `for ${maxDeferredMs / 3_600_000} h in all`));
  const elapsed = elapsedAfter(policy, deferred, durationMs, next.waitMs);
  if (elapsed?.isOver) return giveUp(deferredTooLong(outcome.error, `beyond maxElapsedMs, which is ${policy.maxElapsedMs}`));
  const deferrals = elapsed === null ? next.deferrals : { ...next.deferrals, elapsedMs: elapsed.elapsedMs };
  return { kind: "defer", record, waitMs: next.waitMs, retryAt: toIso(nowMs + next.waitMs), deferrals };
}

/** What nobody set a time for waits as the policy says, longer each time. */
function askedOf(
  { retryAfterMs, by }: Extract<AttemptOutcome, { kind: "deferred" }>,
  policy: RetryPolicy,
  { round, count, random }: { readonly round: number; readonly count: number; readonly random: () => number },
): number {
  if (retryAfterMs === null) return delayBeforeMs(policy, Math.max(1, round) + count, random);
  return by !== "receiver" ? retryAfterMs : askedByReceiver(retryAfterMs, delayBeforeMs(policy, Math.max(1, round), random), random);
}

/** The verdict on a call that failed because its integration is down: it is made again later, no attempt is used, and no day of deferrals begins. */
export function heldBack(
  delivery: Judged,
  outcome: Extract<AttemptOutcome, { readonly kind: "failed" }>,
  { call, waitMs }: { readonly call: JudgeOptions["call"]; readonly waitMs: number },
): Verdict {
  const record = recordOf(delivery, outcome, call, "failed", outcome.class, outcome.error);
  return { kind: "defer", record, waitMs, retryAt: toIso(call.timing().nowMs + waitMs), deferrals: delivery.deferred };
}

/** The verdict on a delivery that is not called, because its integration is down since a moment ago. */
export function notCalled(
  { attempt, replay, deferred }: Judged,
  integration: string,
  { waitMs, nowMs }: { readonly waitMs: number /** Wall clock. */; readonly nowMs: number },
): Verdict {
  const error = { type: "NotCalled", message: `the integration ${integration} is down or asked for a break` };
  const call = { attempt, startedAt: toIso(nowMs), durationMs: 0, outcome: "failed", class: "not_ready", error } as const;
  return { kind: "defer", record: { ...call, ...byReplay(replay) }, waitMs, retryAt: toIso(nowMs + waitMs), deferrals: deferred };
}

/** Makes its record only when somebody asks for it: nobody does for a delivery that completes at its first call, and most do. */
class Completed {
  readonly kind = "completed";
  readonly #delivery: Judged;
  readonly #outcome: AttemptOutcome;
  readonly #call: JudgeOptions["call"];
  #record: AttemptRecord | null = null;

  constructor(delivery: Judged, outcome: AttemptOutcome, call: JudgeOptions["call"]) {
    this.#delivery = delivery;
    this.#outcome = outcome;
    this.#call = call;
    if (delivery.loan !== null) this.#record = this.record; // the replay that borrowed the lane asks for it later, when the call's times are gone
  }

  get record(): AttemptRecord {
    this.#record ??= recordOf(this.#delivery, this.#outcome, this.#call, "completed", null, null);
    return this.#record;
  }
}

function recordOf(
  { attempt, replay }: Judged,
  outcome: AttemptOutcome,
  call: JudgeOptions["call"],
  result: "completed" | "failed",
  failure: AttemptClass | null,
  error: AttemptError | null,
): AttemptRecord {
  const told: Omit<Extract<AttemptOutcome, { kind: "completed" }>, "kind"> = outcome.kind === "abandoned" || outcome.kind === "rule_failed" ? {} : outcome;
  const { httpStatus, responseHead, log, thrown } = told;
  const { startedAtMs, durationMs } = call.timing();
  const answer = { ...(httpStatus === undefined ? {} : { httpStatus }), ...(responseHead === undefined ? {} : { responseHead }) };
  const asked = call.asked();
  const appends = asked.filter((one) => "entity" in one);
  const effects = asked.filter((one): one is AskedEffect => !("entity" in one));
  return {
    attempt,
    startedAt: toIso(startedAtMs),
    durationMs: Math.round(durationMs),
    outcome: result,
    class: failure,
    error,
    ...(failure === null || error === null ? {} : { fingerprint: call.fingerprintOf({ class: failure, error, thrown, ...answer }) }),
    ...answer,
    ...(log === undefined || log.length === 0 ? {} : { log }),
    ...byReplay(replay),
    ...(effects.length === 0 ? {} : { effects }),
    ...(appends.length === 0 ? {} : { appends }),
  };
}

/** The text is always the same for the same trouble, because dead letters are counted by it. */
function deferredTooLong({ type, message }: AttemptError, howLong: string): AttemptError {
  return { type: "DeferredTooLong", message: clipChars(`put off ${howLong}; the last time: ${type}: ${message}`, 1000) };
}

/** The record of an event none of whose parts is for this handler. */
export function nothingToDo({ attempt, replay }: Pick<Delivery, "attempt" | "replay">, startedAtMs: number): AttemptRecord {
  return { attempt, startedAt: toIso(startedAtMs), durationMs: 0, outcome: "completed", class: null, error: null, ...byReplay(replay) };
}

/** The verdict on an event that the catalog cannot lift. */
export function unliftable(
  delivery: Pick<Delivery, "attempt" | "replay">,
  { reason, error }: Extract<Lifted, { readonly ok: false }>,
  about: Parameters<typeof refuseLift>[2],
): Verdict {
  if (reason === "newer_build") return { kind: "newer_build" };
  return reason === "damaged" ? { kind: "damaged", detail: error.message } : refuseLift(delivery, error, about);
}

/** The payload cannot be lifted: no call could help, so it is a dead letter at once. */
function refuseLift(
  { attempt, replay }: Pick<Delivery, "attempt" | "replay">,
  error: AttemptError,
  { policy, startedAtMs }: { readonly policy: RetryPolicy /** Wall clock, ms. */; readonly startedAtMs: number },
): Verdict {
  const record: AttemptRecord = {
    attempt,
    startedAt: toIso(startedAtMs),
    durationMs: 0,
    outcome: "failed",
    class: "schema",
    error,
    ...byReplay(replay),
  };
  return { kind: "give_up", record, cause: "schema", error, ...becomes(policy.onExhausted, error, { when: "before", nowMs: startedAtMs }) };
}

const byReplay = (replay: Delivery["replay"]) => (replay === null ? {} : { replayId: replay.replayId, actor: replay.actor });
