import type { Attempt } from "./attempt/attempt.ts";
import type { HandlerSpec } from "./handler-spec.ts";

/** Stands beside a handler at work and sees what it does; nothing that it does changes what becomes of a delivery. */
export interface HandlerTwin {
  /** Stands around each call. */
  attempt(attempt: Attempt): Attempt;
  /** A live delivery has completed: the only outcome without an entry of its own in the journal. */
  completed(): void;
}

export type TwinOf = (spec: HandlerSpec) => HandlerTwin;
