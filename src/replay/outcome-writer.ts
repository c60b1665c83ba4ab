/** Stores what comes of a replay's own deliveries in its stream: one append outstanding, the next one as soon as it is stored. */
import { slices } from "../delivery/partition/flush-appends.ts";
import type { OwnOutcome } from "../records/replay.ts";

export const outcomesPerAppend = 256;
const bytesPerAppend = 512 * 1024;

export class OutcomeWriter {
  readonly #store: (outcomes: readonly OwnOutcome[]) => Promise<unknown>;
  #waiting: OwnOutcome[] = [];
  #storing: Promise<void> | null = null;

  /** @param store appends, however long it takes; rejects only for good. */
  constructor(store: (outcomes: readonly OwnOutcome[]) => Promise<unknown>) {
    this.#store = store;
  }

  /** @returns when it is stored. Who does not wait for that may add no more than fits into one append. */
  add(outcome: OwnOutcome): Promise<void> {
    this.#waiting.push(outcome);
    return this.flushed();
  }

  full(): boolean {
    return this.#waiting.length >= outcomesPerAppend;
  }

  /** Everything added so far is stored. */
  async flushed(): Promise<void> {
    while (this.#waiting.length > 0 || this.#storing !== null) {
      this.#storing ??= this.#next().finally(() => {
        this.#storing = null;
      });
      await this.#storing;
    }
  }

  async #next(): Promise<void> {
    // A dry run's outcome may have 64 KiB of effects.
    const [outcomes = []] = slices(this.#waiting.slice(0, outcomesPerAppend), bytesPerAppend);
    await this.#store(outcomes);
    this.#waiting = this.#waiting.slice(outcomes.length);
  }
}
