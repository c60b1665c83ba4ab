import type { AttemptClass, DeadLetterCause } from "../../records/attempt.ts";
import type { RetryPolicy } from "../handler-spec.ts";
import { minWaitMs } from "./waits.ts";

/** The calls of one delivery since its retry policy started: when it was first delivered, or with its last replay. */
export interface Round {
  /** Failed calls, the last one included; deferred ones do not count. */
  readonly failed: number;
  /** The class of the last call's failure. */
  readonly class: AttemptClass;
}

export type Decision = { readonly kind: "retry" } | { readonly kind: "give_up"; readonly cause: Extract<DeadLetterCause, "exhausted" | "terminal"> };

/** Whether another call follows a failed one. What giving up means (`onExhausted`) is for the caller to decide. */
export function decide(policy: Pick<RetryPolicy, "maxAttempts">, round: Round): Decision {
  if (round.class === "terminal") return { kind: "give_up", cause: "terminal" };
  return round.failed < policy.maxAttempts ? { kind: "retry" } : { kind: "give_up", cause: "exhausted" };
}

/**
 * Milliseconds to wait after `failedAttempts` failed calls (from 1): what the schedule says (its last wait again and again, when it is too short), or
 * min(initialDelayMs · factor^(failedAttempts−1), maxDelayMs); then jitter. `full` gives 0 … wait, `equal` wait/2 … wait, a ratio r wait·(1−r) … wait·(1+r), where a back-off's wait·(1+r) is at most maxDelayMs: no
 * wait is longer. None is shorter than 10 ms.
 *
 * @param random 0 ≤ random() < 1; not called without jitter.
 */
export function delayBeforeMs(
  policy: Pick<RetryPolicy, "initialDelayMs" | "factor" | "maxDelayMs" | "jitter" | "schedule">,
  failedAttempts: number,
  random: () => number,
): number {
  const { jitter, schedule } = policy;
  const waitMs = schedule === null ? grownMs(policy, failedAttempts) : schedule[Math.min(Math.max(1, failedAttempts), schedule.length) - 1]!;
  return Math.max(minWaitMs, waitMs * spread(jitter, random));
}

function grownMs({ initialDelayMs, factor, maxDelayMs, jitter }: Parameters<typeof delayBeforeMs>[0], failedAttempts: number): number {
  // factor^n ends at Infinity, and 0 · Infinity is NaN.
  const grown = initialDelayMs === 0 ? 0 : initialDelayMs * factor ** Math.max(0, failedAttempts - 1);
  return Math.min(grown, maxDelayMs / (1 + (typeof jitter === "number" ? jitter : 0)));
}

function spread(jitter: RetryPolicy["jitter"], random: () => number): number {
  switch (jitter) {
    case "none":
      return 1;
    case "full":
      return random();
    case "equal":
      return 0.5 + 0.5 * random();
    default:
      return 1 + jitter * (2 * random() - 1);
  }
}
