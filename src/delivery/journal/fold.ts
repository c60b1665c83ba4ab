/** Folding a journal gives all state of a handler's partition (docs/rules.md, Journal). Pure; nothing else is the source of truth. */
import type { AttemptRecord, Deferrals } from "../../records/attempt.ts";
import type { JournalData, JournalEvent } from "../../records/journal.ts";
import { isLaneBlock } from "../../records/lane-state.ts";
import { attachedOf, settledOf, startedOf } from "../../records/progress.ts";
import { noEnds, withEnd } from "../partition/ends.ts";
import { approve, forgetCalls, letterOf, saysMore, stayAt } from "../partition/lane-standing.ts";
import { noDeferrals } from "../policy/waits.ts";
import { put, remove, removeDone } from "./by-delivery.ts";
import { advance, detach, laneOf, noWait } from "./lane-record.ts";
import type { PartitionState, WaitRecord } from "./state.ts";

function ended(state: PartitionState, lane: string, revision: number): void {
  remove(state.started, lane, revision);
}

type Rules = { readonly [T in JournalEvent["type"]]: (state: PartitionState, data: JournalData[T], revision: number) => void };

const rules: Rules = {
  "partition.claimed": (state, { readAhead, life, lastEnd = "told" }) => {
    for (const record of state.lanes.values()) record.blockedBy = null; // this build may know the version: each claim tries again
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
  "partition.wants": (state, { types }) => {
    state.types = types;
  },
  "partition.released": (state) => {
    state.clean = true;
  },
  "partition.closed": (state, { partitions }) => {
    state.closed = partitions;
  },
  progress: (state, { checkpoint, ahead, attached = [], started = [] }, revision) => {
    for (const one of attached) rules["lane.attached"](state, attachedOf(one), revision);
    for (const one of started) rules["delivery.started"](state, startedOf(one), revision);
    for (const [lane, next, at] of ahead) advance(laneOf(state, lane, next), next, BigInt(at));
    const passed = BigInt(checkpoint);
    if (passed > state.checkpoint) state.checkpoint = passed;
    for (const lane of state.attached) {
      if (saysMore(state.lanes.get(lane)!, state.checkpoint)) continue;
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
    record.blockedBy = isLaneBlock(why) ? why : null;
  },
  "lane.attached": (state, { lane, at }) => {
    const record = state.lanes.get(lane);
    if (record === undefined) return;
    record.detached = false;
    state.attached.add(lane);
    record.blockedBy = null;
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
    // The failures so far were those of this part: the next part begins without any.
    if (letter !== undefined) {
      letter.attempts = 0;
      if (letter.replay !== null) letter.replay = { ...letter.replay, failed: 0, deferred: noDeferrals, ...noWait };
    } else if (record?.next === revision) {
      forgetCalls(record);
      Object.assign(record, noWait);
    }
  },
  "delivery.failed": (state, { lane, revision, record, retryAt, deferred = null }) =>
    waits(state, lane, revision, { attempts: record.attempt, failed: 1, replayId: record.replayId, deferred, ...waitFrom(record, retryAt) }),
  "delivery.deferred": (state, { lane, revision, record, until, deferred = noDeferrals }) =>
    waits(state, lane, revision, { attempts: record.attempt - 1, failed: 0, replayId: record.replayId, deferred, ...waitFrom(record, until) }),
  "delivery.dead_lettered": (state, { lane, revision, at, eventId, ...letter }) => {
    const record = laneOf(state, lane, revision + 1);
    const position = BigInt(at);
    record.letters.set(revision, letterOf(record, { revision, position, id: eventId }, letter));
    ended(state, lane, revision);
    advance(record, revision + 1, position);
    detach(state, lane, record);
    record.pace = null; // the lane stands still now; whoever releases it says at which pace
  },
  "delivery.settled": (state, { lane, revision, at, act, paceThrough }) => {
    const record = laneOf(state, lane, revision + 1);
    ended(state, lane, revision);
    remove(state.parts, lane, revision);
    if (!record.letters.delete(revision)) advance(record, revision + 1, BigInt(at));
    if (act.replayId !== undefined && paceThrough !== undefined && paceThrough >= record.next) record.pace = { replayId: act.replayId, through: paceThrough };
  },
  "letters.replayed": (state, { act, letters }, revision) => {
    for (const letter of letters) rules["delivery.settled"](state, settledOf(act, letter), revision);
  },
  "replay.stopped": (state, { replayId }) => {
    for (const record of state.lanes.values()) {
      if (record.pace?.replayId === replayId) record.pace = null;
      for (const letter of record.letters.values()) if (letter.replay?.replayId === replayId) letter.replay = null;
    }
  },
  "delivery.amended": (state, { lane, revision, act }, at) => {
    const letter = state.lanes.get(lane)?.letters.get(revision);
    if (letter === undefined) return;
    letter.amended = { revision: at, replayId: act.replayId ?? null };
    letter.approval = null; // what was approved was other data
  },
  "delivery.decided": (state, { lane, revision, runId, act }) => {
    const letter = state.lanes.get(lane)?.letters.get(revision);
    if (letter?.decision) approve(letter, runId, act);
  },
  "delivery.noticed": (state, { lane, revision, stage }) => {
    const decision = state.lanes.get(lane)?.letters.get(revision)?.decision;
    if (decision) decision.told = stage;
  },
  "act.done": () => {},
  "act.refused": () => {},
  snapshot: () => {},
};

interface NextCall extends Omit<WaitRecord, "deferred"> {
  readonly attempts: number;
  readonly failed: 0 | 1;
  readonly replayId: string | undefined;
  /** Null when the count stays as it was. */
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
  stayAt(record, revision, attempts, deferred);
  Object.assign(record, { retryAt, waitMs });
}

/** Applies one journal event to the state, in place. @param revision of the event in its journal. */
export function fold(state: PartitionState, event: JournalEvent, revision: number): void {
  (rules[event.type] as (state: PartitionState, data: JournalEvent["data"], revision: number) => void)(state, event.data, revision);
}

/** Whether events of this type belong to a journal. */
export function foldsType(type: string): boolean {
  return Object.hasOwn(rules, type);
}
