/** What replays are begun and steered with. */

import { z } from "zod";
import type { AskedTerms } from "../../records/replay.ts";
import { uuid } from "../../store/append/members.ts";
import { actRequest, afterQuery, cursor, limit, mustSayWhy, rate } from "./members.ts";

const entitiesMessage = "must be a whole number from 1 to 10000";

const inARowMessage = "must be a whole number from 1 to 100000";

const holdMessage = "must be a number of seconds from 0 to 86400";

export const startReplayRequest = z.strictObject({
  plan_id: uuid,
  reason: mustSayWhy,
  mode: z.enum(["run", "dry_run"], "must be run or dry_run"),
  /** Left out: the plan's. Null: no limit. */
  rate_per_second: rate.nullable().optional(),
  canary: z
    .strictObject({
      entities: z.int(entitiesMessage).min(1, entitiesMessage).max(10_000, entitiesMessage),
      hold_seconds: z.number(holdMessage).min(0, holdMessage).max(86_400, holdMessage),
    })
    .optional(),
  stop_when: z
    .strictObject({
      failure_ratio: z.number("must be a number above 0, at most 1").positive("must be above 0").max(1, "must be at most 1").optional(),
      failures_in_a_row: z.int(inARowMessage).min(1, inARowMessage).max(100_000, inARowMessage).optional(),
    })
    .refine((value) => value.failure_ratio !== undefined || value.failures_in_a_row !== undefined, "must have failure_ratio, failures_in_a_row or both")
    .optional(),
  effects: z.enum(["once", "again"], "must be once or again").optional(),
});

/** `null` takes the limit away. */
export const rateRequest = actRequest.extend({ rate_per_second: rate.nullable() });

export const replaysQuery = afterQuery.extend({ limit: limit(100, 1000), cursor });

export function toTerms({ mode, rate_per_second, canary, stop_when, effects }: z.output<typeof startReplayRequest>): AskedTerms {
  return {
    mode,
    ...(rate_per_second === undefined ? {} : { ratePerSecond: rate_per_second }),
    effects: effects ?? "once",
    canary: canary === undefined ? null : { entities: canary.entities, holdSeconds: canary.hold_seconds },
    stopWhen: stop_when === undefined ? null : { failureRatio: stop_when.failure_ratio ?? null, failuresInARow: stop_when.failures_in_a_row ?? null },
  };
}
