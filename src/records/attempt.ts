/** The stored forms of one call of a handler, and of the ends of a process during it. */
import type { FailureText } from "../catalog/catalog.ts";
import type { Entity } from "../event/event.ts";

/** Counts the ends of the process during one call, over all its starts. */
export interface Ends {
  /** Ends that the process reported, or whose kind nobody knows, while nothing else ran. */
  readonly crashes: number;
  /** Ends that nobody reported, while nothing else ran: a kill from outside, a power cut, a machine without memory. */
  readonly kills: number;
  /** All ends that the process reported while the call was under way, whether it ran alone or not. */
  readonly told: number;
}

/** How often a delivery was put off in this round, and for how many milliseconds in all. */
export interface Deferrals {
  readonly count: number;
  readonly ms: number;
  /** Milliseconds that its calls and the waits after them took, failed ones too. Kept only where the policy has `maxElapsedMs`. */
  readonly elapsedMs?: number;
}

export const deadLetterCauses = ["exhausted", "terminal", "schema", "crash", "unknown_outcome", "given_up"] as const;
export type DeadLetterCause = (typeof deadLetterCauses)[number];

/** How a call failed: it decides whether the call is repeated. */
export const attemptClasses = ["transient", "not_ready", "terminal", "schema", "crash", "timeout"] as const;
export type AttemptClass = (typeof attemptClasses)[number];

export interface AttemptError extends FailureText {
  /** At most 4 KiB. */
  readonly stack?: string;
  /** The message is only what the failures of its group have in common: the delivery was over, and the journal was shortened. */
  readonly common?: true;
}

/** An append that a dry run asked for and that was not stored. `recorded`: an earlier call had stored it. */
export interface AskedAppend {
  readonly type: string;
  readonly entity: Entity;
  readonly key?: string;
  readonly recorded: boolean;
}

/** The stored form of one call of a delivery. */
export interface AttemptRecord {
  /** Counts all calls of the delivery, from 1. */
  readonly attempt: number;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly outcome: "completed" | "failed";
  readonly class: AttemptClass | null;
  readonly error: AttemptError | null;
  /** What it has in common with the failures of its error group. The first builds left it out, and so does a failure that no handler was called for. */
  readonly fingerprint?: string;
  readonly httpStatus?: number;
  /** First 4 KiB of a webhook's answer. */
  readonly responseHead?: string;
  readonly log?: readonly string[];
  readonly replayId?: string;
  readonly actor?: string;
  /** Effects that a dry run asked for and that were not run. A `recorded` one returned the result on record. */
  readonly effects?: readonly { readonly key: string; readonly recorded: boolean }[];
  readonly appends?: readonly AskedAppend[];
}
