/**
 * Of a handler's slots those that lanes hold whose last attempt failed: half of them, one at least, so that time-outs never keep healthy lanes waiting. Once as
 * many attempts of such lanes in a row have gone well, as in a replay after the mend, only an eighth is kept for healthy lanes while none waits. Pure.
 */
export class FailingSlots {
  readonly #half: number;
  readonly #most: number;
  #taken = 0;
  /** Attempts of such lanes that went well since any lane's last attempt that did not. */
  #wellInARow = 0;

  constructor(slots: number) {
    this.#half = Math.max(1, Math.floor(slots / 2));
    this.#most = slots - Math.max(1, Math.floor(slots / 8));
  }

  /** Whether one more such lane may have a slot. @param healthyWaits whether another lane is ready. */
  admits(healthyWaits: boolean): boolean {
    if (this.#taken < this.#half) return true;
    return !healthyWaits && this.#wellInARow >= this.#half && this.#taken < this.#most;
  }

  take(): void {
    this.#taken++;
  }

  /** An attempt of any lane has ended. @param wasFailing whether the lane's attempt before failed. @param isFailing whether this one did. */
  ended(wasFailing: boolean, isFailing: boolean): void {
    if (wasFailing) this.#taken--;
    if (isFailing) this.#wellInARow = 0;
    else if (wasFailing) this.#wellInARow++;
  }
}
