/** What dead letters are asked for, and what is done with them. */

import { z } from "zod";
import { canonicalId } from "../../event/ids.ts";
import { deadLetterCauses } from "../../records/attempt.ts";
import { maxFingerprintChars } from "../../records/fingerprint/fingerprint.ts";
import type { DeadLetterFilter } from "../../views/model/dead-letter.ts";
import { defined } from "./defined.ts";
import { actRequest, afterQuery, cursor, givenData, limit, maxEvents, mustSayWhy, rate, reason, term, text, timeMs, wholeNumber } from "./members.ts";

/** What selects dead letters, in a query or in a body: text in both. */
export const deadLetterFilter = {
  event_type: term,
  source: term,
  handler: term,
  entity_type: term,
  entity_id: term,
  error: text(2048).optional(),
  error_like: text(2048).optional(),
  error_group: text(maxFingerprintChars).optional(),
  cause: z.enum(deadLetterCauses, `must be one of ${deadLetterCauses.join(", ")}`).optional(),
  replay_id: term,
  since: timeMs.optional(),
  until: timeMs.optional(),
};

export const deadLettersQuery = afterQuery.extend({
  ...deadLetterFilter,
  limit: limit(50, 200),
  offset: wholeNumber(0, 10_000).default(0),
  cursor,
  data: z
    .enum(["true", "false"], "must be true or false")
    .default("true")
    .transform((value) => value === "true"),
});

export const deadLetterStatsQuery = afterQuery.extend(deadLetterFilter);

export const deadLetterQuery = afterQuery.extend({ handler: term });

export const migration = term;

export const replayRequest = actRequest.extend({ handler: term, target_handler: term, migration });

export const replayBatchRequest = actRequest.extend({
  ...deadLetterFilter,
  max_events: z.int(maxEvents).min(1, maxEvents).max(1000, maxEvents).optional(),
  rate_per_second: rate.optional(),
  migration,
});

export const replayBatchQuery = actRequest.extend({
  ...deadLetterFilter,
  max_events: wholeNumber(1, 1000).optional(),
  rate_per_second: z
    .string("must be a number above 0")
    .regex(/^\d{1,9}(?:\.\d{1,9})?$/, "must be a number above 0")
    .transform(Number)
    .pipe(rate)
    .optional(),
  migration,
});

export const amendRequest = z.strictObject({ data: givenData, reason: mustSayWhy, handler: term });

export const discardRequest = z.strictObject({
  reason: mustSayWhy,
  resolution: z.enum(["not_needed", "done_by_hand"], "must be not_needed or done_by_hand").optional(),
  handler: term,
});

export const discardBatchRequest = z.strictObject({
  ...deadLetterFilter,
  reason: mustSayWhy.optional(),
  resolution: z.enum(["not_needed", "done_by_hand"], "must be not_needed or done_by_hand").optional(),
  max_events: z.int(maxEvents).min(1, maxEvents).max(1000, maxEvents).optional(),
});

export const discardBatchQuery = z.strictObject({ ...deadLetterFilter, reason: reason.optional(), max_events: wholeNumber(1, 1000).optional() });

export function toDeadLetterFilter(wire: Omit<z.output<typeof deadLetterStatsQuery>, "after">): Omit<DeadLetterFilter, "tenant"> {
  return defined({
    eventType: wire.event_type,
    source: wire.source,
    handler: wire.handler,
    entityType: wire.entity_type,
    entityId: wire.entity_id,
    error: wire.error,
    errorLike: wire.error_like,
    errorGroup: wire.error_group,
    cause: wire.cause,
    replayId: wire.replay_id === undefined ? undefined : canonicalId(wire.replay_id),
    sinceMs: wire.since,
    untilMs: wire.until,
  });
}
