import type { Priority } from "../../event/event.ts";
import { parseStreamName } from "../../event/names.ts";
import { noDeferrals } from "../policy/waits.ts";
import type { Delivery } from "./delivery.ts";
import { EventQueue } from "./event-queue.ts";
import type { LaneLoan } from "./lane-loan.ts";
import type { LaneStanding } from "./lane-standing.ts";
import type { Letter, LetterReplay } from "./letter.ts";
import type { Schedulable } from "./ready-lanes.ts";

/** A lane's place in a replay's pace. */
export interface Turn {
  readonly replayId: string;
  granted: boolean;
}

/** Events of one reading of a detached lane, and outcomes of it that may wait for their record: as many are suspects after a crash. */
export const laneBatch = 64;
/** Everything that the checkpoint has passed is done, and the subscription will say what comes next. */
export const unknownNext = -1;

/** Where a lane stands, as the journal knows it, and what keeps it there. */
interface Standing extends LaneStanding {
  readonly stream: string;
  readonly tenant: string;
  /** `unknownNext` while the lane exists only for a loan, or for an operator's act. */
  next: number;
  letters: ReadonlyMap<number, Letter>;
  /** The event at `next` has a failed or a deferred call on record: its completion is told in full. */
  troubled: boolean;
  /** Monotonic time before which the event at `next` is not due; null: it is due. */
  dueMs: number | null;
}

/** How events come to it. */
interface Feed {
  /** Wanted events in order, the first at or above `next`. */
  readonly queue: EventQueue;
  /** Highest revision that the subscription brought while the lane was detached. */
  seen: number;
  /** Last revision of the stream that the queue's reading covered. */
  readThrough: number;
  reading: boolean;
  /** Events up to here may have been under way when the process died: their calls are recorded first. */
  suspectThrough: number;
  /** Events up to here may have been called before this process had them, after a clean stop too: a call that was abandoned leaves no record. */
  doubtThrough: number;
}

/** What of it runs, waits, or is not on record yet. */
interface Doings extends Schedulable {
  running: Delivery | null;
  /** Its dead letters that are delivered again, in revision order. */
  replays: readonly LetterReplay[];
  /** The first one has the lane. */
  loans: readonly LaneLoan[];
  turn: Turn | null;
  /** Operators' acts that look at its stream meanwhile: it is not forgotten. */
  pins: number;
  /** Acts whose records are under way: nothing of it starts before they are stored, or refused. */
  acts: number;
  /** Number of the flush that records the lane's last outcome, and how many outcomes wait for it. */
  recordedIn: number;
  unflushed: number;
  /** Number of the flush that records where the lane's `next` moved to last. */
  movedIn: number;
}

/** The deliveries of one entity for one handler, in order, one at a time. A flat record, because a log may have a million lanes; the pieces beside it have the rules. */
export interface Lane extends Standing, Feed, Doings {}

// Most lanes have none of these.
const none: readonly never[] = [];
const noLetters: ReadonlyMap<number, Letter> = new Map();

export function makeLane(stream: string, next: number, tenant = parseStreamName(stream)?.tenant ?? ""): Lane {
  return {
    stream,
    tenant,
    next,
    at: 0n,
    detached: false,
    blockedBy: null,
    paused: false,
    letters: noLetters,
    attempts: 0,
    deferred: noDeferrals,
    troubled: false,
    dueMs: null,
    pace: null,
    queue: new EventQueue(),
    seen: -1,
    readThrough: -1,
    reading: false,
    suspectThrough: -1,
    doubtThrough: -1,
    running: null,
    replays: none,
    loans: none,
    turn: null,
    failing: false,
    queued: false,
    pins: 0,
    acts: 0,
    recordedIn: 0,
    unflushed: 0,
    movedIn: 0,
  };
}

export function putLetter(lane: Lane, revision: number, letter: Letter): void {
  if (lane.letters === noLetters) lane.letters = new Map();
  (lane.letters as Map<number, Letter>).set(revision, letter);
}

/** @returns whether there was one. */
export function removeLetter(lane: Lane, revision: number): boolean {
  return (lane.letters as Map<number, Letter>).delete(revision);
}

/** Forgets what was read of its stream: the queue is read again from `next` on. */
export function dropQueue(lane: Lane): void {
  lane.queue.clear();
  lane.readThrough = -1;
}

/** Of what the lane starts next. */
export function priorityOf({ loans, replays, queue }: Lane): Priority {
  return (loans[0]?.event ?? replays[0]?.event ?? queue.first())?.metadata.priority ?? "normal";
}
