/** Folding a journal gives all state of a handler's partition (DELIVERY §3). Pure; nothing else is the source of truth. */
import type { Position } from "../../event/event.ts";
import type { AttemptRecord, Deferrals, Ends } from "../../records/attempt.ts";
import type { JournalData, JournalEvent } from "../../records/journal.ts";
import { isLaneBlock, type LaneBlock } from "../../records/lane-state.ts";
import type { AmendmentPointer, LaneSnapshot, LetterSnapshot, PartSnapshot, StartedSnapshot } from "../../records/snapshot.ts";
import { noEnds, withEnd } from "../partition/ends.ts";
import { noDeferrals } from "../policy/waits.ts";

/** Of the event that comes next. */
interface WaitRecord {
  /** When it is due again (wall clock, ms). */
  retryAt: number | null;
  /** How long that was when the wait began; null: not known. */
  waitMs: number | null;
  deferred: Deferrals;
}

/** A dead letter: a pointer to the event. */
export interface LetterRecord {
  readonly at: Position;
  readonly eventId: string;
  /** All calls ever. */
  attempts: number;
  escalated: boolean;
  /** The replay under way: its failed calls so far, and when the next one is due (wall clock, ms). */
  replay: ({ replayId: string; failed: number } & WaitRecord) | null;
  /** The data that its deliveries carry, when it is not the stored one. */
  amended: AmendmentPointer | null;
}

/** A recorded intent to call, without an outcome yet. */
export interface StartedRecord {
  readonly at: Position;
  readonly eventId: string;
  attempt: number;
  alone: boolean;
  readonly replayId: string | null;
  ends: Ends;
}

export interface LaneRecord extends WaitRecord {
  /** First revision that is not done, dead letters apart. */
  next: number;
  /** Position of the last event known to be done; 0 when none is. */
  at: Position;
  detached: boolean;
  why: LaneBlock | null;
  /** Failed calls of the event at `next`. */
  attempts: number;
  readonly letters: Map<number, LetterRecord>;
  /** By an operator: nothing of it starts. */
  paused: boolean;
  /** Its live deliveries up to `through` stay on the pace of the replay that released them. */
  pace: { readonly replayId: string; readonly through: number } | null;
}

export interface PartitionState {
  checkpoint: Position;
  /** The last owner released the partition: nothing was under way. */
  clean: boolean;
  /** Of the last owner's process; null: not known. */
  life: string | null;
  /** Events that the last owner may have had under way beyond the checkpoint. */
  readAhead: number;
  /** Lanes that are not simply flowing, or are ahead of the checkpoint. */
  readonly lanes: Map<string, LaneRecord>;
  /** Those of them that are not detached: a checkpoint has to look at no others. */
  readonly attached: Set<string>;
  /** Calls on record without an outcome, by lane and revision. Apart from the lanes: a call is no reason to keep a lane that the checkpoint has passed. */
  readonly started: Map<string, Map<number, StartedRecord>>;
  /** Of events that were split: the first part that is not done, by lane and revision. Kept apart for the same reason. */
  readonly parts: Map<string, Map<number, { readonly at: Position; readonly part: number }>>;
}

export function emptyState(): PartitionState {
  return { checkpoint: 0n, clean: true, life: null, readAhead: 0, lanes: new Map(), attached: new Set(), started: new Map(), parts: new Map() };
}

const noWait = { retryAt: null, waitMs: null, deferred: noDeferrals };

const newLane = (next: number): LaneRecord => ({
  ...{ next, at: 0n, detached: false, why: null, attempts: 0, ...noWait, letters: new Map(), paused: false, pace: null },
});

function laneOf(state: PartitionState, lane: string, next: number): LaneRecord {
  let record = state.lanes.get(lane);
  if (record === undefined) {
    state.lanes.set(lane, (record = newLane(next)));
    state.attached.add(lane);
  }
  return record;
}

function detach(state: PartitionState, lane: string, record: LaneRecord): void {
  record.detached = true;
  state.attached.delete(lane);
}

/** Sets the first revision that is not done, and clears what was known of those before it. */
function advance(record: LaneRecord, next: number, at: Position): void {
  if (next > record.next) {
    record.next = next;
    record.attempts = 0;
    Object.assign(record, noWait);
    record.why = null;
    if (record.pace !== null && next > record.pace.through) record.pace = null;
  }
  if (at > record.at) record.at = at;
}

/** A lane is kept in the state only while it says more than the checkpoint does. */
const says = (record: LaneRecord, checkpoint: Position): boolean => record.detached || record.letters.size > 0 || record.at > checkpoint;

/** Entries by lane and revision. */
type ByDelivery<T> = Map<string, Map<number, T>>;

