import type { EventLog } from "../log/event-log.ts";

/** The log as a run reads it: beside live work. What it reads in one go, and makes of it, holds the thread. */
export function inSmallSteps(log: EventLog): EventLog {
  const reads: Pick<EventLog, "readAll" | "readStream"> = {
    readAll: (options) => log.readAll({ ...options, steps: "small" }),
    readStream: (stream, options) => log.readStream(stream, { ...options, steps: "small" }),
  };
  return Object.assign(Object.create(log) as EventLog, reads);
}
