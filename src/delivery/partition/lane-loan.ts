import type { StoredEvent } from "../../event/event.ts";
import type { AttemptError, AttemptRecord, Deferrals, Ends } from "../../records/attempt.ts";
import type { ReplayOfCall } from "../replay-mode.ts";
import type { Lane } from "./lane.ts";
import type { Withdrawal } from "./letter.ts";

/** How far a delivery of a replay's own has come. */
export interface LoanProgress {
  /** Failed calls. */
  readonly failed: number;
  readonly deferred: Deferrals;
  /** Monotonic time of the next attempt; null: now. */
  readonly dueMs: number | null;
  /** Of a split event: the first part that is not done. */
  readonly part: LaneLoan["part"];
}

/** Waits until the next attempt is due, and then for its turn. @returns false when nobody wants it any more */
export type NextTurn = (inMs: number) => Promise<boolean>;

/** A delivery that is a replay's own: of history, or to another handler. What has to be on record of it is in the replay's stream. */
export interface LoanedCall {
  readonly revision: number;
  /** Its event: asked for once its lane may run it, and again when something kept it meanwhile. Whoever asked for the call is told when that cannot be read. */
  readonly read: () => Promise<StoredEvent>;
  readonly replay: ReplayOfCall;
  /** How far it had come when its replay took it back; null: it begins. */
  readonly before: LoanProgress | null;
  /** What earlier ends of the process say of it; null: none of them cut it off. */
  readonly ends: Ends | null;
  /** Its call is on record before it is made, whatever the handler asks for. */
  readonly recordFirst: boolean;
  /** Puts on record that it is about to be called, alone or not. Null: nothing of it is ever recorded. */
  readonly record: ((alone: boolean) => Promise<unknown>) | null;
  /** Where another instance delivers it: its place among the replay's items, and whether it carries what the dead letter was amended with. */
  readonly source: { readonly item: number; readonly amended: boolean };
  /** Takes a turn of its replay's pace for each further attempt, where another instance delivers it. Default: no rate binds it. */
  readonly nextTurn?: NextTurn | null;
  /** It is another instance's, which takes a turn for each of its calls: one that failed goes back to it. */
  readonly turnByTurn?: boolean;
  /** It ran alone, and from now on it is not the one that ends the process: it has ended, or others run beside it. */
  readonly onNotAlone: (() => void) | null;
}

/** What became of it. `attempts`: its calls; of a split event, those of the last part. */
export type LoanEnd =
  | { readonly kind: "completed"; readonly attempts: number; readonly record: AttemptRecord }
  /** A step of the chain says that the event does not exist any more. */
  | { readonly kind: "dropped"; readonly attempts: number }
  | { readonly kind: "failed"; readonly attempts: number; readonly error: AttemptError }
  | { readonly kind: "newer_build" }
  /** The log's record of the event is damaged. */
  | { readonly kind: "damaged"; readonly attempts: number; readonly detail: string }
  /** Its replay took it back, or, where it `awaitsTurn`, is to ask for the next attempt with a turn. */
  | { readonly kind: "withdrawn"; readonly progress: LoanProgress; readonly awaitsTurn?: true };

/** A replay's own deliveries borrow the lane's slot: live ones queue behind, and nothing of the lane's record changes. */
export interface LaneLoan {
  readonly lane: Lane;
  readonly replayId: string;
  readonly sinceMs: number;
  /** What waits for its turn, its slot or its retry, or runs. */
  call: LoanedCall | null;
  /** The call's event, once it was read. */
  event: StoredEvent | null;
  failed: number;
  deferred: Deferrals;
  dueMs: number | null;
  /** While these are known, its call runs alone. */
  ends: Ends | null;
  /** Its call starts when that is on record: that it runs alone, or beside others. Null: nothing has to be recorded, or it is. */
  toRecord: "alone" | "beside" | null;
  /** It was taken back while its call ran, so it is not tried again. `stop`: a call that fails now is the last one. */
  leaving: Withdrawal | null;
  /** Of a split event: the first part that is not done. */
  part: { readonly index: number } | null;
}
