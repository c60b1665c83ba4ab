import type { Clock } from "../../event/clock.ts";
import type { CurrentEvent } from "../../event/event.ts";
import { deliveryId } from "../../event/ids.ts";
import type { AttemptRequest } from "../attempt/attempt.ts";
import { type CallFailure, fingerprintOfCall } from "../attempt/failure-fingerprint.ts";
import type { HandlerContext } from "../handler-context.ts";
import type { HandlerSpec, RetryPolicy } from "../handler-spec.ts";
import type { Delivery } from "../partition/delivery.ts";
import { approvalOf } from "./approval-of.ts";
import { CallScopes, type CallScopesNeeds } from "./call-scopes.ts";

interface HandlerCallNeeds extends CallScopesNeeds {
  readonly clock: Clock;
  readonly epoch: number;
}

/** One call of a handler: what its attempt is told, and when it began. What few handlers ask for is made only when they ask. */
export class HandlerCall extends CallScopes implements AttemptRequest {
  readonly epoch: number;
  readonly approval: HandlerContext["approval"];
  readonly policy: RetryPolicy;
  readonly signal: AbortSignal;
  readonly #delivery: Delivery;
  readonly #spec: HandlerSpec;
  readonly #clock: Clock;
  /** Monotonic. */
  readonly #startedMs: number;
  #id: string | undefined;

  constructor(delivery: Delivery, event: CurrentEvent, needs: HandlerCallNeeds, signal: AbortSignal) {
    const { replay: ofLetter, loan } = delivery;
    const replay = loan?.call?.replay ?? (ofLetter && { id: ofLetter.replayId, reason: ofLetter.reason, mode: "run", effects: ofLetter.effects });
    super(delivery, event, replay, needs);
    const { spec, clock, epoch } = needs;
    this.epoch = epoch;
    this.approval = approvalOf(delivery);
    this.policy = spec.policies.of(event.type);
    this.signal = signal;
    this.#delivery = delivery;
    this.#spec = spec;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  get timeoutMs(): number {
    return this.policy.timeoutMs;
  }

  get nonRetryable(): readonly string[] {
    return this.policy.nonRetryable;
  }

  get deliveryId(): string {
    const { lane, loan } = this.#delivery;
    this.#id ??= deliveryId(this.#spec.name, lane.stream, this.event.id, loan === null ? undefined : this.replay?.id);
    return this.#id;
  }

  fingerprintOf(failure: CallFailure): string {
    return fingerprintOfCall(this.#spec, this.event, failure);
  }

  /** How long it has taken, and when it began: milliseconds of the monotonic and of the wall clock. */
  timing(): { readonly durationMs: number; readonly startedAtMs: number; readonly nowMs: number } {
    const durationMs = this.#clock.monotonicMs() - this.#startedMs;
    const nowMs = this.#clock.now();
    return { durationMs, startedAtMs: nowMs - Math.round(durationMs), nowMs };
  }
}
