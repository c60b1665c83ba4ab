/** Makes a plan: selects, and freezes what was selected in a stream of its own. */
import type { Catalog } from "../catalog/catalog.ts";
import { notInTime, withPatience } from "../delivery/journal/patience.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import type { Clock } from "../event/clock.ts";
import type { NewEvent } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import { planStream } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import { ownEvent } from "../records/own-event.ts";
import type { PlanFindings, PlanStreamData } from "../records/plan.ts";
import type { Archives } from "../retention/archive/archives.ts";
import type { Views } from "../views/model/views.ts";
import { appendAll, partsOf } from "./items.ts";
import type { PlanAge } from "./plan-age.ts";
import type { FrozenPlan } from "./plan-stream.ts";
import { summaryOf } from "./plan-summary.ts";
import { type Selected, select } from "./select.ts";
import type { Selection } from "./selection.ts";

export interface MakePlanNeeds {
  readonly log: EventLog;
  readonly views: Views;
  readonly delivery: RunningHandlers;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly age: PlanAge;
  readonly archives: Archives;
}

export interface PlanRequest {
  readonly tenant: string;
  readonly actor: string;
  readonly selection: Selection;
  /** The handler that gets the events in place of the one that was selected by: the deliveries are the replay's own, and dead letters stay what they are. */
  readonly targetHandler: string | null;
  /** For the estimate, and for a replay that names no rate. */
  readonly ratePerSecond: number | null;
}

/** Of one plan. Larger selections are several plans: each is a bounded act. */
export const maxPlanItems = 100_000;

export async function makePlan(needs: MakePlanNeeds, request: PlanRequest): Promise<{ readonly plan: FrozenPlan; readonly items: Selected["items"] }> {
  const { log, views, delivery, catalog, newId, age, archives } = needs;
  const { tenant, actor, selection, targetHandler, ratePerSecond } = request;
  await views.waitFor(await log.head());
  const cutoff = views.position();
  const selected = await select({ log, views, delivery, catalog, archives }, selection, { tenant, targetHandler, maxItems: maxPlanItems });
  const planId = newId();
  age.made(planId);
  const findings: PlanFindings = {
    planId,
    tenant,
    actor,
    selection: selection.stored,
    targetHandler,
    cutoff: cutoff.toString(),
    ...age.lifeFromNow(),
    ...(await summaryOf(selected)),
    ratePerSecond,
    chains: Object.fromEntries(selected.types.map((type) => [type, catalog.chainFingerprint(type)])),
  };
  // Without its last event there is no plan: the parts that stand before it name nothing.
  const made = ownEvent(newId, "plan.made", findings satisfies PlanStreamData["plan.made"]);
  const revision = await store(needs, planStream(planId), [...(await partsOf(newId, selected.items)), made]);
  return { plan: { findings, revision, used: null }, items: selected.items };
}

/** @returns revision of the last event. */
async function store({ log, clock }: MakePlanNeeds, stream: string, events: readonly NewEvent[]): Promise<number> {
  const { revision } = await withPatience(clock, (patience) =>
    appendAll(
      async (to, part, expected) => {
        if (patience.over) throw notInTime();
        return (await log.append(to, part, expected)).at(-1)!;
      },
      stream,
      events,
    ),
  );
  return revision;
}
