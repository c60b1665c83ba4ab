/** One lane's record in the state: the rules of `lane-standing.ts`, and what only the journal's side keeps. */
import type { Position } from "../../event/event.ts";
import { moveOn, paceIsOver } from "../partition/lane-standing.ts";
import { noDeferrals } from "../policy/waits.ts";
import type { LaneRecord, PartitionState } from "./state.ts";

export const noWait = { retryAt: null, waitMs: null };

const newLane = (next: number): LaneRecord => ({
  ...{ next, at: 0n, detached: false, blockedBy: null, attempts: 0, ...noWait, deferred: noDeferrals, letters: new Map(), paused: false, pace: null },
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

/** Everything before `next` is done. */
export function advance(record: LaneRecord, next: number, at: Position): void {
  if (!moveOn(record, next, at)) return;
  Object.assign(record, noWait);
  if (paceIsOver(record)) record.pace = null;
}
