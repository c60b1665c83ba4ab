/** Goes on with replays that an end of the process cut off, or that another instance ran. */

import type { LastEnds } from "../delivery/partition/ends.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { isRepriseError } from "../errors.ts";
import type { Position } from "../event/event.ts";
import type { EventLog } from "../log/event-log.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { Views } from "../views/model/views.ts";
import { keyOf } from "./items.ts";
import { type StoredReplay, suspectsOf } from "./job-progress.ts";
import type { Jobs } from "./jobs.ts";
import type { PlanStream } from "./plan-stream.ts";
import type { ReplayStream } from "./replay-stream.ts";

export interface RecoveryNeeds {
  readonly log: Pick<EventLog, "head">;
  readonly views: Pick<Views, "waitFor" | "openReplays" | "replayOutcomes">;
  readonly delivery: Pick<RunningHandlers, "working">;
  readonly jobs: Jobs;
  readonly stream: ReplayStream;
  readonly plans: PlanStream;
  readonly ends: LastEnds;
  readonly onCutOff: (replayId: string, error: unknown) => void;
  /** Aborted when the service stops. */
  readonly signal: AbortSignal;
}

export interface Recovery {
  /** Puts all of them to work that are not. */
  goOn(): Promise<void>;
  /** Resolves when the last `goOn` is through. */
  done(): Promise<void>;
}

export function makeRecovery(needs: RecoveryNeeds): Recovery {
  let going: Promise<void> = Promise.resolve();
  return {
    goOn() {
      going = goOn(needs);
      return going;
    },
    done: () => going,
  };
}

async function goOn(needs: RecoveryNeeds): Promise<void> {
  const { log, views, delivery, jobs, onCutOff, signal } = needs;
  await reached(needs, await log.head());
  for (const { tenant, replayId, planId } of await views.openReplays()) {
    if (signal.aborted) return;
    if (jobs.has(replayId)) continue;
    try {
      await goOnWith(needs, tenant, replayId, planId);
    } catch (error) {
      if (isRepriseError(error, "NOT_OWNER")) continue; // it is the replay of the instance that works on its handlers
      if (!isRepriseError(error, "LOG_DAMAGED")) throw error;
      onCutOff(replayId, error); // the others go on
    }
  }
  // A replay may have ended a moment before the process did: nobody else would let go of the lanes that still wait for its turns.
  for (const replays of delivery.working().map((handler) => handler.replays))
    for (const replayId of replays.unknownPaces()) if (jobs.get(replayId) === undefined) await replays.withdraw(replayId, "stop");
}

async function goOnWith({ views, jobs, stream, plans, ends }: RecoveryNeeds, tenant: string, replayId: string, planId: string | null): Promise<void> {
  const stored = await stream.read(replayId);
  if (stored.ended) return; // the views are a moment behind
  if (stored.request === null && planId !== null) {
    // The process ended after the plan was made this replay's, and before the replay's first event.
    stored.request = (await plans.read(planId))?.used ?? null;
    if (stored.request !== null) await stream.request(stored.request, [], true);
  }
  const { request } = stored;
  if (request === null) return;
  const items = planId === null ? stored.items : [...stored.items, ...(await plans.items(planId))];
  const outcomes = request.own ? stored.outcomes : await outcomesOfLetters(views, tenant, replayId, items, stored);
  jobs.goOn(request, items, { ...stored, outcomes }, suspectsOf(stored, ends.told));
}

/** Outcomes of dead letters are only in the journals. */
async function outcomesOfLetters(
  views: Pick<Views, "replayOutcomes">,
  tenant: string,
  replayId: string,
  items: readonly ReplayItem[],
  stored: StoredReplay,
): Promise<StoredReplay["outcomes"]> {
  const known = await views.replayOutcomes(tenant, replayId);
  const outcomes = new Map(stored.outcomes);
  items.forEach((item, place) => {
    const outcome = known.get(keyOf(item));
    if (outcome !== undefined) outcomes.set(place, outcome === "replayed" ? "succeeded" : "failed");
  });
  return outcomes;
}

/** However long the views take: a rebuild may be under way. */
async function reached({ views, signal }: RecoveryNeeds, position: Position): Promise<void> {
  while (!signal.aborted) {
    try {
      return await views.waitFor(position);
    } catch (error) {
      if (!isRepriseError(error, "VIEW_BEHIND")) throw error;
    }
  }
}
