/** A replay that has begun, for whoever asks for it again: the request that began it may come again, also after an end of the process. */
import type { FailureText } from "../catalog/catalog.ts";
import { RepriseError } from "../errors.ts";
import type { Position } from "../event/event.ts";
import type { Views } from "../views/model/views.ts";
import type { JobFigures } from "./job-figures.ts";
import type { Jobs } from "./jobs.ts";

export interface BegunReplay {
  readonly figures: () => Pick<JobFigures, "status" | "total" | "succeeded" | "failed" | "skipped" | "skips">;
  /** Its end; never for one that nobody here works on. Null: it ended before. */
  readonly ended: Promise<Position> | null;
  /** Of its last failure, as far as this process knows. */
  readonly lastError: () => FailureText | null;
}

/** @param known position of its first record. @throws LOG_UNAVAILABLE while its records are being stored. */
export type FindBegun = (replayId: string, tenant: string, known: Position) => Promise<BegunReplay>;

export interface FindBegunNeeds {
  readonly views: Pick<Views, "replay" | "waitFor">;
  readonly jobs: Jobs;
  /** Resolves when the jobs that an earlier end of the process cut off are at work again. */
  readonly recovered: () => Promise<void>;
}

export function makeFindBegun({ views, jobs, recovered }: FindBegunNeeds): FindBegun {
  return async (replayId, tenant, known) => {
    if (jobs.get(replayId) === undefined) await recovered();
    const job = jobs.get(replayId);
    if (job !== undefined) {
      const { ratePerSecond } = job.request;
      // As for whoever began it: what a replay with a rate releases may take long.
      const ended = job.request.kind === "batch" && ratePerSecond !== null ? job.end.ofItems : job.end.ofJob;
      return { figures: () => job.figures(), ended, lastError: () => job.lastError };
    }
    await views.waitFor(known);
    const view = await views.replay(tenant, replayId);
    if (view === undefined) throw new RepriseError("LOG_UNAVAILABLE", "The replay is being recorded.", { retryAfterMs: 1000 });
    return { figures: () => view, ended: view.endedAt === null ? new Promise(() => {}) : null, lastError: () => null };
  };
}
