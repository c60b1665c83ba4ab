/** What operators do to a replay that has begun: they pause it, let it go on, cancel it, or set its rate. */
import { withPatience } from "../delivery/journal/patience.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { Position } from "../event/event.ts";
import { defaultTenant } from "../event/names.ts";
import { within } from "../event/waits.ts";
import type { Act } from "../records/act.ts";
import type { ReplayView } from "../views/model/replay.ts";
import type { Views } from "../views/model/views.ts";
import type { Chosen } from "./chosen.ts";
import type { Job } from "./job.ts";
import type { Jobs } from "./jobs.ts";
import { cutOffError } from "./phase.ts";

export type ReplayVerb = "pause" | "resume" | "cancel";

export interface ActedOn {
  readonly status: ReplayView["status"];
  readonly position: Position;
}

export interface ActsOnJobs {
  /** @returns once a cancel is on record everywhere, or after `patienceMs`. @throws NOT_FOUND, REPLAY_ENDED */
  act(replayId: string, verb: ReplayVerb, chosen: Chosen & { readonly patienceMs: number }): Promise<ActedOn>;
  /** @throws NOT_FOUND, REPLAY_ENDED */
  setRate(replayId: string, ratePerSecond: number | null, chosen: Chosen): Promise<ActedOn>;
}

export interface ActsOnJobsNeeds {
  readonly views: Pick<Views, "replay">;
  readonly jobs: Jobs;
  readonly clock: Clock;
  /** Resolves when the jobs that an earlier end of the process cut off are at work again. */
  readonly recovered: () => Promise<void>;
}

export function makeActsOnJobs({ views, jobs, clock, recovered }: ActsOnJobsNeeds): ActsOnJobs {
  /** @returns the job; its status where it has ended. @throws NOT_FOUND, also for another tenant's; LOG_UNAVAILABLE when it was cut off. */
  async function find(replayId: string, tenant: string): Promise<Job | ReplayView["status"]> {
    if (jobs.get(replayId) === undefined) await recovered();
    const job = jobs.get(replayId);
    if (job !== undefined && (job.request.tenant ?? defaultTenant) === tenant) return job;
    const view = job === undefined ? await views.replay(tenant, replayId) : undefined;
    if (view === undefined) throw new RepriseError("NOT_FOUND", "There is no replay with this id.");
    if (view.endedAt === null) throw cutOffError();
    return view.status;
  }

  /** Resolves when the job has ended, or after the patience. */
  function ended(job: Job, patienceMs: number, position: Position): Promise<Position> {
    return within(job.end.ofJob, patienceMs, clock, () => position);
  }

  return {
    async act(replayId, verb, { tenant, patienceMs, ...act }) {
      const job = await find(replayId, tenant);
      if (job === "cancelled" && verb === "cancel") return { status: job, position: 0n }; // a repeat is answered as the first one was
      if (typeof job === "string") throw hasEnded(job);
      const position = (await withPatience(clock, (patience) => job.acts[verb](actOf(act), patience))) ?? 0n;
      return { position: verb === "cancel" ? await ended(job, patienceMs, position) : position, status: job.figures().status };
    },

    async setRate(replayId, ratePerSecond, { tenant, ...act }) {
      const job = await find(replayId, tenant);
      if (typeof job === "string") throw hasEnded(job);
      const position = await withPatience(clock, () => job.acts.setRate(ratePerSecond, actOf(act)));
      return { status: job.figures().status, position };
    },
  };
}

export function actOf({ actor, reason, id }: Omit<Chosen, "tenant">): Act {
  return { actor, reason, ...(id === undefined ? {} : { id }) };
}

function hasEnded(status: ReplayView["status"]): RepriseError {
  return new RepriseError("REPLAY_ENDED", `The replay is ${status}.`, { fields: { status } });
}
