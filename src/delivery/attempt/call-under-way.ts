import type { AttemptInFlight, AttemptOutcome, CallListener } from "./attempt.ts";

/**
 * A call that has begun. Who calls the handler is told in the moment itself, and by one object for both moments: promises for them, and those made of them, were
 * eight a call, and functions for them seven.
 */
export class CallUnderWay implements AttemptInFlight {
  readonly kind = "running";
  #outcome: AttemptOutcome | null = null;
  #isSettled = false;
  #listener: CallListener | null = null;

  /** Its outcome is known. */
  get isOver(): boolean {
    return this.#outcome !== null;
  }

  listen(listener: CallListener): void {
    if (this.#outcome !== null) listener.onOutcome(this.#outcome);
    if (this.#isSettled) listener.onSettled();
    else this.#listener = this.#listener === null ? listener : new Both(this.#listener, listener);
  }

  get outcome(): Promise<AttemptOutcome> {
    return new Promise((resolve) => this.listen(new Told(resolve, nothing)));
  }

  get settled(): Promise<void> {
    return new Promise((resolve) => this.listen(new Told(nothing, resolve)));
  }

  /** Its outcome is this, unless it has another one. */
  protected end(outcome: AttemptOutcome): void {
    if (this.#outcome !== null) return;
    this.#outcome = outcome;
    this.#listener?.onOutcome(outcome);
  }

  /** The call itself has ended. Once, after its outcome. */
  protected settle(): void {
    this.#isSettled = true;
    const listener = this.#listener;
    this.#listener = null;
    listener?.onSettled();
  }
}

/** A function for each moment. */
export class Told implements CallListener {
  readonly onOutcome: CallListener["onOutcome"];
  readonly onSettled: CallListener["onSettled"];

  constructor(onOutcome: CallListener["onOutcome"], onSettled: CallListener["onSettled"]) {
    this.onOutcome = onOutcome;
    this.onSettled = onSettled;
  }
}

export function nothing(): void {}

/** Tells both, in this order. */
class Both implements CallListener {
  readonly #first: CallListener;
  readonly #second: CallListener;

  constructor(first: CallListener, second: CallListener) {
    this.#first = first;
    this.#second = second;
  }

  onOutcome(outcome: AttemptOutcome): void {
    this.#first.onOutcome(outcome);
    this.#second.onOutcome(outcome);
  }

  onSettled(): void {
    this.#first.onSettled();
    this.#second.onSettled();
  }
}
