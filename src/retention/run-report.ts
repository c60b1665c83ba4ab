import type { Findings } from "./findings.ts";

/** How far a run is; the run writes it, whoever follows it reads it. */
export interface RunProgress {
  findings: Findings;
  /** Events that came into the archive. */
  archived: number;
  segments: number;
  /** Events that left the log. */
  removed: number;
  /** Streams of Reprise's own that were shortened. */
  forgotten: number;
  freedBytes: number;
  /** What is still to be done for the room, and by whom. */
  owed: string | null;
}
