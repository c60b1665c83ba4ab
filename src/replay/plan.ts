/** Plans: a selection, frozen at a place in the log, with what its replay would do. */
import type { Catalog } from "../catalog/catalog.ts";
import { recordAct } from "../delivery/journal/record-act.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { isRepriseError, RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { NewId } from "../event/ids.ts";
import { planStream } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import { ownEvent } from "../records/own-event.ts";
import type { PlanStreamData } from "../records/plan.ts";
import type { ReplayRequested } from "../records/replay.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { Archives } from "../retention/archive/archives.ts";
import type { Views } from "../views/model/views.ts";
import { makePlan, type PlanRequest } from "./make-plan.ts";
import { makePlanAge } from "./plan-age.ts";
import type { FrozenPlan, PlanStream } from "./plan-stream.ts";
import { type Plan, showPlan } from "./show-plan.ts";
import { changesSince } from "./stale.ts";

export interface Plans {
  /** @throws REQUEST_INVALID for a selection that is too large, or that names a handler or a type that does not fit. */
  make(request: PlanRequest): Promise<Plan>;
  /** @throws NOT_FOUND */
  show(planId: string, tenant: string): Promise<Plan>;
  /** @throws NOT_FOUND */
  read(planId: string, tenant: string): Promise<FrozenPlan>;
  items(planId: string): Promise<readonly ReplayItem[]>;
  /** @throws PLAN_STALE when the plan is too old, or what it lists has changed. */
  mustBeFresh(plan: FrozenPlan, items: readonly ReplayItem[]): Promise<void>;
  /** Makes the plan this replay's. @throws PLAN_USED when another one was first. */
  use(plan: FrozenPlan, job: ReplayRequested): Promise<bigint>;
}

export interface PlanNeeds {
  readonly log: EventLog;
  readonly views: Views;
  readonly delivery: RunningHandlers;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly stream: PlanStream;
  readonly archives: Archives;
  /** Aborted when the service stops. */
  readonly signal: AbortSignal;
}

export function makePlans(needs: PlanNeeds): Plans {
  const { log, delivery, catalog, clock, newId, stream, signal } = needs;
  const age = makePlanAge(clock);

  async function read(planId: string, tenant: string): Promise<FrozenPlan> {
    const plan = await stream.read(planId);
    if (plan === null || plan.findings.tenant !== tenant) throw new RepriseError("NOT_FOUND", "There is no plan with this id.");
    return plan;
  }

  return {
    async make(request) {
      const { plan, items } = await makePlan({ ...needs, age }, request);
      return showPlan(needs, plan, items);
    },

    async show(planId, tenant) {
      const plan = await read(planId, tenant);
      return showPlan(needs, plan, await stream.items(planId));
    },

    read,
    items: (planId) => stream.items(planId),

    async mustBeFresh({ findings }, listed) {
      const { madeAt, expiresAt } = findings;
      if (age.isExpired(findings)) throw new RepriseError("PLAN_STALE", `The plan expired at ${expiresAt}.`, { fields: { expiresAt, changed: [] } });
      const changed = await changesSince(findings, listed, { delivery, catalog });
      if (changed.length === 0) return;
      const what = changed.map(({ reason, count }) => `${count} ${reason}`).join("; ");
      throw new RepriseError("PLAN_STALE", `What the plan lists has changed since ${madeAt}: ${what}.`, {
        fields: { changed: changed.map(({ reason, count, eventIds }) => ({ reason, count, event_ids: eventIds })) },
      });
    },

    async use({ findings: { planId, tenant }, revision, used }, job) {
      if (used !== null) throw usedBy(used);
      try {
        const data = { job } satisfies PlanStreamData["plan.used"];
        const record = { stream: planStream(planId), events: [ownEvent(newId, "plan.used", data)], expected: revision };
        return (await recordAct({ log, clock, signal }, record)).position;
      } catch (error) {
        if (!isRepriseError(error, "REVISION_CONFLICT")) throw error;
        const { used: first } = await read(planId, tenant);
        throw first === null ? error : usedBy(first);
      }
    },
  };
}

function usedBy({ replayId, actor, reason }: ReplayRequested): RepriseError {
  return new RepriseError("PLAN_USED", `${actor} started the plan as replay ${replayId}${reason === null ? "" : ` (${reason})`}.`, {
    fields: { replayId, actor },
  });
}
