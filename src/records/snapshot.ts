import type { Deferrals } from "./attempt.ts";
import type { Approval, DecisionSnapshot } from "./escalation.ts";
import type { LaneBlock } from "./lane-state.ts";

/** The place of a dead letter's amendment. Its data may be large, and there may be many, so the state keeps only the place, and delivery reads the data. */
export interface AmendmentPointer {
  /** Revision of the `delivery.amended` in its journal. */
  readonly revision: number;
  /** Stream of that journal, where it is another one: the handler was divided anew since. */
  readonly journal?: string;
  /** The replay whose migration made it. */
  readonly replayId: string | null;
}

/** Both are left out when there are none. The first builds left them out always. */
interface WaitSnapshot {
  /** How long the wait until `retryAt` was when it began. The wall clock may be set meanwhile, and the wait keeps this length. */
  readonly waitMs?: number;
  readonly deferred?: Deferrals;
}

export interface LetterSnapshot {
  readonly revision: number;
  readonly at: string;
  readonly eventId: string;
  readonly attempts: number;
  readonly escalated: boolean;
  /** Failed calls of the replay under way, and the time at which its next call is due. */
  readonly replay: ({ readonly replayId: string; readonly failed: number; readonly retryAt: string | null } & WaitSnapshot) | null;
  /** Left out when deliveries carry the stored data. */
  readonly amended?: AmendmentPointer;
  /** What it waits for. The first builds left it out, also of one that is escalated. */
  readonly decision?: DecisionSnapshot;
  readonly approval?: Approval;
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
  /** As in `Ends`. The first builds left them out. */
  readonly kills?: number;
  readonly told?: number;
}

/** The first part of a split event that is not done. */
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
