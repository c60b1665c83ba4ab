/** How old plans are. By the monotonic clock for those that this process made, since somebody may set the wall clock meanwhile. */
import { LRUCache } from "lru-cache";
import { type Clock, toIso } from "../event/clock.ts";
import type { PlanFindings } from "../records/plan.ts";

const planLifeMs = 24 * 3_600_000;
const maxKnownPlans = 10_000;

export interface PlanAge {
  /** When a plan that is made now expires. */
  lifeFromNow(): Pick<PlanFindings, "madeAt" | "expiresAt">;
  /** Remembers that this process has made the plan now. */
  made(planId: string): void;
  isExpired(plan: Pick<PlanFindings, "planId" | "madeAt">): boolean;
}

export function makePlanAge(clock: Clock): PlanAge {
  /** Monotonic time of each. */
  const madeHere = new LRUCache<string, number>({ max: maxKnownPlans });
  return {
    lifeFromNow() {
      const nowMs = clock.now();
      return { madeAt: toIso(nowMs), expiresAt: toIso(nowMs + planLifeMs) };
    },
    made: (planId) => void madeHere.set(planId, clock.monotonicMs()),
    isExpired({ planId, madeAt }) {
      const madeMs = madeHere.get(planId);
      return (madeMs === undefined ? clock.now() - Date.parse(madeAt) : clock.monotonicMs() - madeMs) >= planLifeMs;
    },
  };
}
