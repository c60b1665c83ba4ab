/** Judges what a receiver saw over several lives of a service against the log and what was on record at each end (docs/rules.md, Checking). */
import { emptyState, type PartitionState } from "../../src/delivery/journal/state.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import { type Recorded, recordOf } from "./crash-journal.ts";
import type { Call, Moment } from "./crash-receiver.ts";

export interface CheckedHandler {
  readonly name: string;
  readonly ordering: "strict" | "relaxed";
  readonly record: "batch" | "each";
  readonly types: readonly string[];
  /** A live call with this number that fails is the last one: a dead letter. */
  readonly maxAttempts: number;
}

/** One life of the service. */
export interface Life {
  /** When it was killed (performance.now()); null: it ended cleanly, or lives. */
  readonly killedMs: number | null;
  /** What was on record at its end. */
  readonly recorded: Recorded;
}

export interface Findings {
  readonly broken: readonly string[];
  /** Deliveries that were answered 2xx and yet not on record when the process died, so that they come again. */
  readonly unrecorded: number;
  /** How long before its kill the oldest of them was answered. */
  readonly longestUnrecordedMs: number;
  /** Calls that ran at a kill. */
  readonly running: number;
  /** Deliveries called again in a later life after they had been answered 2xx. */
  readonly repeats: number;
}

export interface History {
  readonly events: readonly StoredEvent[];
  readonly handlers: readonly CheckedHandler[];
  readonly history: readonly Moment[];
  /** By number; life 0 is the first. */
  readonly lives: readonly Life[];
  /** An outcome older than this at a kill must be on record. */
  readonly recordedWithinMs: number;
}

export function checkHistory({ events, handlers, history, lives, recordedWithinMs }: History): Findings {
  const byId = new Map(events.map((event) => [event.id, event]));
  const isKnown = ({ call: { id, revision, lane } }: Moment): boolean => {
    const event = byId.get(id);
    return event?.revision === revision && `${event.entity.type}/${event.entity.id}` === lane;
  };
  const known = history.filter(isKnown);
  const strays = history.filter((moment) => !isKnown(moment));
  const broken = strays.map(({ call }) => `${call.id} is not where it was called, revision ${call.revision} of ${call.lane}`);
  const visits = handlers.flatMap((handler) => {
    const wanted = Map.groupBy(
      events.filter(({ type }) => handler.types.includes(type)),
      ({ entity }) => `${entity.type}/${entity.id}`,
    );
    const completed = new Set<string>();
    return lives.flatMap(({ killedMs, recorded }, number) => {
      const before = lives[number - 1]?.recorded.get(handler.name) ?? emptyState();
      const after = killedMs === null ? null : { killedMs, recorded: recorded.get(handler.name)! };
      const mine = known.filter(({ call }) => call.handler === handler.name && call.life === number);
      return Array.from(
        Map.groupBy(mine, ({ call }) => call.lane),
        ([lane, moments]) => {
          const visit = checkVisit({ handler, wanted: wanted.get(lane) ?? [], moments, before, after, completed, recordedWithinMs });
          broken.push(...visit.broken.map((what) => `life ${number}, ${handler.name}, ${lane}: ${what}`));
          return visit;
        },
      );
    });
  });
  const lost = visits.flatMap(({ lostMs }) => lostMs);
  return {
    broken,
    unrecorded: lost.length,
    longestUnrecordedMs: Math.round(lost.reduce((most, ms) => Math.max(most, ms), 0)),
    running: visits.filter(({ cutOff }) => cutOff).length,
    repeats: visits.reduce((sum, { repeats }) => sum + repeats, 0),
  };
}

/** What happened to one lane of one handler in one life. */
interface Visit {
  readonly handler: CheckedHandler;
  /** The lane's wanted events, by revision. */
  readonly wanted: readonly StoredEvent[];
  readonly moments: readonly Moment[];
  /** On record when the life began. */
  readonly before: PartitionState;
  /** At the kill that ended it; null: no kill did. */
  readonly after: { readonly killedMs: number; readonly recorded: PartitionState } | null;
  /** Events answered 2xx in this life or an earlier one. Added to. */
  readonly completed: Set<string>;
  readonly recordedWithinMs: number;
}

