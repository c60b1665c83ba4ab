import type { Attempt, AttemptOutcome } from "./attempt/attempt.ts";
import type { HandlerSpec } from "./handler-spec.ts";

/** Told of what a handler does. It is called for each delivery: the cheapest way to count. */
export interface CallsSeen {
  /** A call has ended, or nobody waits for it any more; also where a rule stood in its place. */
  called(outcome: AttemptOutcome, call: { timing(): { readonly durationMs: number } }): void;
  /** A live delivery has completed: the only outcome without an entry of its own in the journal. */
  completed(): void;
}

export const nobodySees: CallsSeen = { called() {}, completed() {} };

/** Stands beside a handler at work and sees what it does; nothing that it does changes what becomes of a delivery. */
export interface HandlerTwin {
  readonly seen: CallsSeen;
  /** Stands around each call. */
  attempt(attempt: Attempt): Attempt;
}

export type TwinOf = (spec: HandlerSpec) => HandlerTwin;
