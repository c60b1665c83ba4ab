/** Counts what becomes of a job's items. */
import type { FailureText } from "../catalog/catalog.ts";
import type { Clock } from "../event/clock.ts";
import type { Position } from "../event/event.ts";
import type { ReplayStatus } from "../views/model/replay.ts";
import type { JobProgress } from "./job-progress.ts";
import type { Phase } from "./phase.ts";
import type { ItemEnd } from "./runner.ts";

export interface JobFigures {
  readonly status: ReplayStatus;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly skips: readonly { readonly reason: string; readonly count: number }[];
  /** Entities whose held events are still on their way. */
  readonly followers: number;
  /** Events that were held when the replay was planned, and that follow it still. Those that the handler does not want count until their lane has passed them. */
  readonly releasesLeft: number;
  /** At the rate, which is that of what follows, too; or as fast as its items went since its start, its canary or its last pause. Null when that is not known. */
  readonly secondsLeft: number | null;
}

/** An item that was delivered, or failed. */
export type DeliveredEnd = Extract<ItemEnd, { position: Position }>;

/** Reasons that a report tells apart: the reason of a migration may name something else for each item. */
const maxReasons = 50;
const otherReasons = "other reasons";

export class JobTally {
  readonly #total: number;
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** From when on it counts how fast items go; null: they do not go as fast as they can yet. */
  #measuredFromMs: number | null = null;
  /** Outcomes of before that. */
  #before = 0;
  readonly #skips = new Map<string, number>();
  #succeeded = 0;
  #failed = 0;
  #position: Position = 0n;
  #lastError: FailureText | null = null;

  constructor(total: number, outcomes: JobProgress["outcomes"], clock: Pick<Clock, "monotonicMs">) {
    this.#total = total;
    this.#clock = clock;
    this.become(outcomes);
  }

  /** Measures anew how fast items go. Neither the canary, which goes alone and is watched, nor a pause says how fast the rest goes. */
  measureIn(phase: Phase): void {
    this.#measuredFromMs = phase.kind === "running" && phase.stage === "all" ? this.#clock.monotonicMs() : null;
    this.#before = this.#total - this.#left();
  }

  /** These are all that were delivered or failed. */
  become(outcomes: JobProgress["outcomes"]): void {
    this.#succeeded = this.#failed = 0;
    for (const outcome of outcomes.values())
      if (outcome === "succeeded") this.#succeeded++;
      else this.#failed++;
  }

  /** Position of the last record of an outcome. */
  get position(): Position {
    return this.#position;
  }

  /** The last failure of an item. */
  get lastError(): FailureText | null {
    return this.#lastError;
  }

  count(end: DeliveredEnd): void {
    if (end.position > this.#position) this.#position = end.position;
    if (end.outcome === "failed") {
      this.#failed++;
      this.#lastError = end.error;
    } else this.#succeeded++;
  }

  skip(why: string, count = 1): void {
    const reason = this.#skips.has(why) || this.#skips.size < maxReasons ? why : otherReasons;
    if (count > 0) this.#skips.set(reason, (this.#skips.get(reason) ?? 0) + count);
  }

  /** Items without an outcome by then get none. */
  skipRest(why: string): void {
    this.skip(why, this.#left());
  }

  outcomes(): Pick<JobFigures, "succeeded" | "failed" | "skipped" | "skips"> {
    const skips = Array.from(this.#skips, ([reason, count]) => ({ reason, count }));
    return { succeeded: this.#succeeded, failed: this.#failed, skipped: this.#skipped(), skips };
  }

  /** @param perSecond the rate that was set; null: as fast as it went since it is measured. @param releasesLeft what takes turns of the rate beside the items. */
  secondsLeft(perSecond: number | null, releasesLeft: number): number | null {
    const left = this.#left();
    if (perSecond !== null) return Math.ceil((left + releasesLeft) / perSecond);
    if (left === 0) return releasesLeft === 0 ? 0 : null;
    const done = this.#total - left - this.#before;
    if (done === 0 || this.#measuredFromMs === null) return null;
    return Math.ceil((left * Math.max(1, this.#clock.monotonicMs() - this.#measuredFromMs)) / (done * 1000));
  }

  #left(): number {
    return this.#total - this.#succeeded - this.#failed - this.#skipped();
  }

  #skipped(): number {
    let sum = 0;
    for (const count of this.#skips.values()) sum += count;
    return sum;
  }
}
