/**
 * One run: walks the log for what may go, archives it segment by segment, and removes it. Each step is on record before the next one begins, so a run that is
 * killed at any moment is gone on with by the next one: nothing is lost, and nothing is archived twice.
 */
import type { Catalog } from "../catalog/catalog.ts";
import type { Clock } from "../event/clock.ts";
import type { StoredEvent } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Archive, SegmentEntry } from "./archive/archive.ts";
import { noteArchive } from "./archives.ts";
import { makeBeating } from "./beating.ts";
import { Findings } from "./findings.ts";
import { digestOf, type FloorOf, floorsOf, Leaving } from "./floors.ts";
import { makeForgetting } from "./forgetting.ts";
import { type Holds, openHolds } from "./holds.ts";
import { OpenSegments } from "./open-segments.ts";
import { makeRemoval } from "./removal.ts";
import type { RetentionRule } from "./retention-rule.ts";
import { makeRetentionStream, type RetentionStream } from "./retention-stream.ts";
import type { RunProgress } from "./run-report.ts";
import { Scan } from "./scan.ts";
import { SegmentRecords } from "./segment-records.ts";
import { inSmallSteps } from "./small-reads.ts";
import { StillGoing } from "./still-going.ts";
import { makeThrottle } from "./throttle.ts";
import { makeJudge } from "./what-may-go.ts";

export interface RunNeeds {
  readonly log: EventLog;
  readonly catalog: Catalog;
  readonly rules: readonly RetentionRule[];
  /** Names of the config's handlers. */
  readonly handlers: ReadonlySet<string>;
  readonly openArchive: (url: string) => Promise<Archive>;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Id of this process. */
  readonly life: string;
}

export interface RunOptions {
  readonly runId: string;
  readonly actor: string;
  readonly reason: string | null;
  /** Only finds out what would go. */
  readonly dryRun: boolean;
  /** Null: as fast as it goes, with nobody beside it; then the log may be written again as a whole. */
  readonly eventsPerSecond: number | null;
  readonly progress: RunProgress;
  readonly signal: AbortSignal;
}

/** Events that are paid for together: at the default rate, each few milliseconds a few of them. */
const paidAtOnce = 8;

/** Events that are read cost live work as much as one that is archived. Else a walk over what stays would go at full speed beside it. */
const readsOfOne = 10;

/** What holds events is read again after so long. */
const refreshMs = 5000;

/** @throws RETENTION_RUNNING; ARCHIVE_UNAVAILABLE, LOG_UNAVAILABLE, LOG_FULL and others: the next run goes on where this one was. */
export async function runRetention(given: RunNeeds, options: RunOptions): Promise<void> {
  const needs = { ...given, log: inSmallSteps(given.log) };
  const { log, clock, rules } = needs;
  const { dryRun, progress, signal } = options;
  const nowMs = clock.now();
  progress.findings = new Findings(rules, nowMs);
  const stream = makeRetentionStream(needs);
  const head = await log.head();
  const holds = await openHolds({ ...needs, now: () => clock.now(), signal });
  const leaving = new Leaving();
  const walk = { needs, options, holds, nowMs, stream, leaving };
  if (dryRun) {
    const { lastEnd } = await stream.look();
    await walkAll({ ...walk, floorOf: floorsOf(lastEnd, rules), each: null });
    return;
  }
  const beating = makeBeating(log, clock);
  try {
    const begun = { runId: options.runId, life: needs.life, actor: options.actor, reason: options.reason, rules: progress.findings.rules };
    const left = await stream.begin(
      { ...begun, rules: begun.rules.map(({ entityType, before, keepLast, archive }) => ({ entityType, before, keepLast, archive })) },
      signal,
    );
    const segments = new OpenSegments(left.segments, left.recorded);
    const throttle = makeThrottle(options.eventsPerSecond, clock, signal);
    const removal = makeRemoval({ log, stream, runId: options.runId, rest: throttle, progress, signal });
    await removal.finish(left.toRemove);
    await walkAll({ ...walk, floorOf: floorsOf(left.lastEnd, rules), each: { removal, throttle, segments } });
    const forgetting = makeForgetting({ needs, options, stream, removal, nowMs, rest: throttle });
    await forgetting.ended();
    await holds.refresh();
    await forgetting.shorten(holds.handlers.recordedJournals());
    const { bytes, owed } = await log.freeRoom({ rest: throttle, signal, writeAgain: options.eventsPerSecond === null });
    Object.assign(progress, { freedBytes: bytes, owed });
    await stream.record({
      type: "retention.ended",
      data: { ...endOf(options, "completed", null), scannedTo: "0", rules: digestOf(rules), floors: { ...leaving.floors(head), segments: segments.left() } },
    });
  } finally {
    beating.stop();
  }
}

