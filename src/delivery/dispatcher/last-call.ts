import type { AttemptOutcome, CallListener } from "../attempt/attempt.ts";
import type { Delivery } from "../partition/delivery.ts";
import type { HandlerCall } from "./handler-call.ts";

/** Told how a delivery's last call ends. */
export interface LastCallEnds {
  outcome(last: LastCall, outcome: AttemptOutcome): void;
  settled(last: LastCall): void;
}

/** The call that ends a delivery, under way. */
export class LastCall implements CallListener {
  readonly delivery: Delivery;
  readonly call: HandlerCall;
  /** The service stops: nothing of the lane starts when it has ended. */
  isAbandoned = false;
  readonly #ends: LastCallEnds;

  constructor(delivery: Delivery, call: HandlerCall, ends: LastCallEnds) {
    this.delivery = delivery;
    this.call = call;
    this.#ends = ends;
  }

  onOutcome(outcome: AttemptOutcome): void {
    this.#ends.outcome(this, outcome);
  }

  onSettled(): void {
    this.#ends.settled(this);
  }
}
