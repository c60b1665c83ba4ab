/** The stream of a plan, `reprise.plan-<id>`: its items in parts, then what it found, then the replay that it started. No payloads. */
import { isUuid } from "../event/ids.ts";
import { planStream } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { PlanFindings, PlanStreamData } from "../records/plan.ts";
import type { ReplayRequested } from "../records/replay.ts";
import type { ReplayItem } from "../records/replay-item.ts";

/** A plan with all that a replay needs of it, but its items. */
export interface FrozenPlan {
  readonly findings: PlanFindings;
  /** Revision of `plan.made`: whoever appends behind it first has the plan. */
  readonly revision: number;
  /** What the plan started; null while nobody has used it. */
  readonly used: ReplayRequested | null;
}

export interface PlanStream {
  /** @returns null when there is no plan with this id. */
  read(planId: string): Promise<FrozenPlan | null>;
  items(planId: string): Promise<readonly ReplayItem[]>;
}

export function makePlanStream(log: EventLog): PlanStream {
  return {
    async read(planId) {
      if (!isUuid(planId)) return null;
      let made: Omit<FrozenPlan, "used"> | null = null;
      let used: ReplayRequested | null = null;
      for await (const batch of log.readStream(planStream(planId), { direction: "backward", limit: 2 }))
        for (const { type, data, revision } of batch)
          if (type === "plan.used") used = (data as unknown as PlanStreamData["plan.used"]).job;
          else if (type === "plan.made") made = { findings: data as unknown as PlanFindings, revision };
      return made && { ...(made as Omit<FrozenPlan, "used">), used };
    },

    async items(planId) {
      const items: ReplayItem[] = [];
      for await (const batch of log.readStream(planStream(planId)))
        for (const { type, data } of batch)
          if (type === "replay.items") for (const item of (data as unknown as PlanStreamData["replay.items"]).items) items.push(item);
      return items;
    },
  };
}