function put<T>(entries: ByDelivery<T>, lane: string, revision: number, entry: T): void {
  const revisions = entries.get(lane);
  if (revisions === undefined) entries.set(lane, new Map([[revision, entry]]));
  else revisions.set(revision, entry);
}

function remove<T>(entries: ByDelivery<T>, lane: string, revision: number): void {
  const revisions = entries.get(lane);
  if (revisions?.delete(revision) && revisions.size === 0) entries.delete(lane);
}

/** Forgets the entries of deliveries that are done, dead letters apart. */
function removeDone(state: PartitionState, entries: ByDelivery<{ readonly at: Position }>): void {
  for (const [lane, revisions] of entries) {
    const record = state.lanes.get(lane);
    for (const [revision, { at }] of revisions) {
      if (record?.letters.has(revision)) continue;
      if (revision < (record?.next ?? 0) || (!record?.detached && at <= state.checkpoint)) remove(entries, lane, revision);
    }
  }
}

function ended(state: PartitionState, lane: string, revision: number): void {
  remove(state.started, lane, revision);
}

type Rules = { readonly [T in JournalEvent["type"]]: (state: PartitionState, data: JournalData[T], revision: number) => void };

const rules: Rules = {
  "partition.claimed": (state, { readAhead, life, lastEnd = "told" }) => {
    for (const record of state.lanes.values()) record.why = null; // this build may know the version: each claim tries again
    if (state.clean) state.started.clear();
    for (const revisions of state.started.values())
      for (const started of revisions.values()) {
        started.ends = withEnd(started.ends, { alone: started.alone, isTold: lastEnd === "told" });
        started.alone = false;
      }
    state.clean = false;
    state.life = life ?? null;
    state.readAhead = readAhead;
  },
  "partition.released": (state) => {
    state.clean = true;
  },
  progress: (state, { checkpoint, ahead }) => {
    for (const [lane, next, at] of ahead) advance(laneOf(state, lane, next), next, BigInt(at));
    const passed = BigInt(checkpoint);
    if (passed > state.checkpoint) state.checkpoint = passed;
    for (const lane of state.attached) {
      if (says(state.lanes.get(lane)!, state.checkpoint)) continue;
      state.lanes.delete(lane);
      state.attached.delete(lane);
    }
    removeDone(state, state.started);
    removeDone(state, state.parts);
  },
  "lane.detached": (state, { lane, next, at, why }) => {
    const record = laneOf(state, lane, next);
    advance(record, next, BigInt(at));
    detach(state, lane, record);
    record.why = isLaneBlock(why) ? why : null;
  },
  "lane.attached": (state, { lane, at }) => {
    const record = state.lanes.get(lane);
    if (record === undefined) return;
    record.detached = false;
    state.attached.add(lane);
    record.why = null;
    record.pace = null;
    if (BigInt(at) > record.at) record.at = BigInt(at);
  },
  "lane.paused": (state, { lane, next, at }) => {
    const record = laneOf(state, lane, next);
    advance(record, next, BigInt(at));
    detach(state, lane, record);
    record.paused = true;
  },
  "lane.resumed": (state, { lane }) => {
    const record = state.lanes.get(lane);
    if (record !== undefined) record.paused = false;
  },
  "lane.retried": (state, { lane }) => {
    const record = state.lanes.get(lane);
    if (record === undefined) return;
    record.retryAt = null;
    for (const { replay } of record.letters.values()) if (replay !== null) replay.retryAt = null;
  },
  "lane.gap": (state, { lane, to }) => {
    const record = laneOf(state, lane, to + 1);
    advance(record, to + 1, record.at);
  },
  "delivery.started": (state, { lane, revision, at, eventId, attempt, alone, replayId }) => {
    const ends = state.started.get(lane)?.get(revision)?.ends ?? noEnds;
    put(state.started, lane, revision, { at: BigInt(at), eventId, attempt, alone, replayId: replayId ?? null, ends });
  },
  "partition.reset": (state, { checkpoint }) => {
    for (const kept of [state.lanes, state.attached, state.started, state.parts]) kept.clear();
    if (BigInt(checkpoint) > state.checkpoint) state.checkpoint = BigInt(checkpoint);
  },
  "delivery.part_completed": (state, { lane, revision, at, part }) => {
    put(state.parts, lane, revision, { at: BigInt(at), part: part + 1 });
    const record = state.lanes.get(lane);
    const letter = record?.letters.get(revision);
    // What failed before was the part's: the next one begins anew.
    if (letter !== undefined) {
      letter.attempts = 0;
      if (letter.replay !== null) letter.replay = { ...letter.replay, failed: 0, ...noWait };
    } else if (record?.next === revision) {
      record.attempts = 0;
      Object.assign(record, noWait);
    }
  },
  "delivery.failed": (state, { lane, revision, record, retryAt }) =>
    waits(state, lane, revision, { attempts: record.attempt, failed: 1, replayId: record.replayId, deferred: null, ...waitFrom(record, retryAt) }),
  "delivery.deferred": (state, { lane, revision, record, until, deferred = noDeferrals }) =>
    waits(state, lane, revision, { attempts: record.attempt - 1, failed: 0, replayId: record.replayId, deferred, ...waitFrom(record, until) }),
  "delivery.dead_lettered": (state, { lane, revision, at, eventId, attempts, escalated }) => {
    const record = laneOf(state, lane, revision + 1);
    record.letters.set(revision, { at: BigInt(at), eventId, attempts, escalated, replay: null, amended: record.letters.get(revision)?.amended ?? null });
    ended(state, lane, revision);
    advance(record, revision + 1, BigInt(at));
    detach(state, lane, record);
    record.pace = null; // it stands still: whoever releases it says at which pace
  },
  "delivery.settled": (state, { lane, revision, at, act, paceThrough }) => {
    const record = laneOf(state, lane, revision + 1);
    ended(state, lane, revision);
    remove(state.parts, lane, revision);
    if (!record.letters.delete(revision)) advance(record, revision + 1, BigInt(at));
    if (act.replayId !== undefined && paceThrough !== undefined && paceThrough >= record.next) record.pace = { replayId: act.replayId, through: paceThrough };
  },
  "replay.stopped": (state, { replayId }) => {
    for (const record of state.lanes.values()) {
      if (record.pace?.replayId === replayId) record.pace = null;
      for (const letter of record.letters.values()) if (letter.replay?.replayId === replayId) letter.replay = null;
    }
  },
  "delivery.amended": (state, { lane, revision, act }, at) => {
    const letter = state.lanes.get(lane)?.letters.get(revision);
    if (letter !== undefined) letter.amended = { revision: at, replayId: act.replayId ?? null };
  },
  snapshot: () => {},
};

