/** Whether this instance may still take itself for alive, as others see it. */

/** Without an acknowledged append for this long nothing starts, and what runs is aborted. Others wait longer before they take over. */
export const fenceMs = 10_000;
/** A process that was held up, on a machine that is too busy, reads an answer late that came in time. It counts when it is read this much later at most. */
const readMs = 1000;

export class SelfFence {
  #ackedMs: number;
  /**
   * Nothing was acknowledged for too long. One acknowledgement does not end that: what happened meanwhile has to be known, all to be aborted, and the others to
   * be told. Only that makes a verdict void that one of them has come to and is about to store.
   */
  #lapsed: "blind" | "looked" | "idle" | null = null;

  constructor(nowMs: number) {
    this.#ackedMs = nowMs;
  }

  /** @param sentMs when an append was sent that the log has acknowledged. */
  acknowledged(sentMs: number, nowMs: number): void {
    if (nowMs - this.#ackedMs >= fenceMs + readMs) this.#lapsed = "blind";
    this.#ackedMs = Math.max(this.#ackedMs, sentMs);
  }

  /** Nothing starts any more: others may take over soon. */
  isClosed(nowMs: number): boolean {
    return this.#lapsed !== null || nowMs - this.#ackedMs >= fenceMs;
  }

  /** All that has come until now was read: what runs is aborted when that holds no acknowledgement. */
  judge(nowMs: number): void {
    if (nowMs - this.#ackedMs >= fenceMs) this.#lapsed = "blind";
  }

  /** A look has shown what happened. */
  looked(): void {
    if (this.#lapsed === "blind") this.#lapsed = "looked";
  }

  /** Nothing runs here any more. */
  aborted(nowMs: number): void {
    if (this.#lapsed === "looked" && nowMs - this.#ackedMs < fenceMs) this.#lapsed = "idle";
  }

  /** All that is left is to tell the others. */
  get isIdle(): boolean {
    return this.#lapsed === "idle";
  }

  /** The others know. @param sentMs when they were told: what was sent before another lapse says nothing. */
  returned(sentMs: number, nowMs: number): void {
    if (this.#lapsed === "idle" && nowMs - sentMs < fenceMs) this.#lapsed = null;
  }
}
