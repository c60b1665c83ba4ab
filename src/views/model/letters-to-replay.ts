import type { FailureText } from "../../catalog/catalog.ts";
import type { AnyPosition, PositionText as Position } from "../../event/event.ts";
import type { DeadLetterFilter } from "./dead-letter.ts";

/** A dead letter as plans and replays need it: a pointer with its cause. */
export interface LetterPointer {
  readonly handler: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
  readonly eventId: string;
  /** As the log holds it. */
  readonly type: string;
  readonly attempts: number;
  readonly error: FailureText;
}

/** What a lane holds behind its dead letters. */
export interface HeldLane {
  /** Events held behind them, and the last one's revision. */
  readonly held: number;
  readonly through: number | null;
  /** Revisions of all its dead letters, in order. */
  readonly letters: readonly number[];
  readonly ordering: "strict" | "relaxed";
}

/** Dead letters as a replay chooses them: pointers, without payloads. */
export interface LetterPointers {
  /** Oldest event first. At most `limit`. */
  oldestDeadLetters(filter: DeadLetterFilter, limit: number): Promise<readonly LetterPointer[]>;
  /** The dead letters of these event or delivery ids, oldest event first, and how many of the ids name an event or delivery without one, or nothing. */
  deadLettersOf(
    tenant: string,
    ids: readonly string[],
  ): Promise<{ readonly letters: readonly LetterPointer[]; readonly notDeadLettered: number; readonly unknown: number }>;
  /** How many dead letters of the filter (of any of `handlers`) are younger than a position. Those that the replay itself left are not counted. */
  deadLettersSince(filter: DeadLetterFilter, handlers: readonly string[], position: AnyPosition, replayId: string): Promise<number>;
}

export interface HeldLanes {
  /** What lanes hold that have dead letters, in the order asked. */
  heldLanes(lanes: readonly { readonly handler: string; readonly stream: string }[]): Promise<readonly HeldLane[]>;
}
