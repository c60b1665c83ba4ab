import { type Clock, toIso } from "../event/clock.ts";

/** How far recorded times may be ahead of the clock, so that small corrections of the clock do not show. */
export const maxAheadMs = 1000;

/**
 * The time at which events are recorded. When the clock is set back by less than a second, it stays; when by more, it goes back, too. Otherwise one event under
 * a clock that is years ahead would give its time to all later events, until the clock has caught up. The order is the log's, never that of the times.
 */
export interface RecordClock {
  /** The time for events that are recorded now. @param lastMs time of the log's last event, as far as it is known. */
  next(lastMs: number): number;
  warnings(): readonly string[];
}

export function makeRecordClock(clock: Pick<Clock, "now">): RecordClock {
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
