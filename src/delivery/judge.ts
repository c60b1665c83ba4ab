/** From what an attempt came to, to what the partition has to do about it. Pure. */
import { toIso } from "../event/clock.ts";
import type { AttemptOutcome } from "./attempt.ts";
import type { AskedEffect } from "./effects.ts";
import type { RetryPolicy } from "./handler-spec.ts";
import type { AttemptClass, AttemptError, AttemptRecord } from "./journal-events.ts";
import type { Delivery } from "./lane.ts";
import type { Verdict } from "./partition.ts";
import { decide, delayBeforeMs } from "./retry-policy.ts";

export interface JudgeOptions {
  readonly policy: RetryPolicy;
  /** `escalate`: a call that is abandoned is never repeated by itself. */
  readonly unknownOutcome: "repeat" | "escalate";
  readonly random: () => number;
  /** Wall clock, ms. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Monotonic. */
  readonly durationMs: number;
  /** Of a dry run. */
  readonly askedEffects: readonly AskedEffect[];
}

export function judge({ attempt, round, order }: Pick<Delivery, "attempt" | "round" | "order">, outcome: AttemptOutcome, options: JudgeOptions): Verdict {
  const { policy, random, endedAtMs } = options;
  const record = (result: "completed" | "failed", failure: AttemptClass | null, error: AttemptError | null): AttemptRecord => {
    const { httpStatus, responseHead, log } = outcome.kind === "abandoned" ? {} : outcome;
    return {
      attempt,
      startedAt: toIso(options.startedAtMs),
      durationMs: Math.round(options.durationMs),
      outcome: result,
      class: failure,
      error,
      ...(httpStatus === undefined ? {} : { httpStatus }),
      ...(responseHead === undefined ? {} : { responseHead }),
      ...(log === undefined || log.length === 0 ? {} : { log }),
      ...byOrder(order),
      ...(options.askedEffects.length === 0 ? {} : { effects: options.askedEffects }),
    };
  };
  switch (outcome.kind) {
    case "completed":
      return {
        kind: "completed",
        // Of what goes well at the first call nobody asks for it.
        get record() {
          return record("completed", null, null);
        },
      };
    case "deferred": {
      const waitMs = outcome.retryAfterMs ?? delayBeforeMs(policy, Math.max(1, round), random);
      return { kind: "defer", record: record("failed", "not_ready", outcome.error), waitMs, retryAt: toIso(endedAtMs + waitMs) };
    }
    case "failed": {
      const decision = decide(policy, { failed: round + 1, class: outcome.class });
      if (decision.kind === "give_up")
        return {
          kind: "give_up",
          record: record("failed", outcome.class, outcome.error),
          cause: decision.cause,
          error: outcome.error,
          skip: policy.onExhausted === "skip",
        };
      const waitMs = delayBeforeMs(policy, round + 1, random);
      return { kind: "retry", record: record("failed", outcome.class, outcome.error), waitMs, retryAt: toIso(endedAtMs + waitMs) };
    }
    case "gone":
      return { kind: "put_back" };
    case "abandoned": {
      if (options.unknownOutcome === "repeat") return { kind: "put_back" };
      const error = { type: "UnknownOutcome", message: "the service stopped while the handler was called; what it did is unknown" };
      return { kind: "give_up", record: record("failed", "crash", error), cause: "unknown_outcome", error, skip: false };
    }
  }
}

/** Nothing of what the event is today is for this handler. */
export function nothingToDo({ attempt, order }: Pick<Delivery, "attempt" | "order">, startedAtMs: number): AttemptRecord {
  return { attempt, startedAt: toIso(startedAtMs), durationMs: 0, outcome: "completed", class: null, error: null, ...byOrder(order) };
}

/** The payload cannot be lifted: no call could help, so it is a dead letter at once. */
export function refuseLift(
  { attempt, order }: Pick<Delivery, "attempt" | "order">,
  error: AttemptError,
  { policy, startedAtMs }: Pick<JudgeOptions, "policy" | "startedAtMs">,
): Verdict {
  const record: AttemptRecord = {
    attempt,
    startedAt: toIso(startedAtMs),
    durationMs: 0,
    outcome: "failed",
    class: "schema",
    error,
    ...byOrder(order),
  };
  return { kind: "give_up", record, cause: "schema", error, skip: policy.onExhausted === "skip" };
}

const byOrder = (order: Delivery["order"]) => (order === null ? {} : { replayId: order.replayId, actor: order.actor });
