import type { Position } from "../event/event.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { Views } from "../views/model/views.ts";
import { caughtUp } from "./caught-up.ts";
import { keyOf } from "./items.ts";
import type { JobProgress } from "./job-progress.ts";

export interface LetterOutcomesNeeds {
  readonly views: Pick<Views, "waitFor" | "replayOutcomes">;
  /** Aborted when the service stops. */
  readonly signal: AbortSignal;
}

export interface AskedOutcomes {
  readonly tenant: string;
  readonly replayId: string;
  readonly items: readonly ReplayItem[];
  /** Everything that was recorded until there. Null: as far as the views have come. */
  readonly upTo: Position | null;
}

/** Outcomes of a replay's dead letters, by place: they are only in the journals. */
export async function outcomesOfLetters(
  { views, signal }: LetterOutcomesNeeds,
  { tenant, replayId, items, upTo }: AskedOutcomes,
): Promise<JobProgress["outcomes"]> {
  if (upTo !== null) await caughtUp(views, upTo, signal);
  const known = await views.replayOutcomes(tenant, replayId);
  const outcomes = new Map<number, "succeeded" | "failed">();
  items.forEach((item, place) => {
    const outcome = known.get(keyOf(item));
    if (outcome !== undefined) outcomes.set(place, outcome === "replayed" ? "succeeded" : "failed");
  });
  return outcomes;
}
