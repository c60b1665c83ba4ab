/** When runs begin by themselves. */
import { isRepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import { pause } from "../event/waits.ts";

interface ScheduleNeeds {
  readonly clock: Clock;
  readonly pace: { readonly everyMs: number };
  /** One run, to its end. */
  readonly run: () => Promise<unknown>;
  /** A run did not come to its end: it is tried again. */
  readonly onTrouble: (error: unknown) => void;
  readonly signal: AbortSignal;
}

const firstRunMs = 5 * 60_000;
/** After a run that failed, the wait doubles from a minute to `everyMs`. */
const firstRetryMs = 60_000;
const mostDoublings = 20;

/** Until `signal` is aborted. A run of somebody else's is no trouble: the next look comes in time. */
export async function runBySchedule({ clock, pace, run, onTrouble, signal }: ScheduleNeeds): Promise<void> {
  let failures = 0;
  for (let waitMs = Math.min(firstRunMs, pace.everyMs); ; waitMs = afterFailures(failures, pace.everyMs)) {
    await pause(waitMs, clock, signal);
    if (signal.aborted) return;
    try {
      await run();
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (isRepriseError(error, "RETENTION_RUNNING")) continue;
      failures++;
      onTrouble(error);
    }
  }
}

function afterFailures(failures: number, everyMs: number): number {
  return failures === 0 ? everyMs : Math.min(everyMs, firstRetryMs * 2 ** Math.min(failures - 1, mostDoublings));
}
