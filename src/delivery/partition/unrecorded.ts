/** Lanes that start nothing until outcomes of theirs are on record: they are what a crash repeats. */
import { type Lane, laneBatch } from "./lane.ts";
import type { PartitionOptions } from "./options.ts";
import type { Recorder } from "./recorder.ts";

export class Unrecorded {
  readonly #recorder: Recorder;
  readonly #each: boolean;
  readonly #waiting = new Set<Lane>();
  #stored = 0;

  constructor({ record }: Pick<PartitionOptions, "record">, recorder: Recorder) {
    this.#recorder = recorder;
    this.#each = record === "each";
  }

  /** The lane has an outcome that the next flush records. */
  outcome(lane: Lane): void {
    lane.recordedIn = this.#recorder.number;
    lane.unflushed++;
    this.#recorder.outcome();
  }

  /** Whether enough of the lane is on record; otherwise it waits here. */
  mayGoOn(lane: Lane): boolean {
    const isStored = lane.recordedIn <= this.#stored;
    if (isStored) lane.unflushed = 0;
    const enough = this.#each ? isStored : !lane.detached || lane.unflushed < laneBatch;
    if (!enough) this.#waiting.add(lane);
    return enough;
  }

  /** Number of the last flush that is stored. */
  get stored(): number {
    return this.#stored;
  }

  setStored(flush: number): void {
    this.#stored = flush;
  }

  /** Takes out the lanes whose outcomes are on record now. */
  *takeStored(): Iterable<Lane> {
    for (const lane of this.#waiting) {
      if (lane.recordedIn > this.#stored) continue;
      this.#waiting.delete(lane);
      lane.unflushed = 0;
      yield lane;
    }
  }
}
