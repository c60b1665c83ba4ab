/** Less is not worth a rest: a timer takes a millisecond. */
const leastMs = 1;
/** A rest for each millisecond of work. With 1 the slowest hundredth of others takes a third longer, with 2 the flood gets a third less. */
const restForWork = 1.5;
/** What one piece took, a long collection of garbage say, is not paid for longer, and nothing counts as longer. */
const mostMs = 8;

/**
 * Finds out which tenant makes most of a thread's work, and for how long it is to leave the thread alone. Three fifths of the thread's time are free then: who
 * asks for something meanwhile finds it idle, where it would wait for pieces, commits and collections of garbage, and for a core, at each of its steps.
 */
export class HeldBack {
  #owner = "";
  /** For how long the thread worked for that owner more than it worked for others and was idle. */
  #debtMs = 0;
  #lastMs = 0;
  #lastIdleMs = 0;

  /**
   * Notes whose the work since the last call was.
   *
   * @param idleMs for how long the thread was idle, in all.
   * @returns for how long that owner is to rest; 0: it goes on.
   */
  worked(owner: string, nowMs: number, idleMs: number): number {
    const idle = idleMs - this.#lastIdleMs;
    const busy = Math.min(mostMs, Math.max(0, nowMs - this.#lastMs - idle));
    this.#lastMs = nowMs;
    this.#lastIdleMs = idleMs;
    this.#debtMs = Math.max(0, this.#debtMs - idle) + (owner === this.#owner ? busy : -busy);
    if (this.#debtMs < 0) {
      this.#owner = owner;
      this.#debtMs = -this.#debtMs;
    }
    if (owner !== this.#owner || this.#debtMs < leastMs) return 0;
    const restMs = Math.min(mostMs, this.#debtMs * restForWork);
    this.#debtMs = 0;
    return restMs;
  }
}
