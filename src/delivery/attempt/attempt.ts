import type { CurrentEvent } from "../../event/event.ts";
import type { AttemptError } from "../../records/attempt.ts";
import type { Escalation } from "../../records/escalation.ts";
import type { EffectScope } from "../effects/effect-scope.ts";
import type { FollowUpScope } from "../follow-ups/follow-up-scope.ts";
import type { HandlerContext } from "../handler-context.ts";
import type { ReplayOfCall } from "../replay-mode.ts";

/** One call of a handler, as the dispatcher asks for it. */
export interface AttemptRequest {
  readonly event: CurrentEvent;
  /** Which call of the delivery it is, from 1. */
  readonly attempt: number;
  readonly deliveryId: string;
  /** Of the owner that calls: a later owner's is higher, for each entity. */
  readonly epoch?: number;
  readonly replay: ReplayOfCall | null;
  /** The span of this call, for a webhook, as `traceparent` has it. Default: what the event was given. */
  readonly traceparent?: string;
  /** Who approved the delivery; nothing: nobody was asked, or has decided. */
  readonly approval?: HandlerContext["approval"];
  /** `context.effect`, for a function. */
  readonly effect: EffectScope["run"];
  /** `context.append`, for a function. */
  readonly append: FollowUpScope["append"];
  readonly timeoutMs: number;
  /** Error names that are terminal at once. */
  readonly nonRetryable: readonly string[];
  /** Aborts when the service stops: the call is abandoned and its outcome is not recorded. */
  readonly signal: AbortSignal;
}

interface AttemptDetails {
  /** What a function threw, where it threw: its fingerprint is made of it. Kept nowhere. */
  readonly thrown?: unknown;
  readonly httpStatus?: number;
  readonly responseHead?: string;
  readonly log?: readonly string[];
}

export type AttemptOutcome =
  | ({ readonly kind: "completed" } & AttemptDetails)
  | ({ readonly kind: "failed"; readonly class: "transient" | "terminal" | "timeout"; readonly error: AttemptError } & AttemptDetails)
  /**
   * Not ready: no attempt is used. `retryAfterMs` null: the retry policy's delay. A handler's own
   * wait is kept to; a receiver's is no shorter than the policy's. `integration`: the handler says that what it calls asked for a break.
   */
  | ({
      readonly kind: "deferred";
      readonly error: AttemptError;
      readonly retryAfterMs: number | null;
      readonly by: "handler" | "integration" | "receiver";
    } & AttemptDetails)
  /** The handler says that there is nothing to do. */
  | ({ readonly kind: "skipped"; readonly reason: string } & AttemptDetails)
  /** A person has to decide: the handler's rule says so before the call, or the handler itself. */
  | ({ readonly kind: "escalated"; readonly when: Escalation["when"]; readonly error: AttemptError } & AttemptDetails)
  /** The handler's rule did not say whether a person has to decide, so the handler is not called. */
  | { readonly kind: "rule_failed"; readonly error: AttemptError }
  /** 410: the receiver is gone for good; the handler pauses and the delivery stays pending. */
  | ({ readonly kind: "gone"; readonly error: AttemptError } & AttemptDetails)
  /** The service stops: nothing is recorded, the delivery starts again next time. */
  | { readonly kind: "abandoned" };

/** Who is told how a call ends. It must not throw. */
export interface CallListener {
  /** The outcome is there when the time of the call is up, at the latest. */
  onOutcome(outcome: AttemptOutcome): void;
  /** The call itself has ended: until then nothing else of its lane may start. For a webhook, destroying the socket is the end. Never before the outcome. */
  onSettled(): void;
}

/** A call under way. */
export interface AttemptInFlight {
  readonly kind: "running";
  /** Who listens is told at once of a moment that has been. */
  listen(listener: CallListener): void;
  /** The same as promises, made when they are asked for. Neither rejects. */
  readonly outcome: Promise<AttemptOutcome>;
  readonly settled: Promise<unknown>;
}

/** How a handler is called: a function in this process, or a webhook. */
export interface Attempt {
  /** Calls it once. Returns the outcome itself when the call has already ended, as that of a function without a promise has. */
  call(request: AttemptRequest): AttemptInFlight | AttemptOutcome;
}
