/** Goes on with replays that an end of the process cut off, or that another instance ran. */

import type { LastEnds } from "../delivery/partition/ends.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { isRepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Views } from "../views/model/views.ts";
import { caughtUp } from "./caught-up.ts";
import { suspectsOf } from "./job-progress.ts";
import type { Jobs } from "./jobs.ts";
import { outcomesOfLetters } from "./letter-outcomes.ts";
import type { PacesElsewhere } from "./paces-elsewhere.ts";
import type { PlanStream } from "./plan-stream.ts";
import type { ReplayStream } from "./replay-stream.ts";
import { takeUp } from "./take-up.ts";

export interface RecoveryNeeds {
  readonly log: Pick<EventLog, "head">;
  readonly views: Pick<Views, "waitFor" | "openReplays" | "replayOutcomes">;
  readonly delivery: Pick<RunningHandlers, "working" | "cluster">;
  readonly jobs: Jobs;
  readonly paces: Pick<PacesElsewhere, "tell">;
  readonly stream: ReplayStream;
  readonly plans: PlanStream;
  readonly ends: LastEnds;
  readonly clock: Pick<Clock, "after">;
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
  const { clock, delivery, jobs, signal } = needs;
  let going: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  // One after the other: two at once would both take up the same replay.
  const go = (): Promise<void> => {
    jobs.paceAgain(); // at once: a letter of a partition that has just come would start without a turn until then
    next ??= going
      .catch(() => {})
      .then(() => {
        next = null;
        return goOn(needs);
      })
      .catch((error: unknown) => {
        if (delivery.cluster === null || signal.aborted) throw error;
        clock.after(againMs, () => void go().catch(() => {})); // nobody else may tell again that an instance has left
      });
    going = next;
    return next;
  };
  return { goOn: go, done: () => going };
}

/** Among several instances, the wait before it is tried again. */
export const againMs = 2000;

async function goOn(needs: RecoveryNeeds): Promise<void> {
  const { log, views, delivery, jobs, paces, onCutOff, signal } = needs;
  await caughtUp(views, await log.head(), signal);
  const open = await views.openReplays();
  await delivery.cluster?.membership.look();
  for (const { tenant, replayId, planId } of open) {
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
  for (const { replays } of delivery.working())
    for (const replayId of replays.unknownPaces()) {
      if (signal.aborted) return;
      if (jobs.get(replayId) === undefined) await paces.tell(replayId, replays);
    }
}

async function goOnWith(needs: RecoveryNeeds, tenant: string, replayId: string, planId: string | null): Promise<void> {
  const { log, delivery, jobs, plans, ends } = needs;
  const found = await takeUp({ ...needs, members: delivery.cluster?.membership ?? null }, replayId, planId);
  if (found === null) return;
  const { stored, last, request } = found;
  const items = planId === null ? stored.items : [...stored.items, ...(await plans.items(planId))];
  // Of several instances, others may have recorded something until the claim.
  const outcomes = request.own ? stored.outcomes : await outcomesOfLetters(needs, { tenant, replayId, items, upTo: delivery.cluster && (await log.head()) });
  jobs.goOn(request, items, { ...stored, outcomes }, { suspects: suspectsOf(stored, ends.told), last });
}
