/** A handler's slots as the world counts them: taken when a call begins, and given back once, when it ends or outlives its time-out. */
import type { Delivery } from "../../src/delivery/partition/delivery.ts";

export class SlotAccount {
  readonly #concurrency: number;
  readonly #taken = new Set<Delivery>();
  /** The most that were taken at once. */
  most = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** @returns what is wrong with it. */
  take(delivery: Delivery): string | null {
    this.#taken.add(delivery);
    this.most = Math.max(this.most, this.#taken.size);
    if (this.#taken.size <= this.#concurrency) return null;
    return `${this.#taken.size} calls have a slot, and there are ${this.#concurrency}`;
  }

  /** A second time changes nothing: the slot may be another's by then. */
  giveBack(delivery: Delivery): void {
    this.#taken.delete(delivery);
  }

  /** @param free as the partition counts them. */
  compare(free: number): string | null {
    const counted = this.#concurrency - this.#taken.size;
    return free === counted ? null : `${free} slots are free by the partition, and ${counted} by what was taken and given back`;
  }
}
