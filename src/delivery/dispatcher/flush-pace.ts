/**
 * At most so many appends to journals a second, in this process. With many partitions each of their flushes waits longer then, and records more. A turn is
 * reserved before it is waited for, so that the partitions come in turn.
 */
const appendsPerSecond = 200;
/** Turns that were not used, and may be used at once. */
const burst = 20;

export class FlushPace {
  readonly #intervalMs: number;
  readonly #burstMs: number;
  #nextMs = Number.NEGATIVE_INFINITY;

  constructor(perSecond = appendsPerSecond) {
    this.#intervalMs = 1000 / perSecond;
    this.#burstMs = burst * this.#intervalMs;
  }

  /** @returns the monotonic time of the turn, `nowMs` or later. It is the caller's, whether it uses it or not. */
  reserve(nowMs: number): number {
    const atMs = Math.max(this.#nextMs, nowMs - this.#burstMs);
    this.#nextMs = atMs + this.#intervalMs;
    return Math.max(nowMs, atMs);
  }
}
