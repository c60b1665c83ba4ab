/** Runs exactly what a plan lists, or tries it without effect. */
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import type { AskedTerms, ReplayKind } from "../records/replay.ts";
import type { StartedReplay } from "./batch.ts";
import type { Chosen } from "./chosen.ts";
import type { Jobs, NewReplay } from "./jobs.ts";
import type { Plans } from "./plan.ts";
import type { FrozenPlan } from "./plan-stream.ts";
import { filterText } from "./selection.ts";

export interface ChosenTerms extends Chosen {
  readonly terms: AskedTerms;
}

/** @throws NOT_FOUND, PLAN_STALE, PLAN_USED */
export type RunPlan = (planId: string, chosen: ChosenTerms) => Promise<StartedReplay>;

export interface RunPlanNeeds {
  readonly delivery: Pick<RunningHandlers, "mustOwn">;
  readonly plans: Plans;
  readonly jobs: Jobs;
}

export function makeRunPlan({ delivery, plans, jobs }: RunPlanNeeds): RunPlan {
  return async (planId, chosen) => {
    jobs.mustHaveRoom(chosen.tenant);
    const plan = await plans.read(planId, chosen.tenant);
    const items = await plans.items(planId);
    delivery.mustOwn(items.map(({ handler }) => handler));
    if (plan.used === null) await plans.mustBeFresh(plan, items);
    const asked = toReplay(plan, items.length, chosen);
    // A dry run leaves the plan to be run afterwards.
    const { job, position } = await jobs.begin(asked, items, asked.mode === "run" ? (request) => plans.use(plan, request) : undefined);
    return { replayId: job.request.replayId, figures: () => job.figures(), position, ended: job.end.ofJob };
  };
}

function toReplay({ findings }: FrozenPlan, total: number, { tenant, actor, reason, terms, id: replayId }: ChosenTerms): NewReplay {
  const { planId, selection, targetHandler, cutoff } = findings;
  const kind: ReplayKind = selection.kind === "history" ? "history" : "dead_letters";
  return {
    ...{ kind, actor, reason, tenant, total, planId, targetHandler, cutoff, ...terms },
    ratePerSecond: terms.ratePerSecond === undefined ? findings.ratePerSecond : terms.ratePerSecond,
    filter: selection.kind === "dead_letters" ? filterText(selection.filter) : null,
    ...(replayId === undefined ? {} : { replayId }),
    own: terms.mode === "dry_run" || kind === "history" || targetHandler !== null,
  };
}
