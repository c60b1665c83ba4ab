/** Whether this instance may still take itself for alive, as others see it. */

/** Without an acknowledged append for this long nothing starts, and what runs is aborted. Others wait longer before they take over. */
export const fenceMs = 10_000;

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
    this.isClosed(nowMs);
    this.#ackedMs = Math.max(this.#ackedMs, sentMs);
  }

  /** True once others may have taken over. */
  isClosed(nowMs: number): boolean {
    if (nowMs - this.#ackedMs >= fenceMs) this.#lapsed = "blind";
    return this.#lapsed !== null;
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
