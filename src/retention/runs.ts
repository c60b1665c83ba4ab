/** Runs of this process: one at a time, by the schedule and by request. */
import { isRepriseError, RepriseError } from "../errors.ts";
import { policyActor } from "../event/names.ts";
import { messageOf } from "../event/thrown.ts";
import { within } from "../event/waits.ts";
import { Findings } from "./findings.ts";
import { type RecordedRunNeeds, recordedRun } from "./recorded-run.ts";
import { type RunNeeds, recordEnd, runRetention } from "./run.ts";
import type { ArchiveRun, RunProgress } from "./run-report.ts";
import { runBySchedule } from "./schedule.ts";

export interface ArchiveRunOptions {
  readonly dryRun?: boolean;
  readonly actor?: string;
  readonly reason?: string;
}

export interface ArchiveRuns {
  /** Begins a run, and does not wait for its end. @throws RETENTION_RUNNING */
  beginArchiveRun(options?: ArchiveRunOptions): Promise<ArchiveRun>;
  /** One of the last runs of this process, or one that the log tells of; null: there is none. @throws LOG_UNAVAILABLE */
  archiveRun(id: string): Promise<ArchiveRun | null>;
}

/** For the page of metrics. */
export interface RetentionFigures {
  readonly archived: number;
  readonly removed: number;
  readonly freedBytes: number;
  /** Of the last run that came to its end: events held back, and when it ended (wall clock, ms); null: none yet. */
  readonly last: { readonly held: number; readonly endedMs: number } | null;
  /** Not those that another process was ahead of: one at a time works on a log. */
  readonly failed: number;
}

export interface Retention extends ArchiveRuns {
  /** Begins the schedule. */
  start(): void;
  /** Ends the run under way between two of its steps; the next run goes on there. */
  stop(): Promise<void>;
  figures(): RetentionFigures;
}

export interface RetentionNeeds extends RunNeeds, Pick<RecordedRunNeeds, "isAtWork"> {
  readonly pace: { readonly everyMs: number /** Null: as fast as it goes. */; readonly eventsPerSecond: number | null };
  /** A run did not come to its end: it is tried again. */
  readonly onTrouble: (error: unknown) => void;
  readonly onRun: (run: ArchiveRun) => void;
}

const keptRuns = 20;
const stopPatienceMs = 5000;

interface Kept {
  readonly id: string;
  readonly dryRun: boolean;
  readonly startedMs: number;
  readonly progress: RunProgress;
  state: ArchiveRun["state"];
  endedMs: number | null;
  why: string | null;
}

export function makeRetention(needs: RetentionNeeds): Retention {
  const { clock, newId, rules, pace, onRun } = needs;
  const stopping = new AbortController();
  const runs = new Map<string, Kept>();
  const figures = { archived: 0, removed: 0, freedBytes: 0, failed: 0, last: null as RetentionFigures["last"] };
  let current: Promise<unknown> | null = null;

  function begin({ dryRun = false, actor = policyActor, reason = null }: Omit<ArchiveRunOptions, "reason"> & { readonly reason?: string | null }) {
    if (stopping.signal.aborted) throw new RepriseError("CLOSED", "The store is closed.");
    if (current !== null) throw new RepriseError("RETENTION_RUNNING", "A run is under way in this process.");
    const startedMs = clock.now();
    const progress = { findings: new Findings(rules, startedMs), archived: 0, segments: 0, removed: 0, forgotten: 0, freedBytes: 0, owed: null };
    const kept: Kept = { id: newId(), dryRun, startedMs, progress, state: "running", endedMs: null, why: null };
    runs.set(kept.id, kept);
    for (const id of runs.keys()) if (runs.size > keptRuns) runs.delete(id);
    const options = { ...{ runId: kept.id, actor, reason, dryRun, eventsPerSecond: pace.eventsPerSecond, progress }, signal: stopping.signal };
    const ended = runRetention(needs, options).then(
      () => settle(kept, "completed", null),
      async (error: unknown) => {
        const stopped = stopping.signal.aborted;
        settle(kept, stopped ? "stopped" : "failed", stopped ? "the service stops" : messageOf(error));
        if (isRepriseError(error, "RETENTION_RUNNING")) throw error;
        if (kept.state === "failed") figures.failed++;
        if (!dryRun) await recordEnd(needs, options, kept.state === "stopped" ? "stopped" : "failed", kept.why!);
        throw error;
      },
    );
    current = ended.catch(() => {}).finally(() => void (current = null));
    return { kept, ended };
  }

  function settle(kept: Kept, state: Kept["state"], why: string | null): void {
    Object.assign(kept, { state, why, endedMs: clock.now() });
    const { archived, removed, freedBytes, findings } = kept.progress;
    figures.archived += archived;
    figures.removed += removed;
    figures.freedBytes += freedBytes;
    if (state === "completed" && !kept.dryRun) figures.last = { held: findings.heldEvents, endedMs: kept.endedMs! };
    onRun(shown(kept));
  }

  return {
    async beginArchiveRun(options = {}) {
      const { kept, ended } = begin(options);
      ended.catch(() => {}); // whoever asks for the run is told
      return shown(kept);
    },
    async archiveRun(id) {
      const kept = runs.get(id);
      return kept === undefined ? recordedRun(needs, id) : shown(kept);
    },
    start() {
      if (rules.length > 0) void runBySchedule({ ...needs, run: () => begin({}).ended, signal: stopping.signal });
    },
    async stop() {
      stopping.abort();
      // One that waits for its archive is left: the next run goes on there.
      if (current !== null) await within(current, stopPatienceMs, clock, () => {});
    },
    figures: () => ({ ...figures }),
  };
}

function shown({ id, dryRun, state, startedMs, endedMs, why, progress }: Kept): ArchiveRun {
  const { findings, ...done } = progress;
  return {
    ...{ id, dryRun, state, why, startedAt: new Date(startedMs).toISOString(), endedAt: endedMs === null ? null : new Date(endedMs).toISOString() },
    ...{ rules: findings.rules.map((rule) => ({ ...rule })), held: findings.held.map((held) => ({ ...held, examples: [...held.examples] })), ...done },
  };
}
