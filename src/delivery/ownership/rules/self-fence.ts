/** Whether this instance may still take itself for alive, as others see it. */

/** Without an acknowledged append for this long nothing starts, and what runs is aborted. Others wait longer before they take over. */
export const fenceMs = 10_000;

export class SelfFence {
  #ackedMs: number;
  /** Nothing was acknowledged for too long. One acknowledgement does not end that: all has to be aborted, and what happened meanwhile to be known. */
  #lapsed: "blind" | "looked" | null = null;

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
    if (this.#lapsed !== null) this.#lapsed = "looked";
  }

  /** Nothing runs here any more. */
  aborted(nowMs: number): void {
    if (this.#lapsed === "looked" && nowMs - this.#ackedMs < fenceMs) this.#lapsed = null;
  }
}
