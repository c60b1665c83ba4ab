import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import { within } from "../../event/waits.ts";

/** How long an operator's act waits for its record. */
export const actPatienceMs = 5000;

/** Whether whoever asked for an act still waits for its answer. */
export interface Patience {
  readonly over: boolean;
}

/**
 * Answers within the patience: with what the act came to, or with an error. The act has to look at `patience.over` before it begins to record anything,
 * since the caller was already told that it is not done.
 *
 * @throws LOG_UNAVAILABLE when the patience is over.
 */
export async function withPatience<T>(clock: Clock, act: (patience: Patience) => Promise<T>, patienceMs = actPatienceMs): Promise<T> {
  const patience = { over: false };
  return within(act(patience), patienceMs, clock, () => {
    patience.over = true;
    throw notInTime(patienceMs);
  });
}

export function notInTime(patienceMs = actPatienceMs): RepriseError {
  return new RepriseError("LOG_UNAVAILABLE", `The log did not record the act within ${patienceMs} ms: what shows is in force, and the rest is not done.`, {
    retryAfterMs: 1000,
  });
}
