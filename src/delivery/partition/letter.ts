import type { StoredEvent } from "../../event/event.ts";
import type { AttemptError, Deferrals, Ends } from "../../records/attempt.ts";
import type { ReplayMode } from "../replay-mode.ts";
import type { LetterStanding } from "./lane-standing.ts";

/** A dead letter as its lane keeps it. */
export interface Letter extends LetterStanding {
  /** Its replay was under way when the process died: the next one runs alone. */
  suspect?: Ends | null;
  /** The replay that was under way when the process ended: one with the same id goes on from there. */
  replay: { readonly replayId: string; readonly failed: number; readonly deferred: Deferrals; readonly dueMs: number | null } | null;
}

/** What it is called, in records. */
export const stateOf = ({ decision }: Pick<Letter, "decision">) => (decision === null ? ("dead_lettered" as const) : ("escalated" as const));

/** Why a replay takes back what it began. */
export type Withdrawal = "pause" | "stop";

/** A dead letter that an operator has delivered again. */
export interface LetterReplay {
  readonly revision: number;
  readonly replayId: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly effects: ReplayMode["effects"];
  /** Once the letter is settled, the lane's live deliveries up to this revision stay on the replay's pace; null: they do not. */
  readonly through: number | null;
  /** Nobody has to know what came of the calls before it: its start may be recorded ahead of its slot. */
  readonly startsAhead: boolean;
  /** It was withdrawn while its call ran, so it is not tried again. `pause`: the same replay begins it again later. `stop`: a call that fails now is the last one. */
  leaving: Withdrawal | null;
  /** The letter's event, once it was read. */
  event: StoredEvent | null;
  /** Monotonic time of the next attempt; null: now. */
  dueMs: number | null;
  /** Failed calls of this replay. */
  failed: number;
  deferred: Deferrals;
  /** Null: it takes turns of its replay's pace here. Otherwise its runner, at another instance, takes each, and asks for the call with it. */
  turn: "taken" | "awaited" | null;
  /** Number of the flush that records its next call ahead of its slot; null: none does. */
  startIn: number | null;
}

/** Which call of the letter comes next, from 1. */
export const attemptOf = ({ letters }: { readonly letters: ReadonlyMap<number, Letter> }, { revision }: Pick<LetterReplay, "revision">): number =>
  (letters.get(revision)?.attempts ?? 0) + 1;

/** What a replay of a letter says beside the letter. */
export type LetterReplayTerms = Pick<LetterReplay, "replayId" | "actor" | "reason"> &
  Partial<Pick<LetterReplay, "effects" | "through" | "startsAhead">> & {
    /** Its runner is at another instance, and takes a turn for each of its calls. */
    readonly turnByTurn?: boolean;
  };

export type LetterReplayEnd =
  | { readonly outcome: "replayed" }
  | { readonly outcome: "dead_lettered"; readonly error: AttemptError }
  /** It did not start: why. */
  | { readonly outcome: "skipped"; readonly reason: string }
  /** Its replay took it back. What ran failed, and it was not the last attempt. */
  | { readonly outcome: "withdrawn" }
  /** No end yet: it failed, and its runner is to ask for the next attempt, with a turn, when it is due. */
  | { readonly outcome: "awaits_turn"; readonly inMs: number };
