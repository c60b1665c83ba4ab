import type { Clock } from "../../event/clock.ts";
import { severalAsk } from "../../event/turns.ts";

/** Sockets and timers wait for so many commits in one turn of the event loop, and for none that begins later than this in it. */
const mostCommits = 8;
const mostMs = 1;

/**
 * Somebody who appends one event after another, with nobody beside. What is appended as soon as its answer came, before the event loop goes on, is stored still
 * in this turn, because a turn costs an eighteenth of such an append (docs/performance-limits.md). Nothing of another turn can come in between. So only appends that the same
 * answer sets off can miss a shared commit: the first of them is stored before the others ask, and these then share the next.
 */
export class LoneWriter {
  readonly #clock: Clock;
  /** Nothing but what the last answer set off has run since. */
  #isAnswered = false;
  #beganMs = 0;
  #commits = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A group is about to be stored. */
  stores(): void {
    this.#commits++;
    if (this.#isAnswered) return;
    this.#commits = 1;
    this.#beganMs = this.#clock.monotonicMs();
  }

  /** The group was a single append, and it is on disk. */
  answered(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    queueMicrotask(this.#endSoon);
  }

  /** Whether an append that just came is stored in this turn. */
  goesOn(): boolean {
    return this.#isAnswered && this.#commits < mostCommits && this.#clock.monotonicMs() - this.#beganMs < mostMs && !severalAsk();
  }

  /** Called among what the answer sets off; a tick that is asked for there comes after all of it. */
  readonly #endSoon = () => process.nextTick(this.#end);
  readonly #end = () => {
    this.#isAnswered = false;
  };
}
