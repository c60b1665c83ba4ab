/** A runner where several instances share the work: a partition has another owner from one moment to the next, and a job another runner. */
import type { Pace } from "../delivery/partition/pace.ts";
import { isRepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import { defaultTenant } from "../event/names.ts";
import { pause } from "../event/waits.ts";
import type { EventLog } from "../log/event-log.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { Views } from "../views/model/views.ts";
import { takeTurn } from "./asked-turns.ts";
import { caughtUp } from "./caught-up.ts";
import type { ItemEnd, JobRequest, Runner } from "./runner.ts";

export interface AmongInstancesNeeds {
  readonly log: Pick<EventLog, "head">;
  readonly views: Pick<Views, "waitFor" | "replayOutcome">;
  readonly clock: Clock;
  readonly request: JobRequest;
  /** Aborted when the service stops, or the job is over here. */
  readonly signal: AbortSignal;
  readonly pace: Pace;
  /** Whether another instance delivers the item. */
  readonly isElsewhere: (item: ReplayItem) => boolean;
}

/** Until it shows who owns the partition now. */
const movedMs = 100;

export function amongInstances(runner: Runner, needs: AmongInstancesNeeds): Runner {
  const { clock, request, signal, isElsewhere } = needs;
  let isWithdrawn = false;
  let withdrawing: Promise<unknown> = Promise.resolve();
  return {
    endsLane: runner.endsLane,
    leaveLane: (item) => runner.leaveLane(item),
    passed: () => runner.passed(),
    followers: () => runner.followers(),
    releasesLeft: () => runner.releasesLeft(),
    async run(place, item) {
      isWithdrawn = false;
      for (;;)
        try {
          if (isElsewhere(item) && !(await takeTurn({ ...needs, isWanted: () => !isWithdrawn }))) return { outcome: "withdrawn" };
          const end = await runner.run(place, item);
          return end.outcome === "skipped" && !request.own ? ((await endOnRecord(needs, item)) ?? end) : end;
        } catch (error) {
          if (signal.aborted || !isRepriseError(error, "NOT_OWNER", "FENCED", "OWNER_UNAVAILABLE", "LOG_UNAVAILABLE")) throw error;
          runner.leaveLane(item); // it was borrowed from an owner that has it no more
          if (isWithdrawn) return { outcome: "withdrawn" };
          await pause(movedMs, clock, signal);
        }
    },
    withdraw(how) {
      isWithdrawn = true;
      const all = runner.withdraw(how);
      withdrawing = all.catch(() => {}); // whoever withdraws is told
      return all;
    },
    /** What the runner before this one had asked for ends, too, before a pause is complete. */
    async flushed() {
      await withdrawing;
      await runner.flushed();
    },
  };
}

/** What an owner left alone may be what this very job has delivered: for the runner before this one, or for an owner that could not answer any more. */
async function endOnRecord({ log, views, request, signal }: AmongInstancesNeeds, item: ReplayItem): Promise<ItemEnd | null> {
  await caughtUp(views, await log.head(), signal);
  const outcome = await views.replayOutcome(request.tenant ?? defaultTenant, request.replayId, { ...item, stream: item.lane });
  if (outcome === undefined) return null;
  if (outcome === "replayed") return { outcome: "succeeded", position: 0n };
  return { outcome: "failed", position: 0n, error: { type: "Error", message: "It failed again; its dead letter has the error." } };
}