interface NextCall extends Omit<WaitRecord, "deferred"> {
  readonly attempts: number;
  readonly failed: 0 | 1;
  readonly replayId: string | undefined;
  /** Null: as before. */
  readonly deferred: Deferrals | null;
}

/** Until when the delivery waits, and how long that is on the clock that began the wait. */
function waitFrom({ startedAt, durationMs }: AttemptRecord, until: string): Pick<WaitRecord, "retryAt" | "waitMs"> {
  const retryAt = Date.parse(until);
  return { retryAt, waitMs: Math.max(0, retryAt - Date.parse(startedAt) - durationMs) };
}

/** The event at `revision` gets another attempt at `retryAt`: a dead letter's replay, or the lane's next one. */
function waits(state: PartitionState, lane: string, revision: number, { attempts, failed, replayId, deferred, retryAt, waitMs }: NextCall): void {
  const record = laneOf(state, lane, revision);
  const letter = record.letters.get(revision);
  ended(state, lane, revision);
  if (letter !== undefined && replayId !== undefined) {
    letter.attempts = attempts;
    const before = letter.replay?.replayId === replayId ? letter.replay : { failed: 0, deferred: noDeferrals };
    letter.replay = { replayId, failed: before.failed + failed, retryAt, waitMs, deferred: deferred ?? before.deferred };
    return;
  }
  detach(state, lane, record);
  const before = record.next === revision ? record.deferred : noDeferrals;
  Object.assign(record, { next: revision, attempts, retryAt, waitMs, deferred: deferred ?? before });
}

/** Applies one journal event to the state, in place. @param revision of the event in its journal. */
export function fold(state: PartitionState, event: JournalEvent, revision: number): void {
  (rules[event.type] as (state: PartitionState, data: JournalEvent["data"], revision: number) => void)(state, event.data, revision);
}

/** Whether events of this type belong into a journal. */
export function foldsType(type: string): boolean {
  return Object.hasOwn(rules, type);
}

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
const ms = (text: string | null): number | null => (text === null ? null : Date.parse(text));

const toWait = ({ retryAt, waitMs, deferred }: WaitRecord) => ({
  retryAt: iso(retryAt),
  ...(waitMs === null ? {} : { waitMs }),
  ...(deferred.count === 0 ? {} : { deferred }),
});
const fromWait = ({ retryAt, waitMs, deferred = noDeferrals }: Pick<LaneSnapshot, "retryAt" | "waitMs" | "deferred">): WaitRecord => ({
  retryAt: ms(retryAt),
  waitMs: waitMs ?? null,
  deferred,
});

type Slice = Pick<JournalData["snapshot"], "lanes" | "started"> & { readonly partsDone: NonNullable<JournalData["snapshot"]["partsDone"]> };

/** Of state in one snapshot event, and of dead letters in one entry of a lane: one lane may have more of them than an append takes. */
const defaultLimits = { bytes: 512 * 1024, letters: 500 };

