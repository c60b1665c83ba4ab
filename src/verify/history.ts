/**
 * The checker (docs/rules.md, Checking): judges the calls that a receiver saw, alone or beside what a log says. It is pure. It shares no code with delivery
 * or views, because a fault in shared code would not show.
 */

/** One call, as a receiver saw it. */
export interface HistoryCall {
  readonly revision: number;
  /** Of a split event, from 0. */
  readonly part?: number;
  /** Null: not known. */
  readonly attempt: number | null;
  readonly deliveryId: string;
  readonly replayId: string | null;
  /** Places in time: of one clock, or of one count. */
  readonly startedAt: number;
  /** Null: it never ended, as far as the receiver knows. Undefined: the receiver keeps no ends. */
  readonly endedAt: number | null | undefined;
  /** Null: cut off. Undefined: the receiver keeps no outcomes. */
  readonly outcome: "completed" | "failed" | "deferred" | null | undefined;
}

/** The other facts about one lane, apart from the calls. */
export interface LaneStory {
  readonly ordering: "strict" | "relaxed";
  /** Events that ended without a completed call: discarded, or skipped by the policy. */
  isOver(call: Pick<HistoryCall, "revision" | "deliveryId">): boolean;
  /** Ends of the service without a record, in time. Null: not known, so a repeat tells of one. `next`: where the record said that the lane goes on; −∞ where it is not known. */
  readonly crashes: readonly { readonly at: number; readonly next: number }[] | null;
  /** The log's facts; null when there is only the receiver's record. */
  readonly log: {
    /** Revisions that the handler wants, ascending. */
    readonly wanted: readonly number[];
    isLetter(revision: number): boolean;
    isReplayed(revision: number): boolean;
  } | null;
}

export interface LaneFindings {
  /** In words, each beginning with the revision. */
  readonly broken: readonly string[];
  /** Calls of a delivery that had completed already, or was cut off. */
  readonly repeats: number;
}

/** Parts of one event, at most 100, stand between two revisions. */
const places = 128;
const placeOf = ({ revision, part = 0 }: Pick<HistoryCall, "revision" | "part">): number => revision + part / places;
const show = (place: number): string => (Number.isInteger(place) ? `${place}` : `${Math.floor(place)} part ${(place % 1) * places}`);

/**
 * Judges the calls of one lane: starts in order, one at a time, none above an event that is not over.
 *
 * Without a log the wanted events are those that were called. A step back is a repeat after a crash when it begins at a call that may have gone without a
 * record (it completed, or was cut off), under the same attempt.
 */
export function checkLane(calls: readonly HistoryCall[], { ordering, isOver, crashes, log }: LaneStory): LaneFindings {
  const broken: string[] = [];
  let repeats = 0;
  const line = log?.wanted ?? [...new Set(calls.map(placeOf))].sort((a, b) => a - b);
  const placeInLine = new Map(line.map((place, index) => [place, index]));
  const last = new Map<number, HistoryCall>();
  /** Index in `line` of the first event whose turn it still is. */
  let turn = 0;
  let before: HistoryCall | undefined;
  for (const call of calls.toSorted((a, b) => a.startedAt - b.startedAt)) {
    const place = placeOf(call);
    const say = (what: string) => broken.push(`${show(place)}${call.attempt === null ? "" : ` attempt ${call.attempt}`} ${what}`);
    const crash = crashes?.findLast(({ at }) => at < call.startedAt && (before === undefined || at > before.startedAt));
    if (before !== undefined && crash === undefined && runsAt(before, call.startedAt, crashes !== null)) say(`began while ${show(placeOf(before))} ran`);

    const index = placeInLine.get(place) ?? -1;
    const again = last.get(place);
    if (again !== undefined && (again.outcome === "completed" || again.outcome === null)) repeats++;
    if (index < turn && index !== -1) {
      const known = crash !== undefined && call.revision >= crash.next;
      const inferred =
        crashes === null && again !== undefined && (again.outcome === "completed" || again.outcome === undefined) && again.attempt === call.attempt;
      if (known || inferred) turn = index;
    }
    if (again !== undefined && again.deliveryId !== call.deliveryId) say("has another delivery id");
    if (log !== null) checkAttempt(call, again, crash !== undefined, log.isReplayed(call.revision), say);

    const letterBack = ordering === "relaxed" && call.replayId !== null && (log === null ? again?.outcome !== "completed" : log.isLetter(call.revision));
    if (index === -1) say("is not wanted");
    else if (index < turn && !letterBack) say(`goes back behind ${line[turn] === undefined ? "the end" : show(line[turn]!)}`);
    for (; turn < index && !letterBack; turn++) {
      const passed = line[turn]!;
      const seen = last.get(passed);
      const isLetter = log?.isLetter(passed) ?? false;
      const over =
        isOver(seen ?? { revision: passed, deliveryId: "" }) ||
        (ordering === "relaxed" && (log === null ? seen !== undefined : isLetter)) ||
        (log === null && seen !== undefined && (seen.outcome === "completed" || seen.outcome === undefined));
      if (!over) say(`begins before ${show(passed)} has ended${reasonOf(log !== null, isLetter, seen)}`);
    }
    if (call.outcome === "completed" && index === turn) turn++;
    last.set(place, call);
    before = call;
  }
  return { broken, repeats };
}

/** Whether a call still runs then. @param strictly a call without an end is one that runs. */
function runsAt({ endedAt, outcome }: HistoryCall, at: number, strictly: boolean): boolean {
  if (endedAt === undefined || (endedAt === null && !strictly && outcome === null)) return false;
  return endedAt === null ? strictly : endedAt > at;
}

function reasonOf(withLog: boolean, isLetter: boolean, seen: HistoryCall | undefined): string {
  if (withLog) return isLetter ? " (a dead letter)" : "";
  if (seen === undefined) return ", which was called later";
  return seen.outcome === null ? ": its call was cut off" : `: its last call ${seen.outcome === "deferred" ? "was deferred" : "failed"}`;
}

function checkAttempt({ attempt }: HistoryCall, again: HistoryCall | undefined, afterCrash: boolean, isReplayed: boolean, say: (what: string) => void): void {
  if (again?.attempt == null) {
    if (again === undefined && attempt !== 1 && !isReplayed) say("is the first one seen");
    return;
  }
  if (again.outcome === "failed" && attempt !== again.attempt + 1 && !afterCrash) say(`follows attempt ${again.attempt}`);
  if (again.outcome === "deferred" && attempt !== again.attempt) say(`follows the deferred attempt ${again.attempt}`);
}
