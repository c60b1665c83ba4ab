import { type Clock, toIso } from "../event/clock.ts";

/** How far recorded times may be ahead of the clock, so that small corrections of it do not show. */
export const maxAheadMs = 1000;

/**
 * The time that events are recorded at. It does not go back with the clock by less than a second; where the clock was set back by more, it comes back with it:
 * one event under a clock that is years ahead would else give its time to all that follow, until the clock has caught up. Order is the log's, never the times'.
 */
export interface RecordClock {
  /** For what is recorded now. @param lastMs of the last event of the log, as far as it is known. */
  next(lastMs: number): number;
  warnings(): readonly string[];
}

export function makeRecordClock(clock: Clock): RecordClock {
  let wentBack: { readonly fromMs: number; readonly toMs: number } | null = null;
  return {
    next(lastMs) {
      const nowMs = clock.now();
      if (lastMs <= nowMs) return nowMs;
      if (lastMs - nowMs <= maxAheadMs) return lastMs;
      wentBack = { fromMs: lastMs, toMs: nowMs };
      return nowMs;
    },
    warnings: () =>
      wentBack === null
        ? []
        : [
            `The machine's clock was set back: recorded times went back from ${toIso(wentBack.fromMs)} to ${toIso(wentBack.toMs)}. The order of events is not touched; filters by time may miss or repeat some of these.`,
          ],
  };
}
