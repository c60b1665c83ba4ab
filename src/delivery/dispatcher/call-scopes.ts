import type { CurrentEvent } from "../../event/event.ts";
import { deliveryId } from "../../event/ids.ts";
import type { AskedAppend } from "../../records/attempt.ts";
import type { AttemptRequest } from "../attempt/attempt.ts";
import type { AskedEffect, EffectScope } from "../effects/effect-scope.ts";
import type { Effects } from "../effects/effects.ts";
import type { FollowUpScope } from "../follow-ups/follow-up-scope.ts";
import type { FollowUps } from "../follow-ups/follow-ups.ts";
import type { HandlerSpec } from "../handler-spec.ts";
import type { Delivery } from "../partition/delivery.ts";

export interface CallScopesNeeds {
  readonly spec: HandlerSpec;
  readonly effects: Effects;
  readonly followUps: FollowUps;
}

/** What a handler does in a call beside its own work: effects and appends. Few handlers ask for them, so their scopes are made when one does. */
export class CallScopes {
  readonly event: CurrentEvent;
  readonly replay: AttemptRequest["replay"];
  /** Of the part that is called now. */
  readonly attempt: number;
  readonly #delivery: Delivery;
  readonly #needs: CallScopesNeeds;
  #effects: EffectScope | null = null;
  #followUps: FollowUpScope | null = null;
  #closed = false;

  constructor(delivery: Delivery, event: CurrentEvent, replay: AttemptRequest["replay"], needs: CallScopesNeeds) {
    this.event = event;
    this.replay = replay;
    this.attempt = delivery.attempt;
    this.#delivery = delivery;
    this.#needs = needs;
  }

  effect<T>(key: string, effect: () => Promise<T> | T, signal: AbortSignal): Promise<T> {
    if (this.#effects === null) {
      const { event, replay, attempt } = this;
      this.#effects = this.#needs.effects.open({ event, replay, attempt, mayBeRecorded: this.#delivery.doubtful });
      if (this.#closed) this.#effects.close();
    }
    return this.#effects.run(key, effect, signal);
  }

  append(...asked: Parameters<FollowUpScope["append"]>): ReturnType<FollowUpScope["append"]> {
    if (this.#followUps === null) {
      const { event, replay } = this;
      const { spec, followUps } = this.#needs;
      // In a replay of history, too, the delivery is the one that the event had when it was new: what it appended then is not appended again.
      const again = replay?.effects === "again" ? replay.id : undefined;
      this.#followUps = followUps.open({ event, replay, deliveryId: deliveryId(spec.name, this.#delivery.lane.stream, event.id, again) });
      if (this.#closed) this.#followUps.close();
    }
    return this.#followUps.append(...asked);
  }

  /** Effects and appends that a dry run asked for. */
  asked(): readonly (AskedEffect | AskedAppend)[] {
    return this.replay?.mode === "dry_run" ? [...(this.#effects?.asked() ?? []), ...(this.#followUps?.asked() ?? [])] : none;
  }

  /** The call has ended: no effect of it runs any more, and it appends nothing. */
  close(): void {
    this.#closed = true;
    this.#effects?.close();
    this.#followUps?.close();
  }
}

const none: readonly never[] = [];
