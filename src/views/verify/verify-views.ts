/** Judges whether the views say what a rebuild from the log would say, beside the service that keeps them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { makeCatalog } from "../../catalog/make-catalog.ts";
import { RepriseError } from "../../errors.ts";
import { type Position, positionText, type StoredEvent } from "../../event/event.ts";
import { abridgedStream, retentionStream } from "../../event/names.ts";
import { abridgedType } from "../../log/abridged/abridgement.ts";
import { readAllWhole } from "../../log/abridged/whole-journals.ts";
import type { ReadOnlyLog } from "../../log/event-log.ts";
import { missedEntries } from "../projections/shortened.ts";
import { isDiskTrouble } from "../row-fold.ts";
import { openViewStore, type ViewStore } from "../store.ts";
import { compareViews, type ViewsComparison } from "./compare.ts";
import { asDamaged, copyViews, lookAtViews, type SeenViews, ViewsNotJudged } from "./live-views.ts";

export type { ViewsDifference } from "./compare.ts";
export { ViewsDamaged, ViewsNotJudged } from "./live-views.ts";

export interface ViewsVerified extends ViewsComparison {
  /** Up to where the views contain the log, and were compared. */
  readonly position: string;
}

export interface VerifyOptions {
  /** The views' file. */
  readonly file: string;
  /** Opens the log for reading; the end that it has is that of the moment. It is opened twice. */
  openLog(): Promise<ReadOnlyLog>;
  /** Its folder is removed at the end, whatever happens. Default: the system's. */
  readonly temporary?: string;
  /** Called now and then. @param share of the log that was folded, 0 to 1. */
  readonly onProgress?: (share: number, events: number) => void;
  readonly signal: AbortSignal;
}

/** Events that one call folds: a signal is heard between two. */
const eventsAtOnce = 512;
/** Own entries that no projection can read, as the projector passes over them. Each costs a part of the fold. */
const maxUnreadable = 1000;
/** What a rebuild needs no more, so that nobody's handlers are asked: rows know types by their names alone. */
const noCatalog = makeCatalog({ events: [], upcasters: [] });

/**
 * Folds the log to where the views are, copies them, folds the rest up to the position of the copy, and compares. The views are read as they are at one moment, and
 * nothing holds them or the log in between.
 *
 * @throws ViewsNotJudged, ViewsDamaged; what the log throws; the signal's reason.
 */
export async function verifyViews({ file, openLog, temporary = tmpdir(), onProgress = () => {}, signal }: VerifyOptions): Promise<ViewsVerified> {
  const seen = await lookAtViews(file);
  const folder = mkdtempSync(join(temporary, "reprise-views-")); // 0700
  let store: ViewStore | null = null;
  try {
    const [copy, anew] = [join(folder, "views.db"), join(folder, "anew.db")];
    const fold = async (log: ReadOnlyLog, { logId, position }: SeenViews) => {
      if (log.logId !== logId)
        throw new ViewsNotJudged(`The views in ${file} are those of another log.`, "Name the log with --log and the folder of its views with --data.");
      const head = await log.head();
      if (position > head) throw new RepriseError("LOG_BEHIND_CHECKPOINT", `The views in ${file} contain the log up to ${position}, but it ends at ${head}.`);
      store ??= openViewStore(anew, logId, noCatalog, "rebuild");
      await foldUpTo(store, log, position, { onProgress, signal });
    };
    await reading(openLog, (log) => fold(log, seen));
    const copied = await copyViews(file, copy);
    await reading(openLog, async (log) => {
      await fold(log, copied);
      if (missedEntries(store!.db) || (await isShortened(log, copied.position)))
        throw new ViewsNotJudged("Retention works on the log, and the views have not read yet what it did.", "Try again when its run has ended.");
    });
    store!.close();
    const comparison = await compareViews(copy, anew, signal).catch((error: unknown) => {
      throw asDamaged(file, error);
    });
    return { position: positionText(copied.position), ...comparison };
  } finally {
    (store as ViewStore | null)?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function reading(openLog: VerifyOptions["openLog"], work: (log: ReadOnlyLog) => Promise<void>): Promise<void> {
  const log = await openLog();
  try {
    await work(log);
  } finally {
    await log.close();
  }
}

async function foldUpTo(store: ViewStore, log: ReadOnlyLog, to: Position, { onProgress, signal }: Required<Pick<VerifyOptions, "onProgress" | "signal">>) {
  let events = 0;
  for (let failures = 0, isWhole = false; !isWhole; failures++) {
    isWhole = true;
    for await (const batch of readAllWhole(log, store.position())) {
      const reached = batch.at(-1)?.position ?? 0n;
      isWhole = await foldBatch(store, upTo(batch, to), signal, failures < maxUnreadable);
      events += batch.length;
      onProgress(Number(reached) / Number(to), events);
      if (!isWhole || reached >= to) break;
    }
  }
  store.settle();
}

/** @returns false when one could not be folded: all since the last commit is undone, and the next try passes over an own entry that no projection reads. */
async function foldBatch(store: ViewStore, events: readonly StoredEvent[], signal: AbortSignal, again: boolean): Promise<boolean> {
  for (let left = events; left.length > 0; ) {
    signal.throwIfAborted();
    try {
      left = left.slice(store.fold(left, (folded) => folded >= eventsAtOnce));
    } catch (error) {
      if (!again || isDiskTrouble(error)) throw error;
      return false;
    }
    await nextTurn();
  }
  return true;
}

function upTo(events: readonly StoredEvent[], to: Position): readonly StoredEvent[] {
  const later = events.findIndex(({ position }) => position > to);
  return later === -1 ? events : events.slice(0, later);
}

const shortens = new Set(["retention.archived", "retention.forgotten", abridgedType]);

/** Whether something left the log of which the views do not know yet, so that it is missing in what was folded. */
async function isShortened(log: ReadOnlyLog, after: Position): Promise<boolean> {
  for await (const batch of log.readAll({ after, filter: { streamPrefixes: [retentionStream, abridgedStream] } }))
    if (batch.some(({ source, type }) => source === "reprise" && shortens.has(type))) return true;
  return false;
}
