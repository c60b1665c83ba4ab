/** Makes a retry policy out of its layers: defaults, preset, handler, event type. */
import type { RetryOptions } from "../delivery/handler.ts";
import type { RetryPolicy } from "../delivery/handler-spec.ts";
import { defined } from "./defined.ts";
import { invalid } from "./refuse.ts";

const backOffFields = ["initialDelayMs", "factor", "maxDelayMs"] as const;

export const defaultPolicy: RetryPolicy = {
  maxAttempts: 3,
  initialDelayMs: 2000,
  factor: 2,
  maxDelayMs: 60_000,
  jitter: "none",
  schedule: null,
  maxElapsedMs: null,
  timeoutMs: 15_000,
  nonRetryable: [],
  onExhausted: "dead_letter",
};

/**
 * The policy with some of its fields given anew. A schedule takes the place of the whole back-off below it, jitter and attempts included, and a back-off that of
 * a schedule.
 *
 * @param field of the options, for the message.
 * @throws CONFIG_INVALID when both are given at once, or the first wait is above the longest one, so that it would be cut silently.
 */
export function overridden(policy: RetryPolicy, options: RetryOptions, field: string): RetryPolicy {
  const given = defined(options);
  const backOff = backOffFields.find((name) => given[name] !== undefined);
  if (given.schedule !== undefined) {
    if (backOff !== undefined)
      throw invalid(`${field}.schedule`, `stands beside ${backOff}: give the waits one by one as \`schedule\`, or as a back-off (${backOffFields.join(", ")})`);
    return { ...policy, jitter: "none", maxAttempts: given.schedule.length + 1, ...given };
  }
  const made = backOff === undefined ? { ...policy, ...given } : { ...policy, schedule: null, ...given };
  const { initialDelayMs, maxDelayMs } = made;
  if (initialDelayMs > maxDelayMs)
    throw invalid(`${field}.initialDelayMs`, `is ${initialDelayMs}, above maxDelayMs, which is ${maxDelayMs}: raise maxDelayMs or lower initialDelayMs`);
  return made;
}
