import type { Clock } from "../../event/clock.ts";
import type { CurrentEvent } from "../../event/event.ts";
import { deliveryId } from "../../event/ids.ts";
import type { AskedAppend } from "../../records/attempt.ts";
import type { AttemptRequest } from "../attempt/attempt.ts";
import type { AskedEffect, EffectScope } from "../effects/effect-scope.ts";
import type { Effects } from "../effects/effects.ts";
import type { FollowUpScope } from "../follow-ups/follow-up-scope.ts";
import type { FollowUps } from "../follow-ups/follow-ups.ts";
import type { HandlerSpec, RetryPolicy } from "../handler-spec.ts";
import type { Delivery } from "../partition/delivery.ts";

export interface HandlerCallNeeds {
  readonly spec: HandlerSpec;
  readonly effects: Effects;
  readonly followUps: FollowUps;
  readonly clock: Clock;
}

/** One call of a handler: what its attempt is told, when it began, and its effects. What few handlers ask for is made only when they ask. */
export class HandlerCall implements AttemptRequest {
  readonly event: CurrentEvent;
  readonly attempt: number;
  readonly replay: AttemptRequest["replay"];
  readonly policy: RetryPolicy;
  readonly signal: AbortSignal;
  readonly #delivery: Delivery;
  readonly #handler: string;
  readonly #effects: Effects;
  readonly #followUps: FollowUps;
  readonly #clock: Clock;
  /** Monotonic. */
  readonly #startedMs: number;
  #id: string | undefined;
  #scope: EffectScope | null = null;
  #appends: FollowUpScope | null = null;
  #closed = false;

  constructor(delivery: Delivery, event: CurrentEvent, { spec, effects, followUps, clock }: HandlerCallNeeds, signal: AbortSignal) {
    const { replay, loan } = delivery;
    this.event = event;
    this.attempt = delivery.attempt;
    this.replay = loan?.call?.replay ?? (replay && { id: replay.replayId, reason: replay.reason, mode: "run", effects: replay.effects });
    this.policy = spec.policy(event.type);
    this.signal = signal;
    this.#delivery = delivery;
    this.#handler = spec.name;
    this.#effects = effects;
    this.#followUps = followUps;
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
    this.#id ??= deliveryId(this.#handler, lane.stream, this.event.id, loan === null ? undefined : this.replay?.id);
    return this.#id;
  }

  effect<T>(key: string, effect: () => Promise<T> | T, signal: AbortSignal): Promise<T> {
    if (this.#scope === null) {
      const { event, replay, attempt } = this;
      this.#scope = this.#effects.open({ event, replay, attempt, mayBeRecorded: this.#delivery.doubtful });
      if (this.#closed) this.#scope.close();
    }
    return this.#scope.run(key, effect, signal);
  }

  append(...[definition, entity, data, options, signal]: Parameters<FollowUpScope["append"]>): ReturnType<FollowUpScope["append"]> {
    if (this.#appends === null) {
      const { event, replay } = this;
      // Of a replay of history, too, the delivery is the one that the event had when it was new: what it appended then is not appended again.
      const again = replay?.effects === "again" ? replay.id : undefined;
      this.#appends = this.#followUps.open({ event, replay, deliveryId: deliveryId(this.#handler, this.#delivery.lane.stream, event.id, again) });
      if (this.#closed) this.#appends.close();
    }
    return this.#appends.append(definition, entity, data, options, signal);
  }

  /** Effects and appends that a dry run asked for. */
  asked(): readonly (AskedEffect | AskedAppend)[] {
    return this.replay?.mode === "dry_run" ? [...(this.#scope?.asked() ?? []), ...(this.#appends?.asked() ?? [])] : none;
  }

  /** The call has ended: no effect of it runs any more, and it appends nothing. */
  close(): void {
    this.#closed = true;
    this.#scope?.close();
    this.#appends?.close();
  }

  /** How long it has taken, and when it began: milliseconds of the monotonic and of the wall clock. */
  timing(): { readonly durationMs: number; readonly startedAtMs: number; readonly nowMs: number } {
    const durationMs = this.#clock.monotonicMs() - this.#startedMs;
    const nowMs = this.#clock.now();
    return { durationMs, startedAtMs: nowMs - Math.round(durationMs), nowMs };
  }
}

const none: readonly never[] = [];
