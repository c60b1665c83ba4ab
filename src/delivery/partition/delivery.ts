import type { StoredEvent } from "../../event/event.ts";
import type { Deferrals } from "../../records/attempt.ts";
import type { Lane } from "./lane.ts";
import type { LaneLoan } from "./lane-loan.ts";
import type { LetterReplay } from "./letter.ts";
import type { Permit } from "./permits.ts";

/** One event for the handler, under way. */
export interface Delivery {
  readonly lane: Lane;
  readonly event: StoredEvent;
  /** Which call it is, over all rounds, from 1; of a split event, which call of the part. */
  attempt: number;
  /** Failed calls before it in this round: what the retry policy counts. */
  round: number;
  /** How often it was put off before. */
  deferred: Deferrals;
  /** Of a split event: which part is called, and of how many. Null until it is lifted, and for one that is not split. */
  part: { readonly index: number; readonly of: number } | null;
  readonly replay: LetterReplay | null;
  readonly loan: LaneLoan | null;
  /** It was called before, or may have been: effects may be on record. */
  readonly doubtful: boolean;
  readonly wasFailing: boolean;
  /** Monotonic; when it was given its slot. */
  readonly startedMs: number;
  /** Outcomes that the handler had counted when this delivery was given its slot. */
  readonly outcomesBefore: number;
  /** Its outcome is known. */
  concluded: boolean;
  hasSlot: boolean;
  /** The leave of the integration that the handler calls; null: it needs none. */
  readonly permit: Permit | null;
  /** Its place among those that run. */
  place: number;
}
