/** Dead letters of a replay's handlers that came after the replay had chosen its own: what its report tells beside its outcomes. */
import { isRepriseError } from "../errors.ts";
import { defaultTenant } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { ReplayRequested } from "../records/replay.ts";
import type { DeadLetterFilter } from "../views/model/dead-letter.ts";
import type { Views } from "../views/model/views.ts";

export interface NewSinceNeeds {
  readonly log: Pick<EventLog, "head">;
  readonly views: Pick<Views, "waitFor" | "deadLettersSince">;
}

/** Counts them, as far as the views have come. */
export async function countNewSince(
  { log, views }: NewSinceNeeds,
  { replayId, cutoff, tenant = defaultTenant, filter }: ReplayRequested,
  handlers: readonly string[],
): Promise<number> {
  try {
    await views.waitFor(await log.head());
  } catch (error) {
    if (!isRepriseError(error)) throw error;
  }
  // A selection by time, or by an earlier replay, says nothing about what failed since.
  const { sinceMs: _since, untilMs: _until, replayId: _replay, ...selected } = (filter ?? {}) as Readonly<Record<string, string>>;
  return views.deadLettersSince({ ...(selected as Omit<DeadLetterFilter, "tenant">), tenant }, handlers, BigInt(cutoff ?? 0), replayId);
}
