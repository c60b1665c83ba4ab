/** The end of a job: what it records, and whoever waits for it. */
import type { Position } from "../event/event.ts";
import type { ReplayReport, ReplayRequested } from "../records/replay.ts";
import type { JobTally } from "./job-figures.ts";
import type { JobProgress } from "./job-progress.ts";
import type { ReplayRecord } from "./replay-stream.ts";
import type { Runner } from "./runner.ts";

export class JobEnd {
  readonly #items = Promise.withResolvers<Position>();
  readonly #job = Promise.withResolvers<Position>();

  constructor() {
    // Nobody may be waiting for either.
    this.#items.promise.catch(() => {});
    this.#job.promise.catch(() => {});
  }

  /** Every item is over; what they released may still be on its way. Position of the last record of them. */
  get ofItems(): Promise<Position> {
    return this.#items.promise;
  }

  /** The job's end is on record. */
  get ofJob(): Promise<Position> {
    return this.#job.promise;
  }

  itemsEnded(position: Position): void {
    this.#items.resolve(position);
  }

  jobEnded(position: Position): void {
    this.#items.resolve(position);
    this.#job.resolve(position);
  }

  cutOff(error: unknown): void {
    this.#items.reject(error);
    this.#job.reject(error);
  }
}

export interface EndNeeds {
  readonly request: Pick<ReplayRequested, "cutoff">;
  readonly runner: Pick<Runner, "flushed" | "withdraw">;
  readonly tally: JobTally;
  readonly record: ReplayRecord;
  readonly newSince: () => Promise<number>;
  readonly onRecord: (() => Promise<JobProgress["outcomes"]>) | null;
}

/** Records the report, after everything that it counts. What has no end by then is counted as skipped. @param why it stopped before its end. */
export async function recordEnd(
  { request, runner, tally, record, newSince, onRecord }: EndNeeds,
  status: ReplayReport["status"],
  why: string | null,
): Promise<Position> {
  await runner.flushed();
  if (status !== "completed") {
    await runner.withdraw("stop");
    if (onRecord !== null) tally.become(await onRecord());
  }
  tally.skipRest(status === "cancelled" ? "the replay was cancelled" : "the replay was stopped");
  const { succeeded, failed, skipped, skips } = tally.outcomes();
  const known = request.cutoff === undefined ? {} : { newSince: await newSince() };
  return record.persist("replay.ended", { status, succeeded, failed, skipped, skips, why, ...known });
}
