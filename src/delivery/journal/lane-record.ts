/** One lane's record in the state, and the steps that change it. */
import type { Position } from "../../event/event.ts";
import { noDeferrals } from "../policy/waits.ts";
import type { LaneRecord, PartitionState } from "./state.ts";

export const noWait = { retryAt: null, waitMs: null, deferred: noDeferrals };

const newLane = (next: number): LaneRecord => ({
  ...{ next, at: 0n, detached: false, why: null, attempts: 0, ...noWait, letters: new Map(), paused: false, pace: null },
});

export function laneOf(state: PartitionState, lane: string, next: number): LaneRecord {
  let record = state.lanes.get(lane);
  if (record === undefined) {
    state.lanes.set(lane, (record = newLane(next)));
    state.attached.add(lane);
  }
  return record;
}

export function detach(state: PartitionState, lane: string, record: LaneRecord): void {
  record.detached = true;
  state.attached.delete(lane);
}

/** Sets the first revision that is not done, and clears what was known of those before it. */
export function advance(record: LaneRecord, next: number, at: Position): void {
  if (next > record.next) {
    record.next = next;
    record.attempts = 0;
    Object.assign(record, noWait);
    record.why = null;
    if (record.pace !== null && next > record.pace.through) record.pace = null;
  }
  if (at > record.at) record.at = at;
}

/** A lane is kept in the state only while it says more than the checkpoint does. */
export const says = (record: LaneRecord, checkpoint: Position): boolean => record.detached || record.letters.size > 0 || record.at > checkpoint;
