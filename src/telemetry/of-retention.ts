/** What the runs of this process have archived and removed. */
import type { RetentionFigures } from "../retention/runs.ts";
import type { Family } from "./series.ts";

export function ofRetention({ archived, removed, freedBytes, failed, last }: RetentionFigures): readonly Family[] {
  const one = (type: Family["type"], name: string, help: string, value: number): Family => ({ name, help, type, samples: [{ labels: {}, value }] });
  return [
    one("counter", "reprise_retention_archived_events_total", "Events that came into an archive.", archived),
    one("counter", "reprise_retention_removed_events_total", "Archived events that left the log.", removed),
    one("counter", "reprise_retention_freed_bytes_total", "Bytes of the log's file that were given back.", freedBytes),
    one("counter", "reprise_retention_failed_runs_total", "Runs that did not come to their end, and were tried again.", failed),
    ...(last === null
      ? []
      : [
          one("gauge", "reprise_retention_held_events", "Events old enough to go that the last run left, because something holds them.", last.held),
          one("gauge", "reprise_retention_last_run_timestamp_seconds", "When a run last came to its end, since 1970.", last.endedMs / 1000),
        ]),
  ];
}
