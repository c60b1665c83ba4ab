import type { StoredEvent } from "../../event/event.ts";
import type { Deferrals } from "../../records/attempt.ts";
import type { ReplayOfCall } from "../replay-mode.ts";
import type { Lane } from "./lane.ts";

/** One call of a delivery that is a replay's own: of history, or to another handler. */
export interface LoanedCall {
  readonly event: StoredEvent;
  /** Which call of this delivery it is, from 1; all of them are of one round. */
  readonly attempt: number;
  /** How often it was put off before. */
  readonly deferred: Deferrals;
  readonly replay: ReplayOfCall;
}

/** A replay's own deliveries borrow the lane's slot: live ones queue behind, and nothing of the lane's record changes. */
export interface LaneLoan {
  readonly lane: Lane;
  readonly replayId: string;
  readonly sinceMs: number;
  /** What waits for its turn and its slot, or runs. */
  call: LoanedCall | null;
  /** Of a split event that is tried again: the first part that is not done. */
  part: { readonly revision: number; readonly index: number } | null;
}
