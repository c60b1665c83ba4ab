import type { AttemptInFlight, AttemptOutcome } from "./attempt.ts";

type Heard<T> = ((it: T) => void) | null;

/** A call that has begun. Who calls the handler is told by functions, in the moment itself: promises for both moments, and those made of them, were eight a call. */
export class CallUnderWay implements AttemptInFlight {
  readonly kind = "running";
  #outcome: AttemptOutcome | null = null;
  #isSettled = false;
  #heardOutcome: Heard<AttemptOutcome> = null;
  #heardSettled: Heard<void> = null;

  /** Its outcome is known. */
  get isOver(): boolean {
    return this.#outcome !== null;
  }

  onOutcome(act: (outcome: AttemptOutcome) => void): void {
    if (this.#outcome !== null) act(this.#outcome);
    else this.#heardOutcome = after(this.#heardOutcome, act);
  }

  onSettled(act: () => void): void {
    if (this.#isSettled) act();
    else this.#heardSettled = after(this.#heardSettled, act);
  }

  get outcome(): Promise<AttemptOutcome> {
    return new Promise((resolve) => this.onOutcome(resolve));
  }

  get settled(): Promise<void> {
    return new Promise((resolve) => this.onSettled(resolve));
  }

  /** Its outcome is this, unless it has another one. */
  protected end(outcome: AttemptOutcome): void {
    if (this.#outcome !== null) return;
    this.#outcome = outcome;
    const heard = this.#heardOutcome;
    this.#heardOutcome = null;
    heard?.(outcome);
  }

  /** The call itself has ended. Once, after its outcome. */
  protected settle(): void {
    this.#isSettled = true;
    const heard = this.#heardSettled;
    this.#heardSettled = null;
    heard?.();
  }
}

/** Both, in this order. */
function after<T>(first: Heard<T>, second: (it: T) => void): (it: T) => void {
  if (first === null) return second;
  return (it) => {
    first(it);
    second(it);
  };
}