interface Walk {
  readonly needs: RunNeeds;
  readonly options: RunOptions;
  readonly holds: Holds;
  readonly nowMs: number;
  readonly floorOf: FloorOf;
  readonly leaving: Leaving;
  readonly stream: RetentionStream;
  /** Null: nothing is archived or removed. */
  readonly each: {
    readonly removal: ReturnType<typeof makeRemoval>;
    readonly throttle: (done: number) => Promise<void>;
    readonly segments: OpenSegments;
  } | null;
}

/** One walk for each archive. */
async function walkAll(walk: Walk): Promise<void> {
  for (const url of new Set(walk.needs.rules.map(({ archive }) => archive))) await walkOne(walk, url);
}

async function walkOne({ needs, options, holds, nowMs, floorOf, leaving, stream, each }: Walk, url: string): Promise<void> {
  const { log, clock, newId } = needs;
  const { progress, signal } = options;
  const rules = needs.rules.filter(({ archive }) => archive === url);
  const { judge } = makeJudge(rules, nowMs, holds.of);
  let refreshedMs = clock.monotonicMs();
  const between = async (read: number) => {
    await each?.throttle(read / readsOfOne);
    if (clock.monotonicMs() - refreshedMs < refreshMs) return;
    refreshedMs = clock.monotonicMs();
    await holds.refresh();
  };
  const scan = new Scan({ log, rules, judge, nowMs, floorOf, leaving, findings: progress.findings, between, signal });
  if (each === null) {
    for await (const _ of scan.batches());
    return;
  }
  const records = new SegmentRecords(options.runId, url, holds.handlers);
  const still = new StillGoing({ log, holds, leaving });
  const archive = await needs.openArchive(url);
  try {
    await noteArchive(log, newId, url);
    const among = (all: readonly SegmentEntry[]) => each.segments.among(url, all);
    for await (const segment of archive.write(eventsOf(scan, records, each.throttle), { among, signal })) {
      const entries = records.of(await still.of(segment));
      await stream.record(...entries);
      each.segments.record(entries);
      progress.archived += segment.present ? 0 : segment.entry.events;
      progress.segments += segment.present ? 0 : 1;
      await each.removal.finish(entries);
    }
    each.segments.leave(url, await archive.segments());
  } finally {
    await archive.close();
  }
}

/** What the archive makes of a piece holds the thread, so it is paid for before the next one. */
async function* eventsOf(scan: Scan, records: SegmentRecords, throttle: (done: number) => Promise<void>): AsyncGenerator<readonly StoredEvent[], void> {
  for await (const going of scan.batches())
    for (let from = 0; from < going.length; from += paidAtOnce) {
      const piece = going.slice(from, from + paidAtOnce);
      for (const each of piece) records.give(each);
      yield piece.map(({ event }) => event);
      await throttle(piece.length);
    }
}

/** Puts on record that a run did not come to its end, where the log takes that. The next run does not need it. */
export async function recordEnd(needs: RunNeeds, options: RunOptions, status: "stopped" | "failed", why: string): Promise<void> {
  try {
    const stream = makeRetentionStream(needs);
    const { lastEnd, runId } = await stream.look();
    if (runId !== options.runId) return; // it was never begun, or another one has taken over
    const { scannedTo = "0", rules = "", floors } = lastEnd ?? {};
    const next = { scannedTo, rules, ...(floors === undefined ? {} : { floors }) };
    await stream.record({ type: "retention.ended", data: { ...endOf(options, status, why), ...next } });
  } catch {
    // What hindered the run hinders this, too.
  }
}

function endOf({ runId, progress }: RunOptions, status: "completed" | "stopped" | "failed", why: string | null) {
  return { ...{ runId, status, why }, archived: progress.archived, held: progress.findings.heldEvents, freedBytes: progress.freedBytes };
}
