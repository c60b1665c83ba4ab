import type { Deferrals } from "./attempt.ts";
import type { LaneBlock } from "./lane-state.ts";

/** Where a dead letter's amendment stands. Its data may be large, and there may be many: the state keeps the place only, and delivery reads it. */
export interface AmendmentPointer {
  /** Of the `delivery.amended` in its journal. */
  readonly revision: number;
  /** The replay whose migration made it. */
  readonly replayId: string | null;
}

/** Both left out when there are none, and by the first builds. */
interface WaitSnapshot {
  /** How long the wait until `retryAt` was when it began: clocks may be set meanwhile, and waits are what was set. */
  readonly waitMs?: number;
  readonly deferred?: Deferrals;
}

export interface LetterSnapshot {
  readonly revision: number;
  readonly at: string;
  readonly eventId: string;
  readonly attempts: number;
  readonly escalated: boolean;
  /** Failed calls of the replay under way, and when its next one is due. */
  readonly replay: ({ readonly replayId: string; readonly failed: number; readonly retryAt: string | null } & WaitSnapshot) | null;
  /** Left out when the stored data is in force. */
  readonly amended?: AmendmentPointer;
}

/** A recorded intent to call (suspects, replays, `record: "each"`, `unknownOutcome: "escalate"`), open until the outcome is recorded. */
export interface StartedSnapshot {
  readonly lane: string;
  readonly revision: number;
  readonly at: string;
  readonly eventId: string;
  readonly attempt: number;
  readonly alone: boolean;
  readonly replayId: string | null;
  /** Ends of the process while it ran alone. */
  readonly crashes: number;
  /** As `Ends` has them; left out by the first builds. */
  readonly kills?: number;
  readonly told?: number;
}

/** Of a split event: its first part that is not done. */
export interface PartSnapshot {
  readonly lane: string;
  readonly revision: number;
  readonly at: string;
  readonly part: number;
}

export interface LaneSnapshot extends WaitSnapshot {
  readonly lane: string;
  readonly next: number;
  readonly at: string;
  readonly detached: boolean;
  readonly why: LaneBlock | null;
  readonly attempts: number;
  readonly retryAt: string | null;
  readonly letters: readonly LetterSnapshot[];
  /** Left out when it is not. */
  readonly paused?: true;
  readonly pace?: { readonly replayId: string; readonly through: number };
}
