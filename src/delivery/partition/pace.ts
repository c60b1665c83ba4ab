/** How far behind its own schedule a pace may be and still make up for it, so that timers that fire late cost no rate. A longer pause is not made up for. */
const slackMs = 100;

/**
 * The pace of one replay, over all handlers and lanes: each of its deliveries takes a turn before it starts. Evenly, at most `perSecond`;
 * all at once without a rate; none while it is held. Knows no clock: monotonic time is told.
 */
export class Pace {
  #perSecond: number | null;
  #nextMs: number;
  #held = false;
  readonly #listeners = new Set<() => void>();

  constructor(perSecond: number | null, nowMs: number) {
    this.#perSecond = perSecond;
    this.#nextMs = nowMs;
  }

  get perSecond(): number | null {
    return this.#perSecond;
  }

  get held(): boolean {
    return this.#held;
  }

  /** Takes the next turn, if it is due. */
  take(nowMs: number): boolean {
    if (this.#held) return false;
    if (this.#perSecond === null) return true;
    if (this.#nextMs > nowMs) return false;
    this.#nextMs = Math.max(this.#nextMs, nowMs - slackMs) + 1000 / this.#perSecond;
    return true;
  }

  /** When the next turn is due; null: not before something changes. */
  nextMs(): number | null {
    return this.#held ? null : this.#nextMs;
  }

  /** Another rate, from now on. */
  set(perSecond: number | null, nowMs: number): void {
    this.#perSecond = perSecond;
    this.#nextMs = nowMs;
    this.#changed();
  }

  hold(held: boolean): void {
    this.#held = held;
    this.#changed();
  }

  /** Told after each change. @returns takes the listener off again. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
