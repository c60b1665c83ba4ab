/** The state of a partition as snapshot events, and back. Pure. */
import type { DecisionSnapshot } from "../../records/escalation.ts";
import type { JournalData } from "../../records/journal.ts";
import type { LaneSnapshot, LetterSnapshot, PartSnapshot, StartedSnapshot } from "../../records/snapshot.ts";
import { decisionOf, type OpenDecision } from "../partition/open-decision.ts";
import { noDeferrals } from "../policy/waits.ts";
import { put } from "./by-delivery.ts";
import { emptyState, type PartitionState, type WaitRecord } from "./state.ts";

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
const ms = (text: string | null): number | null => (text === null ? null : Date.parse(text));

const toWait = ({ retryAt, waitMs, deferred }: WaitRecord) => ({
  retryAt: iso(retryAt),
  ...(waitMs === null ? {} : { waitMs }),
  ...(deferred.count === 0 && deferred.elapsedMs === undefined ? {} : { deferred }),
});
const fromWait = ({ retryAt, waitMs, deferred = noDeferrals }: Pick<LaneSnapshot, "retryAt" | "waitMs" | "deferred">): WaitRecord => ({
  retryAt: ms(retryAt),
  waitMs: waitMs ?? null,
  deferred,
});

const toDecision = ({ part, dueAt, ...rest }: OpenDecision): DecisionSnapshot => ({ ...rest, dueAt: iso(dueAt), ...(part === null ? {} : { part }) });
const fromDecision = ({ part, dueAt, ...rest }: DecisionSnapshot): OpenDecision => ({ ...rest, dueAt: ms(dueAt), part: part ?? null });

type Slice = Pick<JournalData["snapshot"], "lanes" | "started"> & { readonly partsDone: NonNullable<JournalData["snapshot"]["partsDone"]> };

/** The most bytes in one snapshot event, and the most dead letters in one entry of a lane: a lane may have more of them than one append takes. */
const defaultLimits = { bytes: 512 * 1024, letters: 500 };

/** Cuts the state into slices of at most about 512 KiB, whatever makes it large. A generator, so that others have their turn between two slices. */
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
      why: record.blockedBy,
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
        escalated: letter.decision !== null,
        replay: letter.replay && { replayId: letter.replay.replayId, failed: letter.replay.failed, ...toWait(letter.replay) },
        ...(letter.amended === null ? {} : { amended: letter.amended }),
        ...(letter.decision === null ? {} : { decision: toDecision(letter.decision) }),
        ...(letter.approval === null ? {} : { approval: letter.approval }),
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
  { checkpoint, clean, readAhead, life, types, epochBase }: PartitionState,
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
      ...(types === null || part > 0 ? {} : { types }),
      ...(epochBase === 0 ? {} : { epochBase }),
      lanes,
      started,
      ...(partsDone.length > 0 ? { partsDone } : {}),
    },
  }));
}

/** The state that a complete set of snapshot events holds. */
export function fromSnapshot(parts: readonly JournalData["snapshot"][]): PartitionState {
  const state = emptyState();
  for (const { checkpoint, clean, readAhead, life, types, epochBase = 0, lanes, started, partsDone = [] } of parts) {
    state.checkpoint = BigInt(checkpoint);
    state.clean = clean;
    state.readAhead = readAhead;
    state.life = life ?? null;
    state.types ??= types ?? null;
    state.epochBase = epochBase;
    for (const { lane, revision, at, crashes, kills = 0, told = crashes, ...rest } of started)
      put(state.started, lane, revision, { ...rest, at: BigInt(at), ends: { crashes, kills, told } });
    for (const { lane, revision, at, part } of partsDone) put(state.parts, lane, revision, { at: BigInt(at), part });
    for (const { lane, next, at, detached, why, attempts, letters, paused = false, pace, ...wait } of lanes) {
      let record = state.lanes.get(lane);
      if (record === undefined) {
        record = { next, at: BigInt(at), detached, blockedBy: why, attempts, ...fromWait(wait), letters: new Map(), paused, pace: pace ?? null };
        state.lanes.set(lane, record);
        if (!detached) state.attached.add(lane);
      }
      for (const letter of letters) // of a lane with many they are in several entries
        record.letters.set(letter.revision, {
          at: BigInt(letter.at),
          eventId: letter.eventId,
          attempts: letter.attempts,
          decision: letter.decision === undefined ? decisionOf({ escalated: letter.escalated }) : fromDecision(letter.decision),
          approval: letter.approval ?? null,
          replay: letter.replay && { replayId: letter.replay.replayId, failed: letter.replay.failed, ...fromWait(letter.replay) },
          amended: letter.amended ?? null,
        });
    }
  }
  return state;
}
