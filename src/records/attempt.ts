/** One call of a handler, and what the ends of a process say about it, as kept. */
import type { FailureText } from "../catalog/catalog.ts";

/** Of one call, over the starts of the process. */
export interface Ends {
  /** Ends that the process told, or whose kind nobody knows, while nothing else ran. */
  readonly crashes: number;
  /** Ends that nobody told, while nothing else ran: a kill from outside, power, the machine's memory. */
  readonly kills: number;
  /** All ends that the process told while the call was under way, alone or not. */
  readonly told: number;
}

/** How often a delivery was put off in this round, and for how many milliseconds in all. */
export interface Deferrals {
  readonly count: number;
  readonly ms: number;
}

export const deadLetterCauses = ["exhausted", "terminal", "schema", "crash", "unknown_outcome", "given_up"] as const;
export type DeadLetterCause = (typeof deadLetterCauses)[number];

/** How a call failed: it decides whether the call is repeated. */
export const attemptClasses = ["transient", "not_ready", "terminal", "schema", "crash", "timeout"] as const;
export type AttemptClass = (typeof attemptClasses)[number];

export interface AttemptError extends FailureText {
  /** At most 4 KiB. */
  readonly stack?: string;
}

/** One call of a delivery, as kept. */
export interface AttemptRecord {
  /** Counts all calls of the delivery, from 1. */
  readonly attempt: number;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly outcome: "completed" | "failed";
  readonly class: AttemptClass | null;
  readonly error: AttemptError | null;
  readonly httpStatus?: number;
  /** First 4 KiB of what a webhook answered. */
  readonly responseHead?: string;
  readonly log?: readonly string[];
  readonly replayId?: string;
  readonly actor?: string;
  /** Of a dry run: effects that it asked for and that were not run; `recorded` ones gave the result on record. */
  readonly effects?: readonly { readonly key: string; readonly recorded: boolean }[];
}
