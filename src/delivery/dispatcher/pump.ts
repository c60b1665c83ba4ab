import type { Clock } from "../../event/clock.ts";

/** With fewer calls under way, the next one starts as soon as one ends. */
const manyCalls = 8;

/** When a dispatcher looks at what its partition has ready: at once, at the end of this turn of the event loop, in the next one, or when something is due. */
export class Pump {
  readonly #clock: Clock;
  readonly #look: () => void;
  #looking = false;
  #soon = false;
  #nextTurn = false;
  /** Calls that ended since the last look, and in how many callbacks of the event loop they did. */
  #ended = 0;
  #callbacks = 0;
  #callbackGoesOn = false;
  /** Calls end each in a callback of its own. */
  #oneByOne = false;
  #tick: { readonly atMs: number; cancel(): void } | null = null;

  constructor(clock: Clock, look: () => void) {
    this.#clock = clock;
    this.#look = look;
  }

  /** Looks at once; to be called after each change. A look that is under way sees the change, too. */
  now(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#judgeEnds();
    try {
      this.#look();
    } finally {
      this.#looking = false;
    }
  }

  /** One look for all calls that end in the same moment. */
  soon(): void {
    this.#oneLook(queueMicrotask);
  }

  /**
   * A call has ended. There is one look for all that end in the same moment, as functions do that wait for nothing. Where each ends in a callback of its own,
   * though many are under way, there is one for all of a turn: it takes a fifth less of the thread for handlers that wait for a turn of the event loop.
   */
  callEnded(underWay: number): void {
    this.#ended++;
    if (!this.#oneByOne || underWay < manyCalls) {
      this.soon();
      return;
    }
    this.endOfTurn();
    if (this.#callbackGoesOn) return;
    this.#callbackGoesOn = true;
    this.#callbacks++;
    queueMicrotask(() => {
      this.#callbackGoesOn = false;
    });
  }

  #judgeEnds(): void {
    if (this.#ended > 0) this.#oneByOne = this.#oneByOne ? this.#callbacks > 1 : this.#ended === 1;
    this.#ended = 0;
    this.#callbacks = 0;
  }

  /** One look for all calls that end in this turn of the event loop. */
  endOfTurn(): void {
    this.#oneLook(setImmediate);
  }

  #oneLook(later: (look: () => void) => unknown): void {
    if (this.#looking || this.#soon) return;
    this.#soon = true;
    later(() => {
      this.#soon = false;
      this.now();
    });
  }

  /** Looks in the next turn of the event loop, so that others have their turn first. */
  nextTurn(): void {
    if (this.#nextTurn) return;
    this.#nextTurn = true;
    setImmediate(() => {
      this.#nextTurn = false;
      this.now();
    });
  }

  /** The last look did not get through with what was ready: the next turn goes on. */
  get isBehind(): boolean {
    return this.#nextTurn;
  }

  /** Looks at a monotonic time, unless an earlier look is due. */
  at(atMs: number, nowMs: number): void {
    if (this.#tick !== null && this.#tick.atMs <= atMs) return;
    this.#tick?.cancel();
    const timer = this.#clock.after(Math.max(0, atMs - nowMs), () => {
      this.#tick = null;
      this.now();
    });
    this.#tick = { atMs, cancel: () => timer.cancel() };
  }

  /** Cancels the look that is due. */
  cancel(): void {
    this.#tick?.cancel();
  }
}
