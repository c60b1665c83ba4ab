import type { AttemptError, AttemptRecord, DeadLetterCause, Deferrals } from "../../records/attempt.ts";
import type { Escalation } from "../../records/escalation.ts";

/** What becomes of a delivery that is given up. `when`: whether the handler was called before it was escalated. */
export type Becomes =
  | { readonly becomes: "dead_letter" | "skip" }
  | { readonly becomes: "escalate"; readonly when: Escalation["when"]; readonly why: string /** Wall clock. */; readonly nowMs: number };

/** What an attempt came to, as the retry policy judged it. Times of the wall clock. */
export type Verdict =
  | { readonly kind: "completed"; readonly record: AttemptRecord }
  /** `deferrals` null: as they were. */
  | { readonly kind: "retry"; readonly record: AttemptRecord; readonly waitMs: number; readonly retryAt: string; readonly deferrals: Deferrals | null }
  | { readonly kind: "defer"; readonly record: AttemptRecord; readonly waitMs: number; readonly retryAt: string; readonly deferrals: Deferrals }
  | ({
      readonly kind: "give_up";
      /** Null when the handler was not called. */
      readonly record: AttemptRecord | null;
      readonly cause: DeadLetterCause;
      readonly error: AttemptError;
    } & Becomes)
  /** Nothing is to be done: the handler said so (`record` is its call), or a step of the chain says that the event does not exist any more. */
  | { readonly kind: "dropped"; readonly reason: string; readonly record: AttemptRecord | null }
  | { readonly kind: "newer_build" }
  /** The log's record of the event is damaged. */
  | { readonly kind: "damaged"; readonly detail: string }
  /** Nothing is recorded; the event keeps its place. */
  | { readonly kind: "put_back" };
