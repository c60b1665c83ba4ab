/** What the fold of a handler's journal knows of its partition. */
import type { Position } from "../../event/event.ts";
import type { Deferrals, Ends } from "../../records/attempt.ts";
import type { LaneStanding, LetterStanding } from "../partition/lane-standing.ts";

/** The wait before the next attempt. */
export interface WaitRecord {
  /** When it is due again (wall clock, ms). */
  retryAt: number | null;
  /** How long that was when the wait began; null: not known. */
  waitMs: number | null;
  deferred: Deferrals;
}

export interface LetterRecord extends LetterStanding {
  /** The replay under way: its failed calls so far, and when the next one is due (wall clock, ms). */
  replay: ({ replayId: string; failed: number } & WaitRecord) | null;
}

/** A recorded intent to call, without an outcome yet. */
export interface StartedRecord {
  readonly at: Position;
  readonly eventId: string;
  attempt: number;
  alone: boolean;
  readonly replayId: string | null;
  ends: Ends;
}

export interface LaneRecord extends LaneStanding, WaitRecord {
  readonly letters: Map<number, LetterRecord>;
}

export interface PartitionState {
  checkpoint: Position;
  /** The last owner released the partition: nothing was under way. */
  clean: boolean;
  /** The id of the last owner's process; null when it is not known. */
  life: string | null;
  /** Events that the last owner may have had under way beyond the checkpoint. */
  readAhead: number;
  /** What the journal's revisions are counted on from, so that epochs rise also where the handler was divided anew. */
  epochBase: number;
  /** Into how many partitions the handler's lanes were divided, in other journals: nobody owns this one any more. Null: it is in force. */
  closed: number | null;
  /** Stored types of which the last owner has known that they are wanted; null: nobody has said it. */
  types: readonly string[] | null;
  /** Lanes that do not simply flow, or are ahead of the checkpoint. */
  readonly lanes: Map<string, LaneRecord>;
  /** The lanes that are not detached. A new checkpoint has to look at these only. */
  readonly attached: Set<string>;
  /**
   * Calls on record without an outcome, by lane and revision. They stand apart from the lanes, because a call is no reason to keep a lane that the checkpoint
   * has passed.
   */
  readonly started: Map<string, Map<number, StartedRecord>>;
  /** Of events that were split: the first part that is not done, by lane and revision. Kept apart for the same reason. */
  readonly parts: Map<string, Map<number, { readonly at: Position; readonly part: number }>>;
}

export function emptyState(): PartitionState {
  return {
    checkpoint: 0n,
    clean: true,
    life: null,
    readAhead: 0,
    epochBase: 0,
    closed: null,
    types: null,
    lanes: new Map(),
    attached: new Set(),
    started: new Map(),
    parts: new Map(),
  };
}
