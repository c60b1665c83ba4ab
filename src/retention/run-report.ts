import type { Findings, HeldBack, RuleFindings } from "./findings.ts";

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

/** A run, and what it has found and done so far. */
export interface ArchiveRun {
  readonly id: string;
  readonly dryRun: boolean;
  readonly state: "running" | "completed" | "stopped" | "failed";
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Why it did not come to its end. */
  readonly why: string | null;
  /** `held` is null of a run of another process: that one alone knows it, and what held it. */
  readonly rules: readonly (Omit<RuleFindings, "held"> & { readonly held: number | null })[];
  readonly held: readonly HeldBack[];
  readonly archived: number;
  readonly segments: number;
  readonly removed: number;
  readonly forgotten: number;
  readonly freedBytes: number;
  readonly owed: string | null;
}
