import type { GivenEvent, StoredEvent } from "../../event/event.ts";
import type { FailureText, LiftStep } from "../catalog.ts";

export interface Piece {
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: unknown;
}

export interface Refusal {
  readonly error: FailureText;
  readonly from: number;
  readonly to: number;
}

/** The results of lifting one payload so far. */
export interface Way {
  readonly stored: StoredEvent | GivenEvent;
  readonly seen: ((step: LiftStep) => void) | undefined;
  readonly pieces: Piece[];
  dropped: string | null;
}

/** Lifts `data` to the end of one chain and puts the result into `way.pieces`. @returns what went wrong, or null. */
export type Raise = (data: unknown, way: Way, splits: number) => Refusal | null;