function checkVisit({ handler, wanted, moments, before, after, completed, recordedWithinMs }: Visit) {
  const broken: string[] = [];
  const say = ({ revision, replayId }: Call, what: string) => broken.push(`revision ${revision}${replayId === null ? "" : " (replay)"} ${what}`);
  const events = new Map(wanted.map((event) => [event.revision, event]));
  const onRecord = (revision: number) => recordOf(before, events.get(revision)!);
  const repeated = new Set<string>();
  const ok = new Set<number>();
  const letters = new Set<number>();
  const isLetter = (revision: number) => !ok.has(revision) && (letters.has(revision) || onRecord(revision) === "letter");
  /** Keeps those behind it from starting. */
  const isOpen = (revision: number) => !ok.has(revision) && onRecord(revision) !== "done" && (handler.ordering === "strict" || !isLetter(revision));
  let runs: Call | null = null;

  for (const { kind, call } of moments) {
    const { revision, id, replayId, attempt } = call;
    if (!events.has(revision)) {
      say(call, "is not wanted");
      continue;
    }
    if (kind === "answered") {
      runs = null;
      if (isOk(call)) {
        ok.add(revision);
        completed.add(id);
      } else if (replayId !== null || attempt >= handler.maxAttempts) letters.add(revision);
      continue;
    }
    if (runs !== null) say(call, `started while revision ${runs.revision} ran`);
    runs = call;
    if (completed.has(id)) repeated.add(id);
    if (ok.has(revision)) say(call, "was called again after it went well in this very life");
    else if (onRecord(revision) === "done") say(call, "was called again though it was on record as done");
    else if (replayId === null && isLetter(revision)) say(call, "was a dead letter, and was called by itself");
    else if (replayId !== null && !isLetter(revision)) say(call, "was no dead letter");
    const open = replayId === null ? wanted.find((event) => event.revision < revision && isOpen(event.revision)) : undefined;
    if (open !== undefined) say(call, `started before revision ${open.revision} was over`);
  }

  const lostMs: number[] = [];
  if (after !== null) {
    const lost = moments.filter(
      ({ kind, call }) => kind === "answered" && isOk(call) && events.has(call.revision) && recordOf(after.recorded, events.get(call.revision)!) !== "done",
    );
    if (handler.record === "each" && lost.length > 1) say(lost[1]!.call, "started before the one before it was on record");
    for (const { call } of lost) {
      const agoMs = after.killedMs - call.answered!.atMs;
      lostMs.push(agoMs);
      if (agoMs > recordedWithinMs) say(call, `was not on record ${Math.round(agoMs)} ms after it was answered`);
    }
  }
  return { broken, lostMs, repeats: repeated.size, cutOff: after !== null && runs !== null };
}

const isOk = ({ answered }: Call): boolean => answered !== null && answered.status < 300;

/** Each acknowledged event is in the log once, where the answer said; the log has no other; and no entity has a hole. */
export function checkAppends(
  events: readonly StoredEvent[],
  acknowledged: readonly { readonly id: string; readonly entity: string; readonly revision: number }[],
): readonly string[] {
  const broken: string[] = [];
  const found = new Map<string, string>();
  const next = new Map<string, number>();
  for (const { id, entity, revision } of events) {
    const name = `${entity.type}/${entity.id}`;
    if (found.has(id)) broken.push(`${id} is stored twice`);
    found.set(id, `${name} ${revision}`);
    if (revision !== (next.get(name) ?? 0)) broken.push(`${name} has revision ${revision} where ${next.get(name) ?? 0} should be`);
    next.set(name, revision + 1);
  }
  const known = new Set(acknowledged.map(({ id }) => id));
  for (const { id, entity, revision } of acknowledged)
    if (found.get(id) !== `${entity} ${revision}`) broken.push(`${id} was acknowledged as ${entity} ${revision}, and is ${found.get(id) ?? "lost"}`);
  for (const [id, where] of found) if (!known.has(id)) broken.push(`${id} at ${where} was never acknowledged, though every append was repeated until it was`);
  return broken;
}
