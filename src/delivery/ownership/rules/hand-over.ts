/** When the heir of a partition claims it. This is for order's sake only: a claim that comes too early fences the owner before, and nothing is lost. */
import type { ClusterState } from "./cluster-state.ts";

/** How long an owner lets its calls end before it lets go of a partition. */
export const drainMs = 10_000;
/** An owner that has not let go by then, counted from when its heir came to know of it, is not waited for. */
export const handOverMs = drainMs + 5000;

/** In place of an instance: somebody may hold it. */
export const unknownHolder = "?";

export interface Holder {
  /** The instance that claimed the journal last; null: nobody has, or it released it. Or `unknownHolder`. */
  readonly instance: string | null;
  /** When this instance came to know, on its monotonic clock. */
  readonly sinceMs: number;
}

/** @param assignedMs since when this instance knows that the partition is its own. */
export function mayClaim(nowMs: number, assignedMs: number, holder: Holder, me: string, { members }: Pick<ClusterState, "members">): boolean {
  const { instance } = holder;
  if (instance === null || instance === me || (instance !== unknownHolder && !members.has(instance))) return true;
  return nowMs - Math.max(assignedMs, holder.sinceMs) >= handOverMs;
}
