/** Entries of the state by lane and revision. */
import type { Position } from "../../event/event.ts";
import type { PartitionState } from "./state.ts";

export type ByDelivery<T> = Map<string, Map<number, T>>;

export function put<T>(entries: ByDelivery<T>, lane: string, revision: number, entry: T): void {
  const revisions = entries.get(lane);
  if (revisions === undefined) entries.set(lane, new Map([[revision, entry]]));
  else revisions.set(revision, entry);
}

export function remove<T>(entries: ByDelivery<T>, lane: string, revision: number): void {
  const revisions = entries.get(lane);
  if (revisions?.delete(revision) && revisions.size === 0) entries.delete(lane);
}

/** Forgets the entries of deliveries that are done, dead letters apart. */
export function removeDone(state: PartitionState, entries: ByDelivery<{ readonly at: Position }>): void {
  for (const [lane, revisions] of entries) {
    const record = state.lanes.get(lane);
    for (const [revision, { at }] of revisions) {
      if (record?.letters.has(revision)) continue;
      if (revision < (record?.next ?? 0) || (!record?.detached && at <= state.checkpoint)) remove(entries, lane, revision);
    }
  }
}
