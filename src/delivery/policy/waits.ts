import type { Deferrals } from "../../records/attempt.ts";
import type { RetryPolicy } from "../handler-spec.ts";

/** How long a delivery waits for its next call: what a policy, a handler or a receiver says, within bounds. No wait is zero, and none goes on for ever. */

/** The shortest wait, also for those who ask for less. Without it, one receiver was called 3,600 times a second, with as many records. */
export const minWaitMs = 10;
/** The longest wait that a handler or a receiver may ask for: 24 h. */
export const maxRetryAfterMs = 86_400_000;
/** The longest wait of a retry policy, a week: what the config says is kept. */
export const maxDelayMs = 7 * 86_400_000;
/** How long one delivery may be put off in all; after that it is a dead letter. */
export const maxDeferredMs = 86_400_000;
/** The shortest wait doubles with each deferral up to this, whatever was asked for. */
const maxFirstFloorMs = 1000;
/**
 * After that, the shortest wait is this part of the time that the deferrals took so far. A day of them makes fewer than 100 records, and a receiver that is
 * back is called after an eighth of its outage at most.
 */
const floorPart = 1 / 8;

/** How much longer than asked a receiver is left alone at most, by chance: what many entities were told in one moment does not come back in one moment. */
const askedJitter = 0.1;

export const noDeferrals: Deferrals = { count: 0, ms: 0 };

/** @param askedMs what was asked for: any number. @returns null when the delivery has been put off for long enough. */
export function putOff(askedMs: number, { count, ms }: Deferrals): { readonly waitMs: number; readonly deferrals: Deferrals } | null {
  const leftMs = maxDeferredMs - ms;
  if (leftMs < minWaitMs) return null;
  const floorMs = Math.max(Math.min(minWaitMs * 2 ** Math.min(count, 20), maxFirstFloorMs), ms * floorPart);
  const waitMs = Math.min(Math.ceil(Math.max(askedMs, floorMs)), leftMs);
  return { waitMs, deferrals: { count: count + 1, ms: ms + waitMs } };
}

/** What a receiver asked for, or the policy's wait where that is longer, and up to a tenth of it more; at most 24 h. */
export function askedByReceiver(askedMs: number, policyMs: number, random: () => number): number {
  return Math.min(Math.max(askedMs, policyMs) * (1 + askedJitter * random()), maxRetryAfterMs);
}

/** The time that a round has taken when the wait after this call is over. Null: the policy sets no limit to it. */
export function elapsedAfter({ maxElapsedMs }: Pick<RetryPolicy, "maxElapsedMs">, { elapsedMs = 0 }: Deferrals, durationMs: number, waitMs: number) {
  if (maxElapsedMs === null) return null;
  const afterMs = elapsedMs + Math.round(durationMs) + Math.ceil(waitMs);
  return { elapsedMs: afterMs, isOver: afterMs > maxElapsedMs };
}
