import { type Clock, toIso } from "../../event/clock.ts";
import { makeRecordClock } from "../record-clock.ts";

/** The times at which appends are recorded. */
export interface RecordTimes {
  next(): string;
  warnings(): readonly string[];
}

export function makeRecordTimes(clock: Clock): RecordTimes {
  const recordClock = makeRecordClock(clock);
  /** Making its text takes a microsecond, so it is made once for each millisecond. */
  let recorded = { ms: 0, iso: toIso(0) };
  return {
    next() {
      const ms = recordClock.next(recorded.ms);
      if (ms !== recorded.ms) recorded = { ms, iso: toIso(ms) };
      return recorded.iso;
    },
    warnings: () => recordClock.warnings(),
  };
}