/** The state cut into slices of at most about 512 KiB, whatever it is that makes it large. One after another, so that others have their turn between them. */
export function* slicesOf(state: PartitionState, limits = defaultLimits): Generator<Slice> {
  let slice: { lanes: LaneSnapshot[]; started: Slice["started"][number][]; partsDone: Slice["partsDone"][number][] } = {
    lanes: [],
    started: [],
    partsDone: [],
  };
  let bytes = 0;
  for (const [list, entry] of entriesOf(state, limits.letters)) {
    const size = Buffer.byteLength(JSON.stringify(entry)) + 1;
    if (bytes + size > limits.bytes && bytes > 0) {
      yield slice;
      slice = { lanes: [], started: [], partsDone: [] };
      bytes = 0;
    }
    (slice[list] as unknown[]).push(entry);
    bytes += size;
  }
  yield slice;
}

function* entriesOf(state: PartitionState, lettersAtOnce: number): Generator<[list: keyof Slice, entry: object]> {
  for (const [lane, record] of state.lanes) {
    const about = {
      lane,
      next: record.next,
      at: record.at.toString(),
      detached: record.detached,
      why: record.why,
      attempts: record.attempts,
      ...toWait(record),
      ...(record.paused ? { paused: true as const } : {}),
      ...(record.pace === null ? {} : { pace: record.pace }),
    };
    let letters: LetterSnapshot[] = [];
    for (const [revision, letter] of record.letters) {
      if (letters.length === lettersAtOnce) {
        yield ["lanes", { ...about, letters } satisfies LaneSnapshot];
        letters = [];
      }
      letters.push({
        revision,
        at: letter.at.toString(),
        eventId: letter.eventId,
        attempts: letter.attempts,
        escalated: letter.escalated,
        replay: letter.replay && { replayId: letter.replay.replayId, failed: letter.replay.failed, ...toWait(letter.replay) },
        ...(letter.amended === null ? {} : { amended: letter.amended }),
      });
    }
    yield ["lanes", { ...about, letters } satisfies LaneSnapshot];
  }
  for (const [lane, revisions] of state.started)
    for (const [revision, { at, ends, ...rest }] of revisions)
      yield ["started", { ...rest, ...ends, lane, revision, at: at.toString() } satisfies StartedSnapshot];
  for (const [lane, revisions] of state.parts)
    for (const [revision, { at, part }] of revisions) yield ["partsDone", { lane, revision, at: at.toString(), part } satisfies PartSnapshot];
}

/** The state as snapshot events. @param slices all of `slicesOf`. */
export function toSnapshot(
  { checkpoint, clean, readAhead, life }: PartitionState,
  set: string,
  slices: readonly Slice[],
): readonly { readonly type: "snapshot"; readonly data: JournalData["snapshot"] }[] {
  return slices.map(({ lanes, started, partsDone }, part) => ({
    type: "snapshot",
    data: {
      set,
      part,
      parts: slices.length,
      checkpoint: checkpoint.toString(),
      clean,
      readAhead,
      ...(life === null ? {} : { life }),
      lanes,
      started,
      ...(partsDone.length > 0 ? { partsDone } : {}),
    },
  }));
}

/** The state that a complete set of snapshot events holds. */
export function fromSnapshot(parts: readonly JournalData["snapshot"][]): PartitionState {
  const state = emptyState();
  for (const { checkpoint, clean, readAhead, life, lanes, started, partsDone = [] } of parts) {
    state.checkpoint = BigInt(checkpoint);
    state.clean = clean;
    state.readAhead = readAhead;
    state.life = life ?? null;
    for (const { lane, revision, at, crashes, kills = 0, told = crashes, ...rest } of started)
      put(state.started, lane, revision, { ...rest, at: BigInt(at), ends: { crashes, kills, told } });
    for (const { lane, revision, at, part } of partsDone) put(state.parts, lane, revision, { at: BigInt(at), part });
    for (const { lane, next, at, detached, why, attempts, letters, paused = false, pace, ...wait } of lanes) {
      let record = state.lanes.get(lane);
      if (record === undefined) {
        record = { next, at: BigInt(at), detached, why, attempts, ...fromWait(wait), paused, pace: pace ?? null, letters: new Map() };
        state.lanes.set(lane, record);
        if (!detached) state.attached.add(lane);
      }
      for (const letter of letters) // of a lane with many they are in several entries
        record.letters.set(letter.revision, {
          at: BigInt(letter.at),
          eventId: letter.eventId,
          attempts: letter.attempts,
          escalated: letter.escalated,
          replay: letter.replay && { replayId: letter.replay.replayId, failed: letter.replay.failed, ...fromWait(letter.replay) },
          amended: letter.amended ?? null,
        });
    }
  }
  return state;
}
